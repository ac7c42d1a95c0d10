use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use portcullis_model::id::TenantId;
use portcullis_model::{
    event::EventForm,
    id::Digest,
    installation::InstallationState,
    limits::Limits,
    release::{ReleaseId, VerifiedRelease},
    scope::ScopeText,
    time::Timestamp,
    upgrade::UpgradePolicy,
};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Plain, authorities, veil};

const RECEIVE: &str = "events:receive types=zen:*";
const READ: &str = "tickets:read fields=subject,requester_id token=requester_id";

struct Verified(Result<Vec<ScopeText>, ReleaseError>);

#[async_trait]
impl Releases for Verified {
    async fn verified(&self, id: &ReleaseId, _: &TenantId) -> Result<VerifiedRelease, ReleaseError> {
        Ok(VerifiedRelease {
            digest: id.component,
            plugin: "com.example.plugin".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
            asked: self.0.clone()?,
            reviewed: None,
            until: Timestamp(i64::MAX),
            limits: Limits::default(),
            destinations: Vec::new(),
        })
    }

    async fn component(&self, id: &ReleaseId) -> Result<Arc<[u8]>, ReleaseError> {
        Err(ReleaseError::Missing(id.component))
    }
}

struct Still;

impl Rng for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn scopes(texts: &[&str]) -> Vec<ScopeText> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn installation(granted: &[&str]) -> Installation {
    Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"x"),
        manifest: Digest::of(b"m"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: scopes(granted),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

fn event() -> Event {
    Event {
        tenant: "acme".parse().unwrap(),
        origin: "zen".parse().unwrap(),
        id: "1".into(),
        kind: "zen:event-type:ticket.created".into(),
        source: "/hooks/zendesk/zen".into(),
        subject: None,
        time: Timestamp(0),
        form: EventForm::Zendesk,
        trace: None,
        data: json!({ "detail": { "id": "7", "subject": "card 4111111111111111", "requester_id": 5, "tags": ["t"] } }),
    }
}

fn project(
    asked: Result<Vec<ScopeText>, ReleaseError>,
    granted: &[&str],
    event: &Event,
) -> Result<Value, NotProjected> {
    let bounds = Bounds { scopes: None, limits: Limits::default(), tenants: Default::default(), live: None };
    let projection =
        Projection { releases: Arc::new(Verified(asked)), bounds, pseudonyms: Arc::new(Plain), rng: Arc::new(Still) };
    let one = installation(granted);
    let mut projecting = pin!(projection.project(&one, event, 1));
    match projecting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(data) => data.map(|data| serde_json::from_str(&data).unwrap()),
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn it_is_what_the_plugin_is_handed() {
    let grant = [RECEIVE, READ];
    let projected = project(Ok(scopes(&grant)), &grant, &event()).unwrap();
    let handed: Value = serde_json::from_str(&narrow(&event(), &authorities(&grant), &veil(false)).unwrap()).unwrap();
    assert_eq!(projected, handed, "tokens included");
    assert!(projected["detail"]["requester_id"].as_str().unwrap().starts_with("tok_"));
    assert_eq!(projected["detail"].get("tags"), None);
}

#[test]
fn every_layer_has_its_say_and_not_the_grant_alone() {
    let asked = Ok(scopes(&[RECEIVE, "tickets:read fields=tags"]));
    let projected = project(asked, &[RECEIVE, READ], &event()).unwrap();
    assert_eq!(projected["detail"], json!({ "id": "7" }));
}

#[test]
fn what_it_may_not_have_is_refused_and_what_nobody_can_say_is_not() {
    let refused =
        |asked: Result<Vec<ScopeText>, ReleaseError>, event: &Event| project(asked, &[RECEIVE], event).unwrap_err();
    let other = Event { kind: "com.github.push".into(), ..event() };
    assert!(matches!(refused(Ok(scopes(&[RECEIVE])), &other), NotProjected::Refused(_)));
    let theirs = Event { tenant: "other".parse().unwrap(), ..event() };
    assert!(matches!(refused(Ok(scopes(&[RECEIVE])), &theirs), NotProjected::Refused(_)));
    let missing = Err(ReleaseError::Missing(Digest::of(b"x")));
    assert!(matches!(refused(missing, &event()), NotProjected::Unavailable(_)));
}
