//! `PATCH /installations/{id}/limits`: sets what an installation may use, in a call and in an hour.

use portcullis_model::people::{Resource, actions};
use std::collections::BTreeMap;

use portcullis_model::{limits::Limits, scope::nearest};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, given::short},
    problem::{Problem, Reason},
};

/// Sets limits.
pub struct SetLimits;

/// What an installation may use.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limiting {
    /// By the limit's name, such as `records-read-per-hour`: whole numbers of 1 or more.
    limits: BTreeMap<String, u64>,
}

/// These limits, with what is named replaced.
pub(super) fn set(mut limits: Limits, named: &BTreeMap<String, u64>) -> Result<Limits, Problem> {
    let wrong = |advice: String| Err(Problem::new(Reason::WrongBody, advice));
    if named.is_empty() {
        return wrong("limits: name one at least.".to_owned());
    }
    for (name, value) in named {
        if *value == 0 {
            return wrong(format!("limits: {}: expected 1 or more; suspend it to stop it altogether.", short(name)));
        }
        if !limits.set(name, *value) {
            let advice = nearest(name, Limits::NAMES);
            return wrong(format!("limits: there is no limit '{}'; {advice}", short(name)));
        }
    }
    Ok(limits)
}

impl Operation for SetLimits {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Limiting>;
    type Answer = Changed;

    const ABOUT: About =
        About::patch(actions::INSTALLATIONS_LIMITS_CHANGE, "/installations/{id}/limits", "Set what an installation may use")
            .text("What is not named stays as it is. The smallest of what the manifest asks, this, the tenant and the platform say holds.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Limiting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let changing = Changing::of(ports, &call, &call.path).await?;
        let limits = set(changing.before.limits, &call.body.0.limits)?;
        let after = changing.installer().limit(&call.path.id, limits).await;
        changing.answer(after).await
    }
}
