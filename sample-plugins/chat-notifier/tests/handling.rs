//! A whole event, from delivery to what the chat service got.

use chat_notifier::{ChatNotifier, ROOM};
use portcullis_sdk::testing::{Host, with_detail, zendesk_priority_changed, zendesk_ticket_created};
use portcullis_sdk::tickets::{Priority, Ticket};
use portcullis_sdk::{Error, events::Event};

fn host(priority: Option<Priority>) -> Host {
    let ticket = Ticket::new("1042").with_subject("Printer on fire").with_description("secret");
    let ticket = Ticket { priority, ..ticket };
    Host::from_manifest(include_str!("../portcullis.toml")).with_ticket(ticket)
}

/// A ticket that was opened with this priority, in Zendesk's capitals.
fn created(priority: Option<&str>) -> Event {
    with_detail(zendesk_ticket_created("1042"), "priority", priority.into())
}

fn deliver(host: &Host, event: Event) -> Result<(), Error> {
    host.deliver::<ChatNotifier>(event)
}

#[test]
fn an_urgent_ticket_is_posted() {
    let host = host(Some(Priority::Urgent)).with_answer(ROOM, 200, "ok");
    let event = created(Some("URGENT"));
    deliver(&host, event.clone()).unwrap();
    let requests = host.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].body, br#"{"text":"[URGENT] Ticket 1042: Printer on fire"}"#);
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("idempotency-key"), Some(event.id.as_str()));
    assert_eq!(requests[0].header("authorization"), None);
    assert!(host.denials().is_empty());
}

#[test]
fn a_raised_ticket_is_posted() {
    let host = host(Some(Priority::High)).with_answer(ROOM, 204, "");
    deliver(&host, zendesk_priority_changed("1042", Some(Priority::Normal), Priority::High)).unwrap();
    assert_eq!(host.requests()[0].body, br#"{"text":"[HIGH] Ticket 1042: Printer on fire"}"#);
}

#[test]
fn others_are_not() {
    for priority in [None, Some("LOW"), Some("NORMAL")] {
        // Raised since, by somebody else: that is an event of its own.
        let host = host(Some(Priority::High));
        deliver(&host, created(priority)).unwrap();
        assert!(host.requests().is_empty());
    }
}

#[test]
fn a_ticket_that_became_less_urgent_is_not() {
    let host = host(Some(Priority::High));
    deliver(&host, zendesk_priority_changed("1042", Some(Priority::Urgent), Priority::High)).unwrap();
    assert!(host.requests().is_empty());
}

#[test]
fn a_busy_service_is_tried_again_and_a_refusal_is_not() {
    for (status, expected) in [(429, true), (500, true), (503, true), (400, false), (404, false), (302, false)] {
        let host = host(Some(Priority::High)).with_answer(ROOM, status, "");
        let error = deliver(&host, created(Some("HIGH"))).unwrap_err();
        assert_eq!(error.is_retried(), expected, "{status}: {error}");
    }
}

#[test]
fn without_the_grant_nothing_leaves() {
    let host = host(Some(Priority::High)).revoke("http:send").with_answer(ROOM, 200, "ok");
    assert!(matches!(deliver(&host, created(Some("HIGH"))), Err(Error::Denied(_))));
    assert!(host.requests().is_empty());
}
