//! Events that look like those that the real host delivers for a Zendesk account.

use serde_json::{Map, Value, json};

use super::Facts;
use crate::events::Event;
use crate::tickets::{Field, Priority};

const TIME: &str = "2026-11-02T09:30:00Z";

/// The properties of a ticket event's `detail` that a field of the same name grants. Custom fields are not in it.
const DETAIL: [Field; 12] = [
    Field::Subject,
    Field::Description,
    Field::Status,
    Field::Priority,
    Field::Type,
    Field::RequesterId,
    Field::AssigneeId,
    Field::OrganizationId,
    Field::Tags,
    Field::CreatedAt,
    Field::UpdatedAt,
    Field::BrandId,
];

/// `ticket.comment_added`: a public comment by a requester.
pub fn zendesk_comment_added(ticket: &str, comment: &str, body: &str) -> Event {
    let comment = json!({
        "id": comment,
        "body": body,
        "is_public": true,
        "author": { "id": "1", "is_staff": false, "name": "Sam Doe" },
    });
    zendesk_event("ticket.comment_added", ticket, json!({ "comment": comment }))
}

/// `ticket.created`.
pub fn zendesk_ticket_created(ticket: &str) -> Event {
    zendesk_event("ticket.created", ticket, json!({}))
}

/// `ticket.priority_changed`; Zendesk writes priorities in capitals in events.
pub fn zendesk_priority_changed(ticket: &str, previous: Option<Priority>, current: Priority) -> Event {
    let capitals = |priority| match priority {
        Priority::Low => "LOW",
        Priority::Normal => "NORMAL",
        Priority::High => "HIGH",
        Priority::Urgent => "URGENT",
    };
    let change = json!({ "previous": previous.map(capitals), "current": capitals(current) });
    let event = zendesk_event("ticket.priority_changed", ticket, change);
    with_detail(event, "priority", json!(capitals(current)))
}

/// The same event with another value under `detail`, such as `"priority"` and `"HIGH"`.
pub fn with_detail(mut event: Event, name: &str, value: Value) -> Event {
    let mut data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    data["detail"][name] = value;
    event.data = data.to_string();
    event
}

/// Any ticket event: its kind without `zen:event-type:`, the ticket's id, and what is under `event`.
pub fn zendesk_event(kind: &str, ticket: &str, event: Value) -> Event {
    let kind = format!("zen:event-type:{kind}");
    let subject = format!("zen:ticket:{ticket}");
    let id = format!("event-{ticket}-{}", event["comment"]["id"].as_str().unwrap_or(&kind));
    let data = json!({
        "account_id": "22129848",
        "detail": {
            "actor_id": "1", "assignee_id": null, "brand_id": "8", "created_at": TIME, "custom_status": "4",
            "description": "A description", "external_id": null, "form_id": "5", "group_id": "6", "id": ticket,
            "is_public": true, "organization_id": null, "priority": null, "requester_id": "1", "status": "NEW",
            "subject": "A subject", "submitter_id": "1", "tags": [], "type": null, "updated_at": TIME,
            "via": { "channel": "web_service" },
        },
        "event": event,
        "event_version": "2022-11-06",
        "id": id,
        "subject": subject,
        "time": TIME,
        "type": kind,
        "zendesk_event_version": "2022-11-06",
    });
    Event {
        id,
        kind,
        source: "/hooks/zendesk/acme".to_owned(),
        subject: Some(subject),
        time: TIME.to_owned(),
        data: data.to_string(),
        attempt: 1,
    }
}

/// Leaves in the event's data only what the grants show of this ticket, as they show it, and what says which event it is.
/// `show` gives a field's value as it may be seen.
pub(super) fn minimise(mut event: Event, show: impl Fn(&str, &Facts, Value) -> Option<Value>) -> Event {
    let Ok(Value::Object(mut data)) = serde_json::from_str::<Value>(&event.data) else {
        return event;
    };
    let facts = facts(data.get("detail").unwrap_or(&Value::Null));
    let show = |field: &str, value: Value| show(field, &facts, value);
    if let Some(Value::Object(detail)) = data.get_mut("detail") {
        let known = |key: &str| DETAIL.iter().any(|field| field.name() == key);
        let shown = std::mem::take(detail).into_iter().filter_map(|(key, value)| match key.as_str() {
            "id" => Some((key, value)),
            name if known(name) => show(name, value).map(|value| (key, value)),
            _ => None,
        });
        detail.extend(shown.collect::<Map<_, _>>());
    }
    if let Some(Value::Object(change)) = data.get_mut("event") {
        *change = shown_change(std::mem::take(change), &event.kind, show);
    }
    event.data = Value::Object(data).to_string();
    event
}

/// What `where=` can tell the event's ticket apart by. Zendesk writes closed sets in capitals in events.
fn facts(detail: &Value) -> Facts {
    let text = |key: &str| detail[key].as_str().map(str::to_owned);
    let small = |key: &str| detail[key].as_str().map(str::to_lowercase);
    Facts::default()
        .with("brand", text("brand_id"))
        .with("organization", text("organization_id"))
        .with("status", small("status"))
        .with("priority", small("priority"))
        .with("type", small("type"))
        .with("assignee", text("assignee_id"))
        .with("requester", text("requester_id"))
}

/// Under `event` stand a comment or the values of one changed field.
fn shown_change(
    change: Map<String, Value>,
    kind: &str,
    show: impl Fn(&str, Value) -> Option<Value>,
) -> Map<String, Value> {
    let field = kind.strip_prefix("zen:event-type:ticket.").and_then(|kind| kind.strip_suffix("_changed"));
    let one = |(key, value): (String, Value)| match key.as_str() {
        "comment" => Some((key, shown_comment(&value, &show)?)),
        "current" | "previous" | "tags_added" | "tags_removed" => Some((key, show(field?, value)?)),
        _ => None,
    };
    change.into_iter().filter_map(one).collect()
}

fn shown_comment(comment: &Value, show: impl Fn(&str, Value) -> Option<Value>) -> Option<Value> {
    let body = show("comments", comment["body"].clone())?;
    let mut shown = json!({ "id": comment["id"], "body": body, "is_public": comment["is_public"] });
    if let Some(author) = show("author_id", comment["author"]["id"].clone()) {
        shown["author"] = json!({ "id": author });
    }
    Some(shown)
}
