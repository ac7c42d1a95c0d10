//! `POST /installations/{id}/rollback`: lets an installation run the release again that it ran before its last upgrade.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version},
    problem::{Problem, Reason},
};

/// Goes back to the release before.
pub struct Rollback;

/// Why an installation goes back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingBack {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl Operation for Rollback {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<RollingBack>;
    type Answer = Changed;

    const ABOUT: About = About::post(
        actions::INSTALLATIONS_ROLLBACK,
        "/installations/{id}/rollback",
        "Go back to the release before",
    )
    .text("With the grant that it had then, less what an admin has taken away since. The release is checked first.")
    .on(On::Installation)
    .dry_run()
    .version(Version::Needed)
    .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<RollingBack>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let reason = crate::admin::v1::reason(&call.body.0.reason)?;
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().rollback(&call.path.id, &reason).await;
        changing.answer(after).await
    }
}
