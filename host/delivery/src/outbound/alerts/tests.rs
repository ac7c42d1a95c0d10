use std::sync::Mutex;

use async_trait::async_trait;
use portcullis_model::{
    alert::{AlertId, AlertSeverity, Endpoint, Posted, Trial},
    error::StoreError,
    id::TenantId,
    secret::{SecretPut, Slot},
    webhook::{BackEndState, Health, SignError},
};
use serde_json::{Value, json};

use super::*;

/// What was posted: where to, its headers and its body.
type Post = (String, Vec<(&'static str, String)>, Vec<u8>);

/// One endpoint that answers the same to everything, and what came of it.
struct World {
    answer: Result<Posted, String>,
    has_key: bool,
    posted: Mutex<Vec<Post>>,
    settled: Mutex<Vec<(AlertSettled, Vec<Entry>)>>,
}

#[async_trait]
impl AlertPost for World {
    async fn post(&self, url: &str, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Result<Posted, String> {
        self.posted.lock().unwrap().push((url.to_owned(), headers, body));
        self.answer.clone()
    }
}

#[async_trait]
impl SignAlerts for World {
    async fn sign_alert(&self, tenant: Option<&TenantId>, id: &str, at: i64, _: &[u8]) -> Result<String, SignError> {
        let tenant = tenant.map_or("host", TenantId::as_str);
        if self.has_key { Ok(format!("v1,{tenant}/{id}/{at}")) } else { Err(SignError::NoKey) }
    }
}

#[async_trait]
impl AlertOutbox for World {
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError> {
        Ok(Vec::new())
    }
    async fn put_endpoint(
        &self,
        _: Endpoint,
        _: Option<u64>,
        _: Option<SecretPut>,
        _: Entry,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn remove_endpoint(&self, _: &Endpoint, _: Slot, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn try_endpoint(&self, _: Option<TenantId>, _: Entry) -> Result<Trial, StoreError> {
        Ok(Trial::NoEndpoint)
    }
    async fn lease_notifications(&self, _: usize, _: Timestamp, _: Duration) -> Result<Vec<Notification>, StoreError> {
        Ok(Vec::new())
    }
    async fn settle_notification(&self, settled: AlertSettled, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.settled.lock().unwrap().push((settled, entries));
        Ok(())
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(7_000)
    }
}

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

fn notification() -> Notification {
    Notification {
        number: 3,
        alert: Some(AlertId(12)),
        rule: "new-destination".into(),
        severity: AlertSeverity::High,
        tenant: Some("acme".parse().unwrap()),
        installation: Some("ins_1".parse().unwrap()),
        time: Timestamp(5_000),
        endpoint: Endpoint {
            tenant: None,
            url: "https://alerts.example/in".into(),
            least: AlertSeverity::Low,
            state: BackEndState::Active,
            health: Health::default(),
            generation: 9,
        },
        attempt: 1,
    }
}

async fn deliver(answer: Result<Posted, String>, has_key: bool) -> Arc<World> {
    let world = Arc::new(World { answer, has_key, posted: Mutex::default(), settled: Mutex::default() });
    let sender = AlertSender {
        outbox: world.clone(),
        signer: world.clone(),
        post: world.clone(),
        clock: Arc::new(Fixed),
        rng: Arc::new(Fixed),
        config: OutboundConfig::default(),
        base: "https://host.example".into(),
    };
    sender.deliver(notification()).await;
    world
}

fn status(status: u16) -> Result<Posted, String> {
    Ok(Posted { status, wait: None })
}

#[tokio::test]
async fn what_is_posted_is_signed_and_names_the_alert_and_nothing_more() {
    let world = deliver(status(204), true).await;
    let posted = world.posted.lock().unwrap();
    let [(url, headers, body)] = &posted[..] else { panic!() };
    assert_eq!(url, "https://alerts.example/in");
    let id = notification().message();
    assert_eq!(
        headers[..],
        [
            ("webhook-id", id.clone()),
            ("webhook-timestamp", "7".to_owned()),
            ("webhook-signature", format!("v1,host/{id}/7")),
        ]
    );
    let body: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        body,
        json!({ "type": "alert.raised", "timestamp": "1970-01-01T00:00:05.000Z", "data": {
            "alert": "alr_12", "rule": "new-destination", "severity": "high", "tenant": "acme", "installation": "ins_1",
            "link": "https://host.example/admin/v1/alerts/alr_12" } })
    );
}

#[tokio::test]
async fn each_end_settles_it_and_is_on_record() {
    type Case = (Result<Posted, String>, bool, &'static str, &'static str, &'static str);
    let cases: Vec<Case> = vec![
        (status(200), true, "accepted", "done", "works"),
        (status(410), true, "gone", "dead", "gone"),
        (status(500), true, "failed", "retry", "fails"),
        (status(302), true, "failed", "retry", "fails"),
        (Err("nobody listens".into()), true, "failed", "retry", "fails"),
        (status(200), false, "not-sent", "retry", "nothing"),
    ];
    for (answer, has_key, outcome, verdict, shown) in cases {
        let world = deliver(answer.clone(), has_key).await;
        assert_eq!(world.posted.lock().unwrap().len(), usize::from(has_key));
        let settled = world.settled.lock().unwrap();
        let [(one, entries)] = &settled[..] else { panic!() };
        let became = match &one.verdict {
            Verdict::Done => "done",
            Verdict::Dead { .. } => "dead",
            Verdict::Retry { at, .. } if *at > Timestamp(7_000) => "retry",
            other => panic!("{other:?}"),
        };
        let showed = match &one.shown {
            Some(Shown::Works) => "works",
            Some(Shown::Gone) => "gone",
            Some(Shown::Fails { .. }) => "fails",
            Some(Shown::Nothing { .. }) => "nothing",
            None => "no attempt",
        };
        assert_eq!((became, showed), (verdict, shown), "{answer:?}");
        assert_eq!((one.number, one.generation), (3, 9));
        let [entry] = &entries[..] else { panic!() };
        assert_eq!((entry.kind, entry.text("outcome")), (Kind::AlertDelivery, Some(outcome)));
    }
}
