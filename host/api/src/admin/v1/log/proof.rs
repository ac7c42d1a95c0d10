//! `GET /audit/entries/{index}/proof`: one entry, and all that shows where it stands.

use portcullis_model::{
    audit::reader::AuditReader as _,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Ports, log};
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown,
        v1::audit::{InSight, Reading, Sight},
    },
    problem::{Problem, Reason},
};

/// Proves an entry.
pub struct Prove;

/// Which.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Entry {
    /// Its number in the log, from 0.
    index: u64,
}

/// An entry with its proofs into the log and into its view. Personal values are not in it, only what commits to them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = AuditProof, value_type = Object)]
pub struct Proved(Value);

impl Operation for Prove {
    type Ports = Ports;
    type Path = Entry;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Proved;

    const ABOUT: About =
        About::get(actions::AUDIT_GET, "/audit/entries/{index}/proof", "Prove that an entry is in the log")
            .id("audit.proof")
            .text("Both proofs in it are C2SP tlog-proofs. That it was taken is recorded.")
            .on(On::Tenants)
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Entry, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Proved>, Problem> {
        // Whether it is not there or is another's does not show.
        let unknown = || unknown("Expected the index of an entry of the log.");
        let sight = Sight::of(&call).await?;
        let (index, reader) = (call.path.index, InSight { reader: ports.reader.clone(), sight: sight.clone() });
        if index >= reader.written().await.map_err(|error| unavailable(&error))? {
            return Err(unknown());
        }
        let found = reader.follow(index, 1).await.map_err(|error| unavailable(&error))?;
        if found.is_empty() {
            return Err(unknown());
        }
        let proof = ports.proofs.entry(index).await?;
        let reading = format!("index={index}");
        Reading::by("proof", &reading).note(ports.recorder.as_ref(), &call, &sight).await?;
        Ok(Reply::json(Proved(proof)))
    }
}
