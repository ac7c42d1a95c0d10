//! What the status page tells, kept in this host's store.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::{
    admin::v1::status::{Board, Ports},
    ops::Announced,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    incident::{ChangeError, Incident},
    time::Timestamp,
};
use portcullis_store::StatusAnnouncement;
use serde_json::{Value, json};

use super::SHOWN;
use crate::host::Host;

/// What the operations about the status page are done with.
pub fn ports(host: &Host) -> Ports {
    Ports { board: board(host), rng: host.rng.clone() }
}

/// Where it is kept.
pub fn board(host: &Host) -> Arc<dyn Board> {
    Arc::new(OfHost(host.clone()))
}

struct OfHost(Host);

/// What is stored, as it is told.
pub(super) fn told(one: StatusAnnouncement) -> Announced {
    let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let (id, kind, since, until, resolved) = (one.id, one.kind, one.since, one.until, one.resolved);
    Announced { id, kind, title: text("title"), text: text("text"), since, until, resolved }
}

#[async_trait]
impl Board for OfHost {
    async fn told(&self) -> Result<Vec<Announced>, StoreError> {
        let from = Timestamp(self.0.clock.now().0 - i64::try_from(SHOWN.as_millis()).unwrap_or(i64::MAX));
        Ok(self.0.store.announcements(from).await?.into_iter().map(told).collect())
    }

    async fn tell(&self, one: &Announced, by: Actor) -> Result<bool, StoreError> {
        let (stored, entry) = self.row(one, by);
        self.0.store.announce_status(stored, entry).await
    }

    async fn tell_of(&self, one: &Announced, of: Incident, by: Actor) -> Result<(), ChangeError> {
        let (stored, entry) = self.row(one, by);
        let entry = entry.with("incident", of.id.as_str());
        self.0.store.announce_incident(of, stored, entry).await
    }

    async fn resolve(&self, one: &Announced, by: Actor) -> Result<bool, StoreError> {
        let (stored, entry) = self.row(one, by);
        self.0.store.resolve_status(stored, entry).await
    }
}

impl OfHost {
    /// As it is stored, and what the log says of it.
    fn row(&self, one: &Announced, by: Actor) -> (StatusAnnouncement, Entry) {
        let entry = Entry::new(self.0.clock.now(), Kind::StatusAnnounced, by, None)
            .with("id", one.id.as_str())
            .with("kind", one.kind.as_str())
            .with("title", one.title.as_str())
            .with("text", one.text.as_str())
            .with("since", one.since.to_string())
            .with("over", one.resolved.is_some());
        let stored = StatusAnnouncement {
            id: one.id.clone(),
            kind: one.kind.clone(),
            since: one.since,
            until: one.until,
            resolved: one.resolved,
            body: json!({ "title": one.title, "text": one.text }).to_string(),
        };
        (stored, entry)
    }
}
