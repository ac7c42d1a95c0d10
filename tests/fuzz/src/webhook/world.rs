//! The router with one source of each kind, on storage in memory: a queue that keeps what came in, and a clock that stands.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{self, StatusCode},
};
use http_body_util::BodyExt as _;
use portcullis_api::{Refusals, SourceBook, Webhooks, routes};
use portcullis_broker::{
    connection::Connections,
    key::{Key, service::KeyRing},
    vault::Vault,
};
use portcullis_delivery::{Directory, Ingest};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    event::{Event, EventForm},
    id::InstallationId,
    installation::{Installation, InstallationStore},
    queue::{DeliveryRow, DeliveryState, Ingested, Lease, Queue, Retried, Verdict},
    secret::Secret,
    source::{Added, NewSource, Source, SourceStore},
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;
use tower::ServiceExt as _;

use super::request::Request;

/// The secret of each source.
pub const SECRET: &str = "a-secret-of-a-source-for-fuzzing";
/// 2026-10-05T08:00:00Z.
pub const NOW: Timestamp = Timestamp(1_791_187_200_000);
/// The largest body, in bytes.
pub const MAX_BODY: usize = 4 * 1024;

/// What came of a request.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The answer's body.
    pub body: Vec<u8>,
    /// What was put into the queue, with the audit entry that goes with it.
    pub stored: Vec<(Event, Entry)>,
    /// How many refusals were counted.
    pub refusals: u64,
}

/// The router, and what is behind it.
pub struct World {
    runtime: tokio::runtime::Runtime,
    router: Router,
    webhooks: Arc<Webhooks>,
    memory: Arc<Memory>,
}

impl World {
    /// With the sources `zen`, `hub` and `bus`.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let memory = Arc::new(Memory::default());
        let webhooks = Arc::new(runtime.block_on(webhooks(&memory)));
        Self { runtime, router: routes(webhooks.clone()), webhooks, memory }
    }

    /// Sends a request.
    pub fn send(&self, request: &Request<'_>) -> Answer {
        let before = self.refusals();
        let mut sent = http::Request::new(Body::from(request.body.to_vec()));
        *sent.method_mut() = request.method.clone();
        *sent.uri_mut() = request.uri.clone();
        *sent.headers_mut() = request.headers.clone();
        let (status, body) = self.runtime.block_on(async {
            let response = self.router.clone().oneshot(sent).await.unwrap_or_else(|never| match never {});
            let status = response.status();
            (status, response.into_body().collect().await.expect("a body in memory").to_bytes().to_vec())
        });
        let stored = std::mem::take(&mut *self.memory.stored.lock().unwrap_or_else(PoisonError::into_inner));
        // Counts that are never handed to a log would grow from input to input.
        self.webhooks.refusals.flush(&*self.memory, NOW);
        Answer { status, body, stored, refusals: self.refusals() - before }
    }

    fn refusals(&self) -> u64 {
        self.webhooks.refusals.totals().values().sum()
    }
}

async fn webhooks(memory: &Arc<Memory>) -> Webhooks {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&folder.path().join("host.db")).expect("a store");
    let ring = KeyRing::of(Key::random(&Still), Arc::new(Still));
    let vault = Arc::new(Vault::new(Arc::new(store), ring, Arc::new(Still)));
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    for source in memory.sources().await.expect("in memory") {
        let entry = Entry::new(NOW, Kind::SourceAdded, Actor::Host, None);
        vault.put(source.tenant.clone(), None, &source.secret_name(), "", &secret, entry).await.expect("in memory");
    }
    let connections = Arc::new(Connections::new(vault).expect("an empty table"));
    assert!(connections.refresh().await.expect("in memory").is_empty());
    let sources = SourceBook::new(memory.clone(), connections);
    sources.refresh().await.expect("in memory");
    let ingest = Ingest::new(memory.clone(), Directory::new(memory.clone()), Arc::new(Still), Arc::default());
    Webhooks { ingest, sources, refusals: Refusals::default(), clock: Arc::new(Still), max_body: MAX_BODY }
}

/// A clock that stands, and a random source that is not random.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Rng for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[derive(Default)]
struct Memory {
    stored: Mutex<Vec<(Event, Entry)>>,
}

#[async_trait]
impl Queue for Memory {
    async fn ingest(
        &self,
        event: Event,
        _: Vec<InstallationId>,
        entry: Entry,
        _: Entry,
    ) -> Result<Ingested, StoreError> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).push((event, entry));
        Ok(Ingested::New(0))
    }

    async fn lease(&self, _: usize, _: usize, _: Timestamp, _: std::time::Duration) -> Result<Vec<Lease>, StoreError> {
        Ok(Vec::new())
    }

    async fn settle(&self, _: i64, _: Verdict, _: Vec<Entry>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn recover(&self) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn deliveries(&self, _: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn delivery(&self, _: i64) -> Result<Option<DeliveryRow>, StoreError> {
        Ok(None)
    }

    async fn dead(&self, _: Vec<InstallationId>, _: Option<i64>, _: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn retry(&self, _: i64, _: Entry) -> Result<Retried, StoreError> {
        Ok(Retried::NotAside)
    }

    async fn may_retry(&self, _: i64) -> Result<Retried, StoreError> {
        Ok(Retried::NotAside)
    }

    async fn depth(&self) -> Result<Vec<(DeliveryState, u64)>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl SourceStore for Memory {
    async fn add_source(&self, _: NewSource, _: Entry) -> Result<Added, StoreError> {
        Ok(Added::Taken)
    }

    async fn remove_source(&self, _: &Source, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        let source = |name: &str, form| Source {
            name: name.parse().expect("a name"),
            tenant: "acme".parse().expect("a tenant"),
            form,
        };
        let (zendesk, github) = (source("zen", EventForm::Zendesk), source("hub", EventForm::Github));
        Ok(vec![zendesk, github, source("bus", EventForm::CloudEvents)])
    }
}

#[async_trait]
impl InstallationStore for Memory {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        Ok(Vec::new())
    }

    async fn installations_revision(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn put_installation(&self, _: Installation, _: Option<u64>, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

#[async_trait]
impl portcullis_model::audit::Recorder for Memory {
    async fn record(&self, _: Vec<Entry>) -> Result<(), portcullis_model::audit::RecordError> {
        Ok(())
    }

    fn note(&self, _: Entry) {}
}
