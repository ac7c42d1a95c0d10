//! `PUT /installations/{id}/policy`: sets which newer releases an installation takes by itself.

use portcullis_model::people::{Resource, actions};
use portcullis_model::upgrade::UpgradePolicy;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version},
    problem::{Problem, Reason},
};

/// Sets the policy of upgrades.
pub struct SetPolicy;

/// Which newer releases an installation takes by itself.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Which.
    upgrades: Taking,
}

/// Which newer releases are taken.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Taking {
    /// None.
    Manual,
    /// Those of the same major and minor version.
    Patch,
    /// All.
    All,
}

impl From<Taking> for UpgradePolicy {
    fn from(taking: Taking) -> Self {
        match taking {
            Taking::Manual => Self::Manual,
            Taking::Patch => Self::Patch,
            Taking::All => Self::All,
        }
    }
}

impl Operation for SetPolicy {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Policy>;
    type Answer = Changed;

    const ABOUT: About =
        About::put(actions::INSTALLATIONS_POLICY_CHANGE, "/installations/{id}/policy", "Set which newer releases are taken by themselves")
            .text("Only releases that ask for no more than the one before are ever taken by themselves; others wait for an admin.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Policy>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().set_policy(&call.path.id, call.body.0.upgrades.into()).await;
        changing.answer(after).await
    }
}
