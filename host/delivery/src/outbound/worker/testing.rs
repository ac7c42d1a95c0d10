//! What the tests of messages to back ends share.

use portcullis_model::{
    event::{Event, EventForm},
    time::Timestamp,
    webhook::{BackEnd, BackEndState, Health, Sending},
};

pub fn event(id: &str) -> Event {
    Event {
        tenant: "acme".parse().unwrap(),
        origin: "zen".parse().unwrap(),
        id: id.to_owned(),
        kind: "zen:event-type:ticket.created".into(),
        source: "/hooks/zendesk/zen".into(),
        subject: Some("zen:ticket:1".into()),
        time: Timestamp(1),
        form: EventForm::Zendesk,
        trace: None,
        data: serde_json::json!({ "detail": { "id": "1", "subject": "not granted" } }),
    }
}

pub fn back_end() -> BackEnd {
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

pub fn sending(event: Event) -> Sending {
    Sending { delivery: 1, back_end: back_end(), event, notice: false, attempt: 1 }
}
