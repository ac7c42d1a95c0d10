//! Events: as the runtime takes them, and as senders send them.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_broker::hmac::zendesk_signature;
use portcullis_model::{
    event::{Event, EventForm},
    secret::Secret,
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::lab::TENANT;

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A fresh event with this data, of which a plugin that is granted `data=full` sees all. It is about ticket 1005 of the
/// seed, which is open.
pub fn event(data: Value) -> Event {
    Event {
        tenant: TENANT.parse().unwrap(),
        origin: "lab".parse().unwrap(),
        id: format!("event-{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
        kind: "test.event".to_owned(),
        source: "/lab".to_owned(),
        subject: Some("zen:ticket:1005".to_owned()),
        time: Timestamp(1_790_000_000_000),
        form: EventForm::CloudEvents,
        trace: None,
        data,
    }
}

/// The body of a Zendesk webhook: this ticket was created.
pub fn created_on(ticket: &str, id: &str) -> String {
    json!({
        "account_id": 22_129_848, "id": id, "subject": format!("zen:ticket:{ticket}"),
        "time": "2026-10-05T08:12:44.408241533Z", "type": "zen:event-type:ticket.created",
        "zendesk_event_version": "2022-11-06", "event": {},
        "detail": { "id": ticket, "subject": "A ticket of the tests", "status": "NEW", "priority": null, "tags": [] },
    })
    .to_string()
}

/// The two headers with which Zendesk signs a body.
pub fn sign(secret: &str, at: Timestamp, body: &[u8]) -> [(String, String); 2] {
    let at = at.to_string();
    let signature = zendesk_signature(&Secret::new(secret.as_bytes().to_vec()), &at, body);
    [("x-zendesk-webhook-signature".to_owned(), signature), ("x-zendesk-webhook-signature-timestamp".to_owned(), at)]
}
