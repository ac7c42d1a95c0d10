//! The real queue, vault, keys and worker; a door that leads to a receiver on this machine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use portcullis_broker::{
    key::{Key, service::KeyRing},
    standard_webhooks::{Made, SigningKeys, key::Scheme},
    vault::Vault,
};
use portcullis_delivery::{Directory, Outbound, OutboundConfig};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    door::{DoorError, OutDoor},
    egress::{Answer, SendRequest},
    event::{Event, EventForm},
    id::{Digest, InstallationId, TenantId},
    installation::{Installation, InstallationState, InstallationStore as _},
    limits::Limits,
    queue::{DeliveryState, Queue as _},
    secret::{SecretStore as _, Swap},
    time::{Clock, Rng, Timestamp},
    upgrade::UpgradePolicy,
    webhook::{
        BackEnd, BackEndState, BackEnds as _, Health, NotProjected, Outbox as _, ProjectEvents, SignWebhooks as _,
    },
};
use portcullis_store::SqliteStore;
use tokio::sync::watch;

use crate::receiver::Receiver;

/// The machine's time, and so much later.
#[derive(Default)]
pub struct Later(pub AtomicI64);

impl Clock for Later {
    #[expect(clippy::disallowed_methods, reason = "the libraries compare with the machine's time")]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(now.as_millis()).unwrap() + self.0.load(Ordering::SeqCst))
    }
}

#[derive(Default)]
pub struct Counter(AtomicU64);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let digest = hex::decode(Digest::of(&n.to_be_bytes()).hex()).unwrap();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

/// What was sent, and where to send it on.
#[derive(Default)]
struct Door {
    sent: Mutex<Vec<SendRequest>>,
    onward: Mutex<Option<(Receiver, &'static str)>>,
}

#[async_trait]
impl OutDoor for Door {
    async fn send(&self, _: &Installation, _: &str, _: u32, request: SendRequest) -> Result<Answer, DoorError> {
        self.sent.lock().unwrap().push(request.clone());
        let onward = self.onward.lock().unwrap().take();
        let Some((receiver, key)) = onward else {
            return Ok(Answer { status: 200, headers: vec![], body: vec![], sent: 0, plaintext: false });
        };
        let (status, text) = receiver.post(key, &request).await;
        *self.onward.lock().unwrap() = Some((receiver, key));
        Ok(Answer { status, headers: vec![], body: text.into_bytes(), sent: 0, plaintext: false })
    }
}

/// Text that is not ASCII and needs escaping, so that what is signed is bytes and not what somebody makes of them.
struct Stub;

#[async_trait]
impl ProjectEvents for Stub {
    async fn project(&self, _: &Installation, event: &Event, _: u32) -> Result<String, NotProjected> {
        Ok(event.data.to_string())
    }
}

pub struct World {
    _dir: tempfile::TempDir,
    pub store: Arc<SqliteStore>,
    pub keys: Arc<SigningKeys>,
    /// Of the keys alone: what is sent has the machine's time.
    pub keys_clock: Arc<Later>,
    door: Arc<Door>,
}

fn entry(kind: Kind) -> Entry {
    Entry::new(Timestamp(0), kind, Actor::Host, Some("acme".parse().unwrap())).about("installation:ins_1")
}

fn installation() -> Installation {
    Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "0.1.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

fn back_end() -> BackEnd {
    BackEnd {
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        url: "https://hooks.example.test/in".parse().unwrap(),
        events: Vec::new(),
        state: BackEndState::Active,
        health: Health::default(),
        generation: 1,
    }
}

pub fn owner() -> (TenantId, InstallationId) {
    ("acme".parse().unwrap(), "ins_1".parse().unwrap())
}

/// What a back end is given of a key.
pub fn text(made: &Made) -> String {
    String::from_utf8(made.shown.expose().to_vec()).unwrap()
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        store.put_installation(installation(), None, entry(Kind::PluginInstalled)).await.unwrap();
        assert!(store.put_back_end(back_end(), None, None, entry(Kind::BackendSet)).await.unwrap());
        let rng = Arc::new(Counter::default());
        let ring = KeyRing::of(Key::random(rng.as_ref()), rng.clone());
        let vault = Arc::new(Vault::new(store.clone(), ring, rng.clone()));
        let keys_clock = Arc::new(Later::default());
        let keys = Arc::new(SigningKeys::new(store.clone(), vault, keys_clock.clone(), rng));
        Self { _dir: dir, store, keys, keys_clock, door: Arc::default() }
    }

    pub async fn create(&self, scheme: Scheme) -> Made {
        let (made, put) = self.keys.first(&owner(), scheme, entry(Kind::BackendRotated)).await.unwrap();
        let stored = self.store.put_secret(put.row, put.expected, put.keep_since, put.entry).await.unwrap();
        assert_eq!(stored, Swap::Done);
        made
    }

    pub async fn rotate(&self, scheme: Option<Scheme>, overlap: Duration) -> Made {
        self.keys.rotate(owner(), scheme, overlap, entry(Kind::BackendRotated)).await.unwrap()
    }

    /// Takes an event in, and lets a worker send what waits, to this receiver and key if any. Gives the requests.
    pub async fn sends(&self, id: &str, to: Option<(Receiver, &'static str)>) -> Vec<SendRequest> {
        *self.door.onward.lock().unwrap() = to;
        let event = Event {
            tenant: "acme".parse().unwrap(),
            origin: "bus".parse().unwrap(),
            id: id.to_owned(),
            kind: "com.example.noted".into(),
            source: "/bus".into(),
            subject: None,
            time: Timestamp(1),
            form: EventForm::CloudEvents,
            trace: None,
            data: serde_json::json!({ "text": "Grüße, \"Dana\" \u{2028}\n\u{1f600} </script>", "number": 1.5e300, "no": null }),
        };
        let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
        self.store.ingest(event, vec![owner().1], new, old).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(self.worker().run(stopped));
        let waits = |state: DeliveryState| matches!(state, DeliveryState::Pending | DeliveryState::Leased);
        for _ in 0..500 {
            let rows = self.store.sendings(&owner().1, 100).await.unwrap();
            if rows.iter().all(|row| !waits(row.state) || row.error.is_some()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.send_replace(true);
        running.await.unwrap();
        std::mem::take(&mut *self.door.sent.lock().unwrap())
    }

    fn worker(&self) -> Arc<Outbound> {
        let rng = Arc::new(Counter::default());
        Arc::new(Outbound {
            outbox: self.store.clone(),
            directory: Directory::new(self.store.clone()),
            events: Arc::new(Stub),
            signer: self.keys.clone(),
            door: self.door.clone(),
            clock: Arc::new(Later::default()),
            rng,
            config: OutboundConfig::default(),
        })
    }

    /// States of the messages, the newest first, with their last errors.
    pub async fn states(&self) -> Vec<(DeliveryState, Option<String>)> {
        let rows = self.store.sendings(&owner().1, 100).await.unwrap();
        rows.into_iter().map(|row| (row.state, row.error)).collect()
    }

    /// A request signed as of so many seconds from now.
    pub async fn signed_at(&self, seconds: i64) -> SendRequest {
        let at = Later::default().now().0 / 1000 + seconds;
        let payload = br#"{"type":"com.example.noted","timestamp":"2026-01-01T00:00:00.000Z","data":{}}"#.to_vec();
        let (tenant, installation) = owner();
        let signature = self.keys.sign(&tenant, &installation, "msg_1", at, &payload).await.unwrap();
        let headers =
            [("webhook-id", "msg_1"), ("webhook-timestamp", &at.to_string()), ("webhook-signature", &signature)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let target = "https://hooks.example.test/in".parse().unwrap();
        SendRequest { method: "POST", target, headers: headers.to_vec(), body: payload }
    }
}
