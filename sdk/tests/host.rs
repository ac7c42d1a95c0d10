//! The in-memory host: authority, delivery, and what is left behind.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use portcullis_sdk::prelude::*;
use portcullis_sdk::testing::{self, Host};
use portcullis_sdk::tickets::Field;

thread_local! { static SEEN: Cell<Option<serde_json::Value>> = const { Cell::new(None) }; }

/// Keeps what it was delivered, and adds a comment without a key.
struct Recorder;

impl Events for Recorder {
    fn handle(event: Event) -> Result<(), Error> {
        SEEN.set(Some(event.json()?));
        tickets::add_comment(event.ticket_id()?, tickets::NewComment::internal("seen")).map(drop)
    }
}

portcullis_sdk::export!(Recorder: Events);

const MANIFEST: &str = r#"
id = "dev.example.recorder"

[[scopes]]
scope = "events:receive types=zen:event-type:ticket.*"
purpose = "To record."

[[scopes]]
scope = "tickets:comment visibility=internal"
purpose = "To say so."
optional = true

[limits]
cpu-ms = 10
"#;

#[test]
fn a_manifest_grants_what_it_asks_for_and_nothing_else() {
    let host = Host::from_manifest(MANIFEST).with_ticket(tickets::Ticket::new("1"));
    host.deliver::<Recorder>(testing::zendesk_ticket_created("1")).unwrap();
    assert_eq!(host.comments("1").len(), 1);

    let refused = host.run(|| tickets::get("1", &[Field::Tags])).unwrap_err();
    let Error::Denied(denial) = refused else { panic!("{refused}") };
    assert_eq!((denial.scope.as_str(), denial.grantor.as_str()), ("tickets:read fields=tags", "developer"));
    assert_eq!(host.denials(), [denial]);
}

#[test]
fn what_the_admin_did_not_grant_is_the_admins_to_change() {
    let host = Host::from_manifest(MANIFEST).revoke("tickets:comment").with_ticket(tickets::Ticket::new("1"));
    assert!(matches!(host.deliver::<Recorder>(testing::zendesk_ticket_created("1")), Err(Error::Denied(_))));
    assert_eq!(host.denials()[0].grantor, "admin");
    assert!(host.comments("1").is_empty());
}

#[test]
fn an_event_that_is_not_granted_is_not_delivered() {
    let host = Host::new().grant("events:receive types=zen:event-type:user.*");
    let refused = host.deliver::<Recorder>(testing::zendesk_ticket_created("1")).unwrap_err();
    assert!(refused.to_string().contains("events:receive types=zen:event-type:ticket.created"), "{refused}");
    assert!(SEEN.take().is_none());
}

#[test]
fn an_event_carries_only_the_granted_fields() {
    let with = |fields: &str| {
        let host = Host::from_manifest(MANIFEST).grant(fields).with_ticket(tickets::Ticket::new("1"));
        host.deliver::<Recorder>(testing::zendesk_comment_added("1", "c1", "hello")).unwrap();
        SEEN.take().unwrap()
    };
    let few = with("tickets:read fields=subject");
    assert_eq!(few["detail"], serde_json::json!({ "id": "1", "subject": "A subject" }));
    assert_eq!(few["event"], serde_json::json!({}), "nothing of a comment without `comments`");
    let all = with("tickets:read fields=*");
    assert_eq!(all["detail"]["requester_id"], "1");
    assert_eq!(all["event"]["comment"]["body"], "hello");
    assert!(all["detail"].get("actor_id").is_none(), "no field grants it");
}

#[test]
fn an_event_shows_fields_as_the_grant_does_and_of_its_tickets_only() {
    let with = |fields: &str| {
        let host = Host::from_manifest(MANIFEST).grant(fields).with_ticket(tickets::Ticket::new("1"));
        host.deliver::<Recorder>(testing::zendesk_comment_added("1", "c1", "hello")).unwrap();
        SEEN.take().unwrap()
    };
    let veiled =
        with("tickets:read fields=subject,created_at,requester_id,comments mask=internal,subject token=personal");
    assert_eq!(veiled["detail"]["subject"], "•••");
    assert_eq!(veiled["detail"]["created_at"], "2026-11-02");
    let author = veiled["event"]["comment"]["author"]["id"].as_str().unwrap();
    assert!(author.starts_with("tok_") && veiled["detail"]["requester_id"] == author, "{veiled}");
    assert!(veiled["event"]["comment"]["body"].as_str().unwrap().starts_with("tok_"), "{veiled}");
    let elsewhere = with("tickets:read fields=* where=brand:9");
    assert_eq!(elsewhere["detail"], serde_json::json!({ "id": "1" }));
    assert_eq!(elsewhere["event"], serde_json::json!({}));
    assert_eq!(with("tickets:read fields=subject where=brand:8,status:new")["detail"]["subject"], "A subject");
}

#[test]
fn the_same_event_twice_adds_one_comment() {
    let host = Host::from_manifest(MANIFEST).with_ticket(tickets::Ticket::new("1"));
    let mut event = testing::zendesk_ticket_created("1");
    host.deliver::<Recorder>(event.clone()).unwrap();
    event.attempt = 2;
    host.deliver::<Recorder>(event).unwrap();
    assert_eq!(host.comments("1").len(), 1);
}

#[test]
fn a_panic_leaves_no_host_behind() {
    let host = Host::new().grant("log:write");
    let panicked = catch_unwind(AssertUnwindSafe(|| host.run(|| panic!("in the plugin"))));
    assert!(panicked.is_err());
    let outside = catch_unwind(|| log::info!("nobody listens"));
    assert!(outside.is_err(), "a call outside `run` must say so");
    host.run(|| log::info!("again"));
    assert_eq!(host.log_lines().len(), 1);
}

#[test]
fn hosts_nest() {
    let (outer, inner) = (Host::new().grant("log:write"), Host::new().grant("log:write"));
    outer.run(|| {
        inner.run(|| log::info!("inner"));
        log::warn!("outer");
    });
    assert_eq!(inner.log_lines(), [(log::Level::Info, "inner".to_owned())]);
    assert_eq!(outer.log_lines(), [(log::Level::Warn, "outer".to_owned())]);
}

#[test]
fn a_failure_can_be_asked_for_once() {
    let host = Host::new().grant("kv:read").fail_once("kv:read", Error::Unavailable);
    host.run(|| {
        assert_eq!(kv::open("seen").and_then(|bucket| bucket.get("a")), Err(Error::Unavailable));
        assert_eq!(kv::open("seen").and_then(|bucket| bucket.get("a")), Ok(None));
    });
}
