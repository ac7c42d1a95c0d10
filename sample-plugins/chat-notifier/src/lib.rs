//! Chat notifier posts a line to a chat room when a ticket is opened with, or raised to, priority high or urgent.
//!
//! It holds no token: the host adds the one that an admin connected for the chat service. A delivery that comes twice
//! carries the same `idempotency-key`, so that a service that honours it posts the line once.

#![forbid(unsafe_code)]

pub mod message;

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Field, Priority};

/// The room. The manifest's `http:send` scope names the same place.
pub const ROOM: &str = "https://chat.example.test/services/support";

const KINDS: [&str; 2] = ["zen:event-type:ticket.created", "zen:event-type:ticket.priority_changed"];

/// The plugin.
pub struct ChatNotifier;

impl Events for ChatNotifier {
    fn handle(event: Event) -> Result<(), Error> {
        if !KINDS.contains(&event.kind.as_str()) {
            return Ok(());
        }
        let Some(priority @ (Priority::High | Priority::Urgent)) = priority_then(&event)? else {
            return Ok(());
        };
        let ticket = tickets::get(event.ticket_id()?, &[Field::Subject])?;
        if priority == Priority::High && was_urgent(&event)? {
            return Ok(());
        }
        let text = message::line(&ticket.id, priority, ticket.subject.as_deref().unwrap_or("(no subject)"));
        http::Request::post(ROOM)
            .header("idempotency-key", event.id.as_str())
            .json(&serde_json::json!({ "text": text }))
            .send()?
            // A busy or broken service is tried again later; a refusal is for a person to look at.
            .success()?;
        log::info!("ticket {}: posted", ticket.id);
        Ok(())
    }
}

/// The priority at the time of the event: what it says now may be another plugin's doing, with an event of its own.
fn priority_then(event: &Event) -> Result<Option<Priority>, Error> {
    let data = event.json()?;
    let name = data["detail"]["priority"].as_str().unwrap_or_default().to_ascii_lowercase();
    Ok(match name.as_str() {
        "high" => Some(Priority::High),
        "urgent" => Some(Priority::Urgent),
        _ => None,
    })
}

/// Whether the event is a change down from `urgent`, which nobody needs to be called for.
fn was_urgent(event: &Event) -> Result<bool, Error> {
    let data = event.json()?;
    Ok(data["event"]["previous"].as_str().is_some_and(|previous| previous.eq_ignore_ascii_case("urgent")))
}

portcullis_sdk::export!(ChatNotifier: Events);
