//! `GET /installations/{id}/receipt`: what was erased of an installation, and the proof that the log says so.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{Entry, Kind},
    people::{Resource, actions},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Erasure, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Shows the receipt of an erasure.
pub struct Receipt;

/// The receipt of an erasure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureReceipt)]
pub struct Receipted {
    /// The installation's id.
    installation: String,
    /// In which tenant it was.
    tenant: String,
    /// When it was erased.
    #[schema(format = DateTime)]
    time: String,
    /// The entry's place in the log, from 0.
    index: u64,
    /// What the entry says: how much there was, and why it was uninstalled.
    #[schema(value_type = Object)]
    erased: BTreeMap<String, Value>,
    /// The proof that the published log has that entry: with the log's public key anybody can check it without this host.
    #[schema(value_type = Object)]
    proof: Value,
}

impl Operation for Receipt {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Receipted;

    const ABOUT: About =
        About::get(actions::AUDIT_GET, "/installations/{id}/receipt", "Get the receipt of an installation's erasure")
            .id("installations.receipt")
            .text("Counts and sizes of what was erased, and the proof that the log says so. Read from the audit log, and so recorded there.")
            .on(On::Installation)
            .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Receipted>, Problem> {
        let one = ports.find(&call.path.id).await?;
        let waits = |advice: String| Problem::new(Reason::Conflict, advice);
        let found = ports.receipts.erasure(&one.id).await.map_err(|error| unavailable(&error))?;
        let Some(Erasure { index, entry, proof }) = found else {
            let id = &one.id;
            return Err(waits(format!(
                "{id} is not erased; uninstalling it does that, after a time of grace or at once."
            )));
        };
        let Some(proof) = proof else {
            return Err(waits(format!("{} is erased; the log publishes that in a moment: ask again.", one.id)));
        };
        let note = Entry::new(call.now(), Kind::AuditRead, call.actor(), Some(one.tenant.clone()))
            .about(format!("installation:{}", one.id))
            .with("way", "receipt");
        ports.recorder.record(vec![note]).await.map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Receipted {
            installation: one.id.to_string(),
            tenant: one.tenant.to_string(),
            time: entry.time.to_string(),
            index,
            erased: entry.detail,
            proof,
        }))
    }
}
