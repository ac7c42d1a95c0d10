//! `PUT /installations/{id}/grant`: replaces what an installation is granted, narrower or wider.

use portcullis_model::people::{Resource, actions};
use portcullis_model::scope::ScopeText;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, changing::Changing, scopes};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version},
    problem::{Problem, Reason},
};

/// Replaces a grant.
pub struct Grant;

/// What an installation is to have.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Granting {
    /// All that it shall have: scopes, as text, such as `tickets:read fields=subject`.
    #[schema(max_items = 500, value_type = Vec<String>)]
    scopes: Vec<String>,
}

impl Operation for Grant {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Granting>;
    type Answer = Changed;

    const ABOUT: About =
        About::put(actions::INSTALLATIONS_GRANT_CHANGE, "/installations/{id}/grant", "Replace what an installation is granted")
            .text("The list is all that it has for every call that begins from then on. It must lie within what the manifest asks for; what could be granted instead is in the refusal.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Granting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let granted: Vec<ScopeText> = scopes(&call.body.0.scopes)?;
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().grant(&call.path.id, granted).await;
        changing.answer(after).await
    }
}
