//! `POST /installations/{id}/suspend`: stops an installation at once. Its events wait.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version},
    problem::{Problem, Reason},
};

/// Suspends an installation.
pub struct Suspend;

/// Why an installation is suspended.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspending {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl Operation for Suspend {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Suspending>;
    type Answer = Changed;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_SUSPEND, "/installations/{id}/suspend", "Suspend an installation")
            .text("Nothing of it runs from then on; its events wait. One that is suspended already stays as it is.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Suspending>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let reason = crate::admin::v1::reason(&call.body.0.reason)?;
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().suspend(&call.path.id, &reason).await;
        changing.answer(after).await
    }
}
