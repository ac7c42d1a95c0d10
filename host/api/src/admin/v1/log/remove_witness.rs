//! `DELETE /audit/witnesses/{name}`: asks a witness no more.

use portcullis_model::people::{Resource, actions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Witness, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unknown},
    problem::Problem,
};

/// Removes a witness.
pub struct Remove;

/// Which.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Named {
    /// Its name.
    name: String,
}

/// A witness that is asked no more, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogWitnessRemoved)]
pub struct Removed {
    /// Whether this was a rehearsal: nothing was removed then.
    dry_run: bool,
    /// It, as it was.
    witness: Witness,
}

impl Operation for Remove {
    type Ports = Ports;
    type Path = Named;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Removed;

    const ABOUT: About =
        About::delete(actions::AUDIT_WITNESSES_CHANGE, "/audit/witnesses/{name}", "Ask a witness no more")
            .id("audit.witnesses.remove")
            .text("What it cosigned stays beside the log.")
            .on(On::Host)
            .dry_run();

    async fn resource(_: &Ports, _: &Named, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Removed>, Problem> {
        let unknown = || unknown("There is no witness of this name; see GET /admin/v1/audit/witnesses.");
        let name = call.path.name.as_str();
        let all = ports.upkeep.witnesses().await?;
        let witness = all.into_iter().find(|one| one.name == name).ok_or_else(unknown)?;
        let reply = Reply::json(Removed { dry_run: call.dry_run, witness });
        if call.dry_run {
            return Ok(reply.tried());
        }
        match ports.upkeep.remove_witness(name, call.actor()).await? {
            true => Ok(reply),
            false => Err(unknown()),
        }
    }
}
