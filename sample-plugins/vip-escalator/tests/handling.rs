//! A whole event, from delivery to what is left in the help desk.

use portcullis_sdk::testing::{Host, zendesk_comment_added, zendesk_ticket_created};
use portcullis_sdk::tickets::{Priority, Status, Ticket};
use portcullis_sdk::users::{Organization, User};
use portcullis_sdk::{Error, events::Event};
use vip_escalator::VipEscalator;

fn host(ticket: Ticket, organization: Organization) -> Host {
    let requester = User::new("7").with_organization(organization.id.clone());
    Host::from_manifest(include_str!("../portcullis.toml"))
        .with_ticket(ticket)
        .with_user(requester)
        .with_organization(organization)
}

fn ticket() -> Ticket {
    Ticket::new("1042").with_requester("7").with_organization("70")
}

fn vip() -> Organization {
    Organization::new("70").with_tag("vip")
}

fn deliver(host: &Host, event: Event) -> Result<(), Error> {
    host.deliver::<VipEscalator>(event)
}

fn created(host: &Host) -> Result<(), Error> {
    deliver(host, zendesk_ticket_created("1042"))
}

fn priority(host: &Host) -> Option<Priority> {
    host.ticket("1042").priority
}

#[test]
fn a_vips_ticket_is_raised_and_noted_once() {
    let host = host(ticket().with_priority(Priority::Normal), vip());
    created(&host).unwrap();
    deliver(&host, zendesk_comment_added("1042", "c1", "Hello?")).unwrap();
    assert_eq!(priority(&host), Some(Priority::High));
    let notes = host.comments("1042");
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].body, "Priority raised to high: the requester's organization is a VIP.");
    assert!(!notes[0].public);
    assert_eq!(host.kv("escalated", "1042").as_deref(), Some(b"done".as_slice()));
    assert!(host.denials().is_empty());
}

#[test]
fn an_agent_who_lowers_it_again_has_the_last_word() {
    let host = host(ticket(), vip());
    created(&host).unwrap();
    let lowered = host.with_ticket(ticket().with_priority(Priority::Low));
    deliver(&lowered, zendesk_comment_added("1042", "c1", "Hello?")).unwrap();
    assert_eq!(priority(&lowered), Some(Priority::Low));
}

#[test]
fn the_plan_and_the_platinum_tag_count() {
    let enterprise = Organization::new("70").with_field("plan", "\"enterprise\"");
    for (organization, expected) in [
        (enterprise, Some(Priority::High)),
        (Organization::new("70").with_tag("vip-platinum"), Some(Priority::Urgent)),
        (Organization::new("70").with_field("plan", "\"starter\""), None),
        (Organization::new("70").with_field("plan", "null"), None),
        (Organization::new("70").with_tag("not-vip"), None),
    ] {
        let host = host(ticket(), organization);
        created(&host).unwrap();
        assert_eq!(priority(&host), expected);
    }
}

#[test]
fn the_requesters_organization_is_used_where_the_ticket_names_none() {
    let host = host(Ticket::new("1042").with_requester("7"), vip());
    created(&host).unwrap();
    assert_eq!(priority(&host), Some(Priority::High));
}

#[test]
fn nothing_is_lowered_and_finished_tickets_are_left_alone() {
    for untouched in [
        ticket().with_priority(Priority::High),
        ticket().with_priority(Priority::Urgent),
        ticket().with_priority(Priority::Low).with_status(Status::Solved),
        ticket().with_priority(Priority::Low).with_status(Status::Closed),
        Ticket::new("1042").with_priority(Priority::Low),
    ] {
        let before = untouched.priority;
        let host = host(untouched, vip());
        created(&host).unwrap();
        assert_eq!(priority(&host), before);
        assert!(host.comments("1042").is_empty());
        assert_eq!(host.kv("escalated", "1042"), None);
    }
}

#[test]
fn a_delivery_that_broke_off_is_finished_by_the_next() {
    for action in ["tickets:read", "users:organizations", "tickets:write", "tickets:comment", "kv:write"] {
        let host = host(ticket(), vip()).fail_once(action, Error::Unavailable);
        assert_eq!(created(&host), Err(Error::Unavailable), "{action}");
        created(&host).unwrap();
        assert_eq!(priority(&host), Some(Priority::High), "{action}");
        assert_eq!(host.comments("1042").len(), 1, "{action}");
        created(&host).unwrap();
        assert_eq!(host.comments("1042").len(), 1, "{action}");
    }
}

#[test]
fn a_ticket_closed_in_between_is_done() {
    let closed = ticket().with_status(Status::Closed);
    let host = host(closed, vip()).with_kv("escalated", "1042", "intended high");
    created(&host).unwrap();
    assert_eq!(host.kv("escalated", "1042").as_deref(), Some(b"done".as_slice()));
    assert!(host.comments("1042").is_empty());
}
