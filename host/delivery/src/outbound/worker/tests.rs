//! The worker on the real queue, with doors that answer as they are told.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use portcullis_model::{
    authority::Denial,
    egress::Answer,
    event::Event,
    id::{CallId, Digest, InstallationId, TenantId},
    installation::InstallationStore as _,
    limits::Limits,
    queue::{DeliveryRow, DeliveryState, Queue as _},
    upgrade::UpgradePolicy,
    webhook::{BackEnd, BackEndState, BackEnds as _, Health, Replay, SignError},
};
use portcullis_store::SqliteStore;

use super::{testing::back_end, *};

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Rng for Hand {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0xff);
    }
}

type Scripted = Box<dyn FnOnce() -> Result<Answer, DoorError> + Send>;

/// A door that answers as it is told, and then 204 for ever.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Scripted>>,
    sent: Mutex<Vec<(String, u32, SendRequest)>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
    slow: Option<Duration>,
}

fn answer(status: u16, after: Option<&str>) -> Answer {
    let headers = after.map(|after| ("retry-after".to_owned(), after.to_owned())).into_iter().collect();
    Answer { status, headers, body: Vec::new(), sent: 0, plaintext: false }
}

#[async_trait]
impl OutDoor for Script {
    async fn send(
        &self,
        of: &Installation,
        purpose: &str,
        attempt: u32,
        request: SendRequest,
    ) -> Result<Answer, DoorError> {
        assert_eq!(of.id.as_str(), "ins_1");
        self.sent.lock().unwrap().push((purpose.to_owned(), attempt, request));
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if let Some(slow) = self.slow {
            tokio::time::sleep(slow).await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop_front();
        next.map_or_else(|| Ok(answer(204, None)), |next| next())
    }
}

/// Projection that drops all but the id, and refuses what it is told to; signatures that say what they are of.
struct Stub;

#[async_trait]
impl ProjectEvents for Stub {
    async fn project(&self, _: &Installation, event: &Event, _: u32) -> Result<String, NotProjected> {
        match event.id.as_str() {
            "refused" => Err(NotProjected::Refused("events of that type are not granted".into())),
            "broken" => Err(NotProjected::Unavailable("the store is down".into())),
            _ => Ok(r#"{"detail":{"id":"1"}}"#.to_owned()),
        }
    }
}

#[async_trait]
impl SignWebhooks for Stub {
    async fn sign(
        &self,
        _: &TenantId,
        _: &InstallationId,
        id: &str,
        at: i64,
        payload: &[u8],
    ) -> Result<String, SignError> {
        Ok(format!("v1,{id}.{at}.{}", Digest::of(payload).short()))
    }
}

struct World {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    clock: Arc<Hand>,
    door: Arc<Script>,
}

fn entry(kind: Kind) -> Entry {
    Entry::new(Timestamp(0), kind, Actor::Host, None)
}

fn installation(state: InstallationState, generation: u64) -> Installation {
    Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "0.1.0".into(),
        number: 1,
        state,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation,
    }
}

impl World {
    async fn new(door: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let active = installation(InstallationState::Active, 1);
        store.put_installation(active, None, entry(Kind::PluginInstalled)).await.unwrap();
        assert!(store.put_back_end(back_end(), None, None, entry(Kind::BackendSet)).await.unwrap());
        Self { _dir: dir, store, clock: Arc::new(Hand(AtomicI64::new(1_000))), door: Arc::new(door) }
    }

    async fn told(answers: Vec<Scripted>) -> Self {
        Self::new(Script { answers: Mutex::new(answers.into()), ..Script::default() }).await
    }

    fn worker(&self) -> Arc<Outbound> {
        Arc::new(Outbound {
            outbox: self.store.clone(),
            directory: Directory::new(self.store.clone()),
            events: Arc::new(Stub),
            signer: Arc::new(Stub),
            door: self.door.clone(),
            clock: self.clock.clone(),
            rng: self.clock.clone(),
            config: OutboundConfig { timeout: Duration::from_millis(300), ..OutboundConfig::default() },
        })
    }

    async fn event(&self, id: &str) {
        let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
        let target = vec!["ins_1".parse().unwrap()];
        self.store.ingest(super::testing::event(id), target, new, old).await.unwrap();
    }

    /// Has what is due at this moment sent, once.
    async fn round(&self, at: i64) -> usize {
        self.clock.0.store(at, Ordering::SeqCst);
        let worker = self.worker();
        let leases = self.store.lease_sendings(10, 10, Timestamp(at), worker.hold()).await.unwrap();
        let count = leases.len();
        for sending in leases {
            let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
            worker.clone().deliver(sending, slot).await;
        }
        count
    }

    async fn row(&self) -> DeliveryRow {
        self.store.sendings(&"ins_1".parse().unwrap(), 1).await.unwrap().remove(0)
    }

    async fn back_end(&self) -> BackEnd {
        self.store.back_end(&"ins_1".parse().unwrap()).await.unwrap().unwrap()
    }

    async fn log(&self) -> Vec<Entry> {
        let all = self.store.entries(0, 1000).await.unwrap();
        all.iter().map(|stored| stored.read().unwrap()).collect()
    }

    async fn outcomes(&self) -> Vec<(String, Option<u64>)> {
        let of = |e: &Entry| (e.text("outcome").unwrap().to_owned(), e.detail.get("status").and_then(|s| s.as_u64()));
        self.log().await.iter().filter(|e| e.kind == Kind::BackendDelivery).map(of).collect()
    }
}

fn says(status: u16, after: Option<&'static str>) -> Scripted {
    Box::new(move || Ok(answer(status, after)))
}

fn denied(layer: Layer) -> Scripted {
    Box::new(move || {
        let call: CallId = "call_1".parse().unwrap();
        Err(DoorError::Denied(Box::new(Denial {
            id: call.act(1),
            act: "http.send",
            resource: "POST https://hooks.example.test/in".into(),
            needed: "http:send to=https://hooks.example.test/in methods=POST".parse().unwrap(),
            loggable: "http:send to=https://hooks.example.test/in methods=POST".parse().unwrap(),
            layer,
            reason: "sending there is not granted".into(),
            layers: Vec::new(),
        })))
    })
}

#[tokio::test]
async fn sends_the_projected_event_signed_and_is_done_with_it() {
    let world = World::told(vec![]).await;
    world.event("e1").await;
    assert_eq!(world.round(5_900).await, 1);
    let (purpose, attempt, request) = world.door.sent.lock().unwrap().remove(0);
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!((attempt, request.target.to_string().as_str()), (1, "https://hooks.example.test/in"));
    assert_eq!(purpose, format!("webhook:{}", header("webhook-id")));
    assert_eq!(header("webhook-timestamp"), "5");
    let signed = format!("v1,{}.5.{}", header("webhook-id"), Digest::of(&request.body).short());
    assert_eq!(header("webhook-signature"), signed, "what is sent is what was signed");
    let payload: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(payload["data"], serde_json::json!({ "detail": { "id": "1" } }));
    assert!(!String::from_utf8(request.body).unwrap().contains("not granted"));
    assert_eq!(world.row().await.state, DeliveryState::Done);
    assert_eq!(world.outcomes().await, [("accepted".into(), Some(204))]);
    assert_eq!(world.round(9_000_000).await, 0);
}

#[tokio::test]
async fn every_try_has_the_same_id_and_its_own_time_and_pauses_grow() {
    let world = World::told((0..23).map(|_| says(500, None)).collect()).await;
    world.event("e1").await;
    let (mut at, mut tries) = (1_000, vec![]);
    while world.row().await.state == DeliveryState::Pending {
        if world.round(at).await > 0 {
            tries.push(at);
        }
        at += 1_000 + at / 50;
    }
    assert_eq!((world.row().await.state, world.row().await.attempts), (DeliveryState::Done, 24));
    let pauses: Vec<i64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] < 10_000 && pauses[22] > 6 * 3_600_000, "{pauses:?}");
    let days = (tries[23] - tries[0]) / 86_400_000;
    assert!((2..=5).contains(&days), "{days} days");
    let sent = world.door.sent.lock().unwrap();
    let header = |n: usize, name: &str| sent[n].2.headers.iter().find(|(h, _)| h == name).unwrap().1.clone();
    assert!((1..24).all(|n| header(n, "webhook-id") == header(0, "webhook-id")));
    assert_ne!(header(0, "webhook-timestamp"), header(23, "webhook-timestamp"));
    assert_eq!(sent.iter().map(|(_, attempt, _)| *attempt).collect::<Vec<_>>(), (1..=24).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_try_puts_it_aside_and_a_replay_takes_it_up_with_the_same_id() {
    let world = World::told((0..24).map(|_| says(404, None)).collect()).await;
    world.event("e1").await;
    let mut at = 1_000;
    while world.row().await.state != DeliveryState::Dead {
        world.round(at).await;
        at += 1_000 + at / 50;
    }
    let dead = world.log().await.into_iter().filter(|e| e.kind == Kind::DeliveryDead).collect::<Vec<_>>();
    assert_eq!((dead.len(), dead[0].detail["attempts"].as_u64()), (1, Some(24)));
    let id = "ins_1".parse().unwrap();
    assert_eq!(world.store.replay(&id, Replay::Since(Timestamp(0)), entry(Kind::BackendReplayed)).await.unwrap(), 1);
    assert_eq!(world.round(at + 400_000).await, 1);
    assert_eq!(world.row().await.state, DeliveryState::Done);
    let sent = world.door.sent.lock().unwrap();
    assert_eq!(sent[0].0, sent[24].0);
    assert_eq!(sent[24].1, 1);
}

#[tokio::test]
async fn retry_after_holds_the_whole_back_end() {
    for status in [429, 503] {
        let world = World::told(vec![says(status, Some("600"))]).await;
        world.event("e1").await;
        assert_eq!(world.round(1_000).await, 1);
        world.event("e2").await;
        assert_eq!(world.round(600_999).await, 0);
        assert_eq!(world.round(601_000).await, 2, "after it, both");
        assert_eq!(world.back_end().await.health.failures, 0, "one success begins anew");
    }
}

#[tokio::test]
async fn gone_ends_it_for_all_and_a_redirect_is_only_a_failure() {
    let world = World::told(vec![says(302, None), says(410, None)]).await;
    world.event("e1").await;
    world.round(1_000).await;
    assert!(world.row().await.error.unwrap().contains("not followed"));
    world.event("e2").await;
    assert_eq!(world.round(60_000).await, 2);
    let BackEndState::Disabled { why, .. } = world.back_end().await.state else { panic!() };
    assert!(why.contains("410 Gone"), "{why}");
    let rows = world.store.sendings(&"ins_1".parse().unwrap(), 9).await.unwrap();
    assert!(rows.iter().any(|row| row.state == DeliveryState::Dead));
    assert!(world.log().await.iter().any(|e| e.kind == Kind::BackendDisabled));
    world.event("e3").await;
    assert_eq!(world.round(9_000_000).await, 0);
}

#[tokio::test]
async fn what_is_in_the_way_here_uses_up_no_try_and_is_not_held_against_the_back_end() {
    let held: Scripted = Box::new(|| Err(DoorError::Held("enough calls are under way".into())));
    let world = World::told(vec![held, denied(Layer::Budget)]).await;
    world.event("e1").await;
    assert_eq!(world.round(1_000).await, 1);
    assert_eq!((world.round(30_999).await, world.round(31_000).await), (0, 1));
    assert_eq!((world.row().await.state, world.row().await.attempts), (DeliveryState::Pending, 0));
    assert_eq!(world.back_end().await.health.failing_since, None);
    assert!(world.outcomes().await.is_empty(), "nothing was tried");
    assert_eq!(world.round(61_000).await, 1);
    assert_eq!(world.row().await.state, DeliveryState::Done);
}

#[tokio::test]
async fn a_freeze_however_long_uses_up_no_try_and_disables_no_back_end() {
    let frozen =
        || -> Scripted { Box::new(|| Err(ServiceError::Frozen("freeze 3 of everything: breach".into()).into())) };
    let world = World::told((0..40).map(|_| frozen()).collect()).await;
    world.event("e1").await;
    let day = 24 * 3_600_000;
    for round in 1..=40 {
        assert_eq!(world.round(round * day).await, 1, "{round}");
    }
    assert_eq!((world.row().await.state, world.row().await.attempts), (DeliveryState::Pending, 0));
    let back_end = world.back_end().await;
    let Health { failures, failing_since, last_error, .. } = back_end.health;
    assert_eq!((back_end.state, failures, failing_since, last_error), (BackEndState::Active, 0, None, None));
    assert_eq!(world.round(41 * day).await, 1);
    assert_eq!(world.row().await.state, DeliveryState::Done);
}

#[tokio::test]
async fn a_denial_and_a_dead_line_are_failures_with_their_reason() {
    let down: Scripted = Box::new(|| Err(ServiceError::Unavailable("connection refused".into()).into()));
    let huge: Scripted = Box::new(|| Err(ServiceError::limited("http-response-bytes", 1 << 20).into()));
    let world = World::told(vec![denied(Layer::Granted), down, huge]).await;
    world.event("e1").await;
    world.round(1_000).await;
    let error = world.row().await.error.unwrap();
    assert!(error.contains("may not send there") && error.contains("to=https://hooks.example.test/in"), "{error}");
    world.round(60_000).await;
    assert!(world.row().await.error.unwrap().contains("connection refused"));
    world.round(600_000).await;
    assert!(world.row().await.error.unwrap().contains("'http-response-bytes'"));
    assert_eq!(world.back_end().await.health.failures, 3);
}

#[tokio::test]
async fn a_back_end_that_does_not_answer_is_given_up_on_in_time() {
    let world = World::new(Script { slow: Some(Duration::from_secs(60)), ..Script::default() }).await;
    world.event("e1").await;
    let began = std::time::Instant::now();
    world.round(1_000).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(world.row().await.error.unwrap().contains("no answer within"));
}

#[tokio::test]
async fn what_it_may_not_have_is_put_aside_and_what_cannot_be_said_waits() {
    let world = World::told(vec![]).await;
    world.event("refused").await;
    world.round(1_000).await;
    assert_eq!(world.row().await.state, DeliveryState::Dead);
    assert_eq!(world.back_end().await.health, portcullis_model::webhook::Health::default());
    world.event("broken").await;
    world.round(2_000).await;
    assert_eq!((world.row().await.state, world.row().await.attempts), (DeliveryState::Pending, 1));
    assert!(world.door.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_uninstalled_one_gets_nothing_and_a_suspended_one_later() {
    let world = World::told(vec![]).await;
    world.event("e1").await;
    let lease = world.store.lease_sendings(9, 9, Timestamp(1), Duration::from_secs(9)).await.unwrap().remove(0);
    let suspended = installation(InstallationState::Suspended { reason: "x".into(), by_platform: false }, 2);
    assert!(world.store.put_installation(suspended, Some(1), entry(Kind::PluginSuspended)).await.unwrap());
    let slot = || async { Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap() };
    world.worker().deliver(lease.clone(), slot().await).await;
    assert_eq!((world.row().await.state, world.row().await.attempts), (DeliveryState::Pending, 0));
    let erased = installation(InstallationState::Erased { at: Timestamp(1), held: None }, 3);
    assert!(world.store.put_installation(erased, Some(2), entry(Kind::PluginErased)).await.unwrap());
    world.worker().deliver(lease, slot().await).await;
    assert_eq!(world.row().await.state, DeliveryState::Dead);
    assert!(world.door.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn runs_until_it_is_stopped_and_lets_what_is_under_way_end() {
    let world = World::new(Script { slow: Some(Duration::from_millis(100)), ..Script::default() }).await;
    for n in 0..20 {
        world.event(&format!("e{n}")).await;
    }
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(world.worker().run(stopped));
    while world.door.sent.lock().unwrap().len() < 6 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(world.door.under_way.load(Ordering::SeqCst), 0);
    assert!(world.door.most.load(Ordering::SeqCst) <= 4, "one back end has few slots");
    let rows = world.store.sendings(&"ins_1".parse().unwrap(), 99).await.unwrap();
    assert!(
        rows.iter().all(|row| matches!(row.state, DeliveryState::Done | DeliveryState::Pending)),
        "no lease is left"
    );
    assert!(rows.iter().filter(|row| row.state == DeliveryState::Done).count() >= 6);
}

#[tokio::test]
async fn a_message_that_kills_the_host_each_time_is_given_up_on() {
    let world = World::told(vec![]).await;
    world.event("e1").await;
    let mut lease = world.store.lease_sendings(9, 9, Timestamp(1), Duration::from_secs(9)).await.unwrap().remove(0);
    lease.attempt = 24 + CRASHES + 1;
    let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    world.worker().deliver(lease, slot).await;
    assert_eq!(world.row().await.state, DeliveryState::Dead);
    assert!(world.door.sent.lock().unwrap().is_empty());
}
