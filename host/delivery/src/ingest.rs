//! Events in: one transaction for the event, its deliveries and its audit entry, and only then an answer.

use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    event::Event,
    queue::{Ingested, Queue},
    time::Clock,
    trace::Traceparent,
};
use tokio::sync::Notify;

use crate::Directory;

/// Takes events in. Clones share everything.
#[derive(Clone)]
pub struct Ingest {
    queue: Arc<dyn Queue>,
    directory: Directory,
    clock: Arc<dyn Clock>,
    arrived: Arc<Notify>,
}

impl Ingest {
    /// Puts events into this queue, for the installations in this directory; `arrived` wakes the workers.
    pub fn new(queue: Arc<dyn Queue>, directory: Directory, clock: Arc<dyn Clock>, arrived: Arc<Notify>) -> Self {
        Self { queue, directory, clock, arrived }
    }

    /// Accepts an event. It is durable when this returns.
    pub async fn accept(&self, event: Event) -> Result<Ingested, StoreError> {
        let targets = self.directory.table().await?.targets(&event);
        let name = format!("{}/{}", event.origin, event.id);
        let entry = |kind| {
            let actor = Actor::Source { name: event.origin.clone() };
            let entry = Entry::new(self.clock.now(), kind, actor, Some(event.tenant.clone()))
                .about(format!("event:{name}"))
                .with("type", event.kind.as_str());
            let entry = entry.in_trace(Some(Traceparent::of_event(event.trace.as_ref(), &name)));
            // What the sender has in its own records of having sent it.
            event.trace.iter().fold(entry, |entry, sender| entry.with("sender-span", sender.span_id()))
        };
        let mut received = entry(Kind::EventReceived).with("deliveries", targets.len());
        // Which record it was about is what plugins were handed. A person is a personal value.
        if let Some(record) = event.subject.as_deref().and_then(|subject| subject.strip_prefix("zen:")) {
            received = match record.starts_with("user:") {
                true => received.with_personal("about", record),
                false => received.with("about", record),
            };
        }
        let duplicate = entry(Kind::EventDuplicate);
        let ingested = self.queue.ingest(event, targets, received, duplicate).await?;
        if ingested != Ingested::Duplicate {
            self.arrived.notify_one();
        }
        Ok(ingested)
    }
}
