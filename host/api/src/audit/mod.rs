//! `/admin/v1/audit/...`: the log for the operator, in pages, as a stream that ends (NDJSON) and as one that does not (SSE), and answers
//! to questions.
//!
//! ```text
//! GET /admin/v1/audit/entries?filter=&order=&cursor=&limit=
//! GET /admin/v1/audit/entries/{index}
//! GET /admin/v1/audit/export?filter=&cursor=
//! GET /admin/v1/audit/live?filter=
//! GET /admin/v1/audit/questions/{touched|left|granted|token|since-review}?...
//! ```
//!
//! Invariants: nothing is answered without the operator's token, and each answer says whether it was there; whatever is read is in the log before it is answered (MON-1); who
//! reads slowly holds up nobody but themselves.

mod entries;
mod export;
mod live;
mod query;
mod questions;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{Router, http::HeaderMap, routing::get};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder, query::Filter, reader::AuditReader},
    error::StoreError,
    secret::Secret,
    time::Clock,
};

pub use self::live::{Live, LiveSettings};
use crate::{
    admin::{answer, is_operator},
    problem::{Problem, Reason},
};

/// What the endpoints of the log share.
pub struct AuditApi {
    /// Reads the log.
    pub reader: Arc<dyn AuditReader>,
    /// Fans new entries out.
    pub live: Arc<Live>,
    /// Where it is written down that somebody reads.
    pub recorder: Arc<dyn Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who has this is the operator.
    pub token: Secret,
}

/// The routes under `/admin/v1/audit`.
pub fn routes(api: Arc<AuditApi>) -> Router {
    Router::new()
        .route("/admin/v1/audit/entries", get(entries::list))
        .route("/admin/v1/audit/entries/{index}", get(entries::one))
        .route("/admin/v1/audit/export", get(export::export))
        .route("/admin/v1/audit/live", get(live::follow))
        .route("/admin/v1/audit/questions/{name}", get(questions::ask))
        .with_state(api)
}

impl AuditApi {
    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        is_operator(&self.token, headers)
    }

    /// Writes down that the log is read, durably, before anything of it is shown.
    async fn note(
        &self,
        kind: Kind,
        way: &'static str,
        what: &str,
        more: &[(&'static str, u64)],
    ) -> Result<(), Problem> {
        // The token is all that is known of who holds it.
        let actor = Actor::Person { name: "operator".into() };
        let mut entry = Entry::new(self.clock.now(), kind, actor, None).with("way", way);
        if !what.is_empty() {
            // What somebody looks for can name a person.
            entry = entry.with_personal("filter", what);
        }
        let entry = more.iter().fold(entry, |entry, (name, value)| entry.with(name, *value));
        self.recorder.record(vec![entry]).await.map_err(|error| unavailable(&StoreError(error.to_string())))
    }

    async fn note_read(&self, way: &'static str, filter: &Filter) -> Result<(), Problem> {
        self.note(Kind::AuditRead, way, &filter.to_string(), &[]).await
    }
}

fn unavailable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the audit log cannot be read");
    Problem::new(Reason::Unavailable, "Ask again later.")
}
