//! What of an event's data a plugin gets to see: only what its grant would let it read anyway, shown as it would be shown then
//! (DAT-1 to DAT-3). Default: drop.

use std::str::FromStr;

use portcullis_model::{
    event::{Event, EventForm},
    helpdesk::{TicketField, UserField},
    privacy::{PrivacyAsk, PrivacyShown},
    scope::{Facts, Field as _, Readings, Subscribe, View},
    veil::Veil,
};
use serde_json::{Map, Value};

use crate::{
    Authorities,
    tickets::{
        scope::readings,
        show::{author_view, event_value},
    },
    users::scope::people,
};

/// The event's data as JSON text, narrowed; an error where the plugin may not have the event at all.
pub(crate) fn narrow(event: &Event, authorities: &Authorities, veil: &Veil) -> Result<String, String> {
    if event.form == EventForm::Privacy {
        return privacy(event, &people(authorities.users.effective()), veil);
    }
    let receive = |full| Subscribe { kind: &event.kind, full };
    if !authorities.events.covers(&receive(false)) {
        return Err(format!("events of type {} are not granted", event.kind));
    }
    Ok(match event.form {
        EventForm::Zendesk => zendesk(event, &readings(authorities.tickets.effective()), veil).to_string(),
        EventForm::Github | EventForm::CloudEvents if authorities.events.covers(&receive(true)) => {
            // A copy only where something is to be covered in it.
            if veil.covers_cards() { veil.json(event.data.clone()).to_string() } else { event.data.to_string() }
        }
        EventForm::Github | EventForm::CloudEvents | EventForm::Privacy => "{}".to_owned(),
    })
}

/// A data subject's request: it needs no scope, since to answer it is a duty and not a right (DAT-9). What the person is known by is
/// told only as far as the plugin could have read it: as it is, as a token, or not at all.
fn privacy(event: &Event, readings: &Readings<'_, UserField>, veil: &Veil) -> Result<String, String> {
    let asked: PrivacyAsk =
        serde_json::from_value(event.data.clone()).map_err(|error| format!("the request cannot be read: {error}"))?;
    let PrivacyAsk { kind, who, deadline, correction } = asked;
    let known = [(UserField::Name, &who.names), (UserField::Email, &who.emails), (UserField::Phone, &who.phones)];
    let shown = |field: UserField, value: &String| {
        let ways = readings.ways(field).into_iter().filter(|view| *view != View::Mask);
        ways.map(|view| veil.show(view, field.shape(), field.name(), value.clone())).collect::<Vec<_>>()
    };
    let identifiers = known.iter().flat_map(|(field, values)| values.iter().flat_map(|value| shown(*field, value)));
    let identifiers = identifiers.collect();
    // What is right now is told as far as its parts could be read.
    let correction = correction.map(|right| corrected(right, readings));
    let shown = PrivacyShown { kind, user: who.user.clone(), identifiers, deadline, correction };
    serde_json::to_string(&shown).map_err(|error| error.to_string())
}

/// Those fields of a correction that the plugin may read in the clear.
fn corrected(right: Value, readings: &Readings<'_, UserField>) -> Value {
    let Value::Object(fields) = right else { return Value::Null };
    let clear = |name: &str| UserField::from_str(name).is_ok_and(|field| readings.ways(field).contains(&View::Clear));
    Value::Object(fields.into_iter().filter(|(name, _)| clear(name)).collect())
}

/// Keys of the envelope that say nothing about the record.
const ENVELOPE: [&str; 6] = ["account_id", "id", "subject", "time", "type", "zendesk_event_version"];

/// The ticket that an event is about, as far as its grant speaks of it.
struct Record<'a> {
    readings: &'a Readings<'a, TicketField>,
    veil: &'a Veil,
    facts: Facts,
}

impl Record<'_> {
    /// A field's value as it may be seen. The conversation is no field of the record.
    fn field(&self, name: &str, value: &Value) -> Option<Value> {
        let field = TicketField::from_str(name).ok().filter(|field| *field != TicketField::Comments)?;
        event_value(self.readings, self.veil, field, &self.facts, value)
    }

    fn comment(&self, comment: &Map<String, Value>) -> Option<Value> {
        let view = self.readings.view(TicketField::Comments, &self.facts)?;
        let mut kept = pick(comment, &["id", "is_public"]);
        kept.retain(scalar);
        let show = |field, value: &Value| event_value(self.readings, self.veil, field, &self.facts, value);
        if let Some(body) = comment.get("body").and_then(|body| show(TicketField::Comments, body)) {
            kept.insert("body".into(), body);
        }
        if let Some(id) = comment.get("author").and_then(|author| author.get("id")) {
            let id = shown_id(self.veil, author_view(self.readings, view, &self.facts), id);
            kept.insert("author".into(), Value::Object(Map::from_iter([("id".to_owned(), id)])));
        }
        Some(Value::Object(kept))
    }
}

fn shown_id(veil: &Veil, view: View, id: &Value) -> Value {
    let field = TicketField::Requester;
    veil.show_json(view, field.shape(), crate::tickets::show::domain(field), id.clone())
}

/// What the event itself says about its ticket: what it does not say fits no `where=`.
fn facts(detail: &Map<String, Value>) -> Facts {
    let text = |key: &str| match detail.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let name = |key: &str| text(key).map(|name| name.to_lowercase());
    Facts::default()
        .with("brand", text("brand_id"))
        .with("organization", text("organization_id"))
        .with("status", name("status"))
        .with("priority", name("priority"))
        .with("type", name("type"))
        .with("assignee", text("assignee_id"))
        .with("requester", text("requester_id"))
}

fn zendesk(event: &Event, readings: &Readings<'_, TicketField>, veil: &Veil) -> Value {
    let empty = Map::new();
    let body = event.data.as_object().unwrap_or(&empty);
    let detail = body.get("detail").and_then(Value::as_object);
    let record = Record { readings, veil, facts: detail.map(facts).unwrap_or_default() };
    let mut kept = pick(body, &ENVELOPE);
    kept.retain(scalar);
    if let Some(detail) = detail {
        let shown = |(key, value): (&String, &Value)| {
            let id = key == "id" && (value.is_string() || value.is_number());
            let value = if id { Some(value.clone()) } else { record.field(key, value) };
            Some((key.clone(), value?))
        };
        kept.insert("detail".into(), Value::Object(detail.iter().filter_map(shown).collect()));
    }
    if let Some(change) = body.get("event").and_then(Value::as_object) {
        kept.insert("event".into(), Value::Object(change_of(&event.kind, change, &record)));
    }
    Value::Object(kept)
}

fn change_of(kind: &str, change: &Map<String, Value>, record: &Record<'_>) -> Map<String, Value> {
    let mut kept = Map::new();
    let comment = change.get("comment").and_then(Value::as_object);
    if let Some(comment) = comment.and_then(|comment| record.comment(comment)) {
        kept.insert("comment".into(), comment);
    }
    // `...:ticket.priority_changed` carries the old and the new priority.
    if let Some(field) = kind.rsplit('.').next().and_then(|what| what.strip_suffix("_changed")) {
        let parts = pick(change, &["current", "previous", "tags_added", "tags_removed"]);
        let shown = |(key, value): (String, Value)| Some((key, record.field(field, &value)?));
        kept.extend(parts.into_iter().filter_map(shown));
    }
    kept
}

/// What says nothing about a record is no more than a value: nothing can hide below it.
fn scalar(_: &String, value: &mut Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn pick(from: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    from.iter().filter(|(key, _)| keys.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
#[path = "narrow_test.rs"]
mod tests;
