//! A whole event, from delivery to what is left in the help desk.

use card_guard::CardGuard;
use portcullis_sdk::testing::{Host, zendesk_comment_added, zendesk_ticket_created};
use portcullis_sdk::{Error, tickets};

const MANIFEST: &str = include_str!("../portcullis.toml");
const BODY: &str = "My card é is 4111 1111 1111 1111, thanks";
const COVERED: &str = "My card é is 4111 11▇▇ ▇▇▇▇ 1111, thanks";

fn host() -> Host {
    Host::from_manifest(MANIFEST).with_ticket(tickets::Ticket::new("1042")).with_comment("1042", "c1", BODY)
}

fn deliver(host: &Host, attempt: u32) -> Result<(), Error> {
    let mut event = zendesk_comment_added("1042", "c1", BODY);
    event.attempt = attempt;
    host.deliver::<CardGuard>(event)
}

fn check(host: &Host) {
    let comments = host.comments("1042");
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert_eq!(comments[0].body, COVERED);
    assert_eq!(comments[1].body, "1 card number was covered in a comment. The first 6 and last 4 digits are left.");
    assert!(!comments[1].public);
    assert_eq!(host.ticket("1042").tags.as_deref(), Some(["card-redacted".to_owned()].as_slice()));
}

#[test]
fn a_number_is_covered_noted_and_tagged() {
    let host = host();
    deliver(&host, 1).unwrap();
    check(&host);
    assert!(host.denials().is_empty());
}

#[test]
fn a_second_delivery_changes_nothing() {
    let host = host();
    deliver(&host, 1).unwrap();
    deliver(&host, 2).unwrap();
    check(&host);
}

#[test]
fn a_comment_without_a_number_is_left_alone() {
    let host = Host::from_manifest(MANIFEST).with_comment("1042", "c1", "Hello");
    host.deliver::<CardGuard>(zendesk_comment_added("1042", "c1", "Hello")).unwrap();
    assert_eq!(host.comments("1042").len(), 1);
}

#[test]
fn a_delivery_that_broke_off_is_finished_by_the_next() {
    for action in ["tickets:redact", "tickets:comment", "tickets:write"] {
        let host = host().fail_once(action, Error::Unavailable);
        assert_eq!(deliver(&host, 1), Err(Error::Unavailable), "{action}");
        deliver(&host, 2).unwrap();
        check(&host);
    }
}

#[test]
fn without_the_body_in_the_event_the_comment_is_read() {
    let host = host().fail_once("tickets:comment", Error::Unavailable);
    let mut event = zendesk_comment_added("1042", "c1", BODY);
    event.data = r#"{"event":{"comment":{"id":"c1"}}}"#.to_owned();
    assert_eq!(host.deliver::<CardGuard>(event.clone()), Err(Error::Unavailable));
    event.attempt = 2;
    host.deliver::<CardGuard>(event).unwrap();
    check(&host);
}

#[test]
fn note_and_tag_are_the_admins_choice() {
    let host = host().revoke("tickets:comment").revoke("tickets:write");
    deliver(&host, 1).unwrap();
    assert_eq!(host.comments("1042").len(), 1);
    assert_eq!(host.comments("1042")[0].body, COVERED);
}

#[test]
fn a_closed_ticket_is_covered_all_the_same() {
    let ticket = tickets::Ticket::new("1042").with_status(tickets::Status::Closed);
    let host = Host::from_manifest(MANIFEST).with_ticket(ticket).with_comment("1042", "c1", BODY);
    deliver(&host, 1).unwrap();
    assert_eq!(host.comments("1042")[0].body, COVERED);
}

#[test]
fn without_the_right_to_redact_it_says_so() {
    let host = host().revoke("tickets:redact");
    assert!(matches!(deliver(&host, 1), Err(Error::Denied(denial)) if denial.scope == "tickets:redact"));
}

#[test]
fn other_events_are_none_of_its_business() {
    let host = host().grant("events:receive types=*");
    host.deliver::<CardGuard>(zendesk_ticket_created("1042")).unwrap();
    assert_eq!(host.comments("1042")[0].body, BODY);
}

#[test]
fn no_digit_of_a_number_is_logged() {
    let host = host();
    deliver(&host, 1).unwrap();
    assert!(host.log_lines().iter().all(|(_, line)| !line.contains("1111")));
}
