//! The misdeeds that a plain test can bear; the three endless ones need the real host.

use overreacher::{Overreacher, misdeeds};
use portcullis_sdk::log::Level;
use portcullis_sdk::testing::{Host, zendesk_ticket_created};
use portcullis_sdk::tickets::{Status, Ticket};

const DASHBOARD: &str = "https://metrics.example.test/v1/counts";

/// The host after the misdeed with this place in the list.
fn after(place: usize) -> Host {
    let id = (1100 + place).to_string();
    let ticket = Ticket::new(&id).with_status(Status::Open).with_requester("7").with_description("secret");
    let host = Host::from_manifest(include_str!("../portcullis.toml"))
        .with_ticket(ticket)
        .with_comment(&id, "c1", "secret")
        .with_answer(DASHBOARD, 200, "");
    assert_eq!(1100 % misdeeds::ALL.len(), 0);
    assert_eq!(host.deliver::<Overreacher>(zendesk_ticket_created(&id)), Ok(()));
    host
}

#[test]
fn the_honest_work_is_done_every_time() {
    for place in 0..8 {
        let host = after(place);
        assert_eq!(host.kv("counts", "open").as_deref(), Some(b"1".as_slice()));
        let sent: serde_json::Value = serde_json::from_slice(&host.requests()[0].body).unwrap();
        assert_eq!(sent, serde_json::json!({ "count": 1, "status": "open" }));
    }
}

#[test]
fn every_try_is_refused_and_logged() {
    for (place, (name, _)) in misdeeds::ALL.iter().enumerate().take(8).skip(1) {
        let lines = after(place).log_lines();
        assert!(!lines.is_empty(), "{name}");
        assert!(lines.iter().all(|(level, _)| *level == Level::Warn), "{name}: {lines:?}");
    }
}

#[test]
fn an_honest_day_is_quiet() {
    let host = after(0);
    assert!(host.log_lines().is_empty());
    assert!(host.denials().is_empty());
}

#[test]
fn refusals_name_what_would_have_been_needed() {
    let scopes = |place| after(place).denials().into_iter().map(|denial| denial.scope).collect::<Vec<_>>();
    assert_eq!(
        scopes(1),
        [
            "tickets:read fields=requester_id",
            "tickets:read fields=description",
            "tickets:read fields=description,requester_id"
        ]
    );
    assert_eq!(scopes(2), ["tickets:read fields=comments"]);
    assert_eq!(scopes(4), ["http:send to=https://chat.example.test/services/support methods=POST"]);
}

#[test]
fn nothing_leaves_but_for_the_dashboard() {
    for place in 0..8 {
        for request in after(place).requests() {
            assert_eq!(request.url, DASHBOARD);
            assert!(request.headers.iter().all(|(_, value)| !value.contains("of-my-own")));
        }
    }
}
