//! What of an event's data a plugin gets to see: only what its grant would let it read anyway (DAT-2). Default: drop.

use std::str::FromStr;

use portcullis_model::{
    event::{Event, EventForm},
    helpdesk::{GetTicket, TicketField},
    scope::Subscribe,
};
use serde_json::{Map, Value};

use crate::Authorities;

/// The event's data as JSON text, narrowed; an error where the plugin may not have the event at all.
pub(crate) fn narrow(event: &Event, authorities: &Authorities) -> Result<String, String> {
    let receive = |full| Subscribe { kind: &event.kind, full };
    if !authorities.events.covers(&receive(false)) {
        return Err(format!("events of type {} are not granted", event.kind));
    }
    let readable = |field| {
        let act = GetTicket { id: String::new(), fields: [field].into() };
        authorities.tickets.covers(&act)
    };
    Ok(match event.form {
        EventForm::Zendesk => zendesk(event, &readable).to_string(),
        EventForm::Github | EventForm::CloudEvents if authorities.events.covers(&receive(true)) => {
            event.data.to_string()
        }
        EventForm::Github | EventForm::CloudEvents => "{}".to_owned(),
    })
}

/// Keys of the envelope that say nothing about the record.
const ENVELOPE: [&str; 6] = ["account_id", "id", "subject", "time", "type", "zendesk_event_version"];

fn zendesk(event: &Event, readable: &dyn Fn(TicketField) -> bool) -> Value {
    let empty = Map::new();
    let body = event.data.as_object().unwrap_or(&empty);
    let mut kept: Map<String, Value> =
        body.iter().filter(|(key, _)| ENVELOPE.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(detail) = body.get("detail").and_then(Value::as_object) {
        let field = |key: &str| TicketField::from_str(key).ok().filter(|f| *f != TicketField::Comments);
        let may = |(key, value): &(&String, &Value)| match key.as_str() {
            "id" => value.is_string() || value.is_number(),
            other => field(other).is_some_and(readable),
        };
        let fields = detail.iter().filter(may).map(|(k, v)| (k.clone(), v.clone())).collect();
        kept.insert("detail".into(), Value::Object(fields));
    }
    if let Some(change) = body.get("event").and_then(Value::as_object) {
        kept.insert("event".into(), Value::Object(change_of(&event.kind, change, readable)));
    }
    Value::Object(kept)
}

fn change_of(kind: &str, change: &Map<String, Value>, readable: &dyn Fn(TicketField) -> bool) -> Map<String, Value> {
    let mut kept = Map::new();
    if let Some(comment) = change.get("comment").and_then(Value::as_object)
        && readable(TicketField::Comments)
    {
        let mut fields: Map<String, Value> = pick(comment, &["id", "body", "is_public"]);
        if let Some(author) = comment.get("author").and_then(Value::as_object) {
            fields.insert("author".into(), Value::Object(pick(author, &["id"])));
        }
        kept.insert("comment".into(), Value::Object(fields));
    }
    // `...:ticket.priority_changed` carries the old and the new priority.
    let field = kind.rsplit('.').next().and_then(|what| what.strip_suffix("_changed"));
    if let Some(field) = field.and_then(|name| TicketField::from_str(name).ok())
        && field != TicketField::Comments
        && readable(field)
    {
        kept.extend(pick(change, &["current", "previous", "tags_added", "tags_removed"]));
    }
    kept
}

fn pick(from: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    from.iter().filter(|(key, _)| keys.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_model::{authority::Layer, scope::ScopeText, time::Timestamp};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::list::read;

    fn authorities(scopes: &[&str]) -> Authorities {
        let texts: Vec<ScopeText> = scopes.iter().map(|s| s.parse().unwrap()).collect();
        let layers = vec![(Layer::Granted, texts)];
        Authorities {
            events: read(&layers).unwrap(),
            tickets: read(&layers).unwrap().into(),
            users: read(&layers).unwrap().into(),
            kv: read(&layers).unwrap().into(),
            http: read(&layers).unwrap().into(),
            log: read(&layers).unwrap().into(),
        }
    }

    fn event(form: EventForm, kind: &str, data: Value) -> Event {
        Event {
            tenant: "acme".parse().unwrap(),
            origin: "zen".parse().unwrap(),
            id: "1".into(),
            kind: kind.into(),
            source: "/hooks/zendesk/zen".into(),
            subject: None,
            time: Timestamp(0),
            form,
            data,
        }
    }

    fn narrowed(scopes: &[&str], event: &Event) -> Value {
        serde_json::from_str(&narrow(event, &authorities(scopes)).unwrap()).unwrap()
    }

    const COMMENT_ADDED: &str = "zen:event-type:ticket.comment_added";

    fn comment_added() -> Event {
        let data = json!({
            "account_id": 1, "id": "e", "type": COMMENT_ADDED, "surprise": "x",
            "detail": { "id": "7", "subject": "s", "tags": ["t"], "via": { "channel": "web" }, "comments": "c" },
            "event": { "comment": { "id": "9", "body": "b", "is_public": true, "author": { "id": "3", "name": "n" }, "x": 1 } },
        });
        event(EventForm::Zendesk, COMMENT_ADDED, data)
    }

    #[test]
    fn only_granted_fields_stay() {
        let least = narrowed(&["events:receive types=zen:*"], &comment_added());
        assert_eq!(
            least,
            json!({ "account_id": 1, "id": "e", "type": COMMENT_ADDED, "detail": { "id": "7" }, "event": {} })
        );
        let more = narrowed(&["events:receive types=zen:*", "tickets:read fields=tags,comments"], &comment_added());
        assert_eq!(more["detail"], json!({ "id": "7", "tags": ["t"] }));
        let comment = json!({ "id": "9", "body": "b", "is_public": true, "author": { "id": "3" } });
        assert_eq!(more["event"], json!({ "comment": comment }));
    }

    #[test]
    fn a_change_needs_the_field_that_changed() {
        let kind = "zen:event-type:ticket.priority_changed";
        let data = json!({ "detail": { "id": "7" }, "event": { "current": "high", "previous": "low", "x": 1 } });
        let event = event(EventForm::Zendesk, kind, data);
        assert_eq!(narrowed(&["events:receive types=zen:*", "tickets:read fields=tags"], &event)["event"], json!({}));
        let seen = narrowed(&["events:receive types=zen:*", "tickets:read fields=priority"], &event);
        assert_eq!(seen["event"], json!({ "current": "high", "previous": "low" }));
    }

    #[test]
    fn other_forms_carry_data_only_where_all_of_it_is_granted() {
        let event = event(EventForm::Github, "com.github.push", json!({ "ref": "main" }));
        assert_eq!(narrowed(&["events:receive types=com.github.*"], &event), json!({}));
        let full = ["events:receive types=com.github.* data=full"];
        assert_eq!(narrowed(&full, &event), json!({ "ref": "main" }));
        assert!(narrow(&event, &authorities(&["events:receive types=zen:*"])).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!("SECRET")), Just(json!(1)), Just(Value::Null)];
        let key = "id|detail|event|comment|author|body|current|subject|tags|comments|via";
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map(key, inner, 0..6).prop_map(|m| json!(m)),
            ]
        })
    }

    proptest! {
        /// Without a ticket grant nothing but the envelope's own keys and the ticket's id gets through.
        #[test]
        fn nothing_leaks_whatever_the_shape(detail in any_json(), change in any_json()) {
            let data = json!({ "detail": detail, "event": change, "other": "SECRET" });
            let kept = narrowed(&["events:receive types=zen:*"], &event(EventForm::Zendesk, COMMENT_ADDED, data));
            let kept = kept.as_object().unwrap();
            prop_assert!(kept.keys().all(|k| k == "detail" || k == "event"));
            if let Some(detail) = kept.get("detail") {
                prop_assert!(detail.as_object().unwrap().keys().all(|k| k == "id"));
            }
            if let Some(change) = kept.get("event") {
                prop_assert!(change.as_object().unwrap().is_empty());
            }
        }
    }
}
