use portcullis_model::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{authorities, veil};

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
        trace: None,
        data,
    }
}

fn narrowed(scopes: &[&str], event: &Event) -> Value {
    serde_json::from_str(&narrow(event, &authorities(scopes), &veil(false)).unwrap()).unwrap()
}

const COMMENT_ADDED: &str = "zen:event-type:ticket.comment_added";

fn comment_added() -> Event {
    let data = json!({
        "account_id": 1, "id": "e", "type": COMMENT_ADDED, "surprise": "x",
        "detail": {
            "id": "7", "subject": "s", "tags": ["t"], "via": { "channel": "web" }, "comments": "c", "status": "OPEN",
            "requester_id": 5, "brand_id": "acme",
        },
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
fn fields_are_shown_as_the_grant_says() {
    let grant = [
        "events:receive types=zen:*",
        "tickets:read fields=subject,tags,requester_id,comments mask=subject,comments,tags token=requester_id",
    ];
    let seen = narrowed(&grant, &comment_added());
    assert_eq!(seen["detail"]["subject"], "•••");
    assert_eq!(seen["detail"]["tags"], json!(["•••"]));
    assert_eq!(seen["event"]["comment"]["body"], "•••");
    assert_eq!(seen["event"]["comment"]["author"]["id"], "•••");
    let half = ["events:receive types=zen:*", "tickets:read fields=requester_id,comments mask=requester_id"];
    assert_eq!(narrowed(&half, &comment_added())["event"]["comment"]["author"]["id"], "•••");
    let token = seen["detail"]["requester_id"].as_str().unwrap();
    assert!(token.starts_with("tok_") && token.len() == 36, "{token}");
}

#[test]
fn an_event_about_a_ticket_outside_of_where_carries_none_of_its_fields() {
    let grant = |brand: &str| format!("tickets:read fields=subject,comments where=brand:{brand},status:open");
    let receive = "events:receive types=zen:*";
    let inside = narrowed(&[receive, &grant("acme")], &comment_added());
    assert_eq!(inside["detail"], json!({ "id": "7", "subject": "s" }));
    assert_eq!(inside["event"]["comment"]["body"], "b");
    let outside = narrowed(&[receive, &grant("beta")], &comment_added());
    assert_eq!((&outside["detail"], &outside["event"]), (&json!({ "id": "7" }), &json!({})));
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
    let event = event(EventForm::Github, "com.github.push", json!({ "ref": "card 4111 1111 1111 1111" }));
    assert_eq!(narrowed(&["events:receive types=com.github.*"], &event), json!({}));
    let full = ["events:receive types=com.github.* data=full"];
    assert_eq!(narrowed(&full, &event), json!({ "ref": "card 4111 1111 1111 1111" }));
    let covered = narrow(&event, &authorities(&full), &veil(true)).unwrap();
    assert!(!covered.contains("1111 1111 1111"), "{covered}");
    assert!(narrow(&event, &authorities(&["events:receive types=zen:*"]), &veil(false)).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!("SECRET")), Just(json!(1)), Just(Value::Null)];
    let key = "id|detail|event|comment|author|body|current|subject|tags|comments|via|status|custom_fields|requester_id";
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(key, inner, 0..6).prop_map(|m| json!(m)),
        ]
    })
}

/// Whether the marker is anywhere in it: as a value or as a key.
fn has_secret(value: &Value) -> bool {
    value.to_string().contains("SECRET")
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

    /// A field that is not granted, or is masked or a token, never shows its value: any JSON under any key, any nesting.
    #[test]
    fn a_field_that_is_not_clear_never_shows_its_value(
        hidden in proptest::sample::select(TicketField::ALL.to_vec()),
        secret in any_json(),
        way in 0..3,
        kind in proptest::sample::select(vec!["comment_added", "subject_changed", "tags_changed", "custom_fields_changed"]),
    ) {
        use portcullis_model::{scope::Field as _, veil::Shape};
        let closed = hidden.shape() == Shape::Closed;
        let way = if closed { 0 } else { way };
        let others: Vec<&str> = TicketField::ALL.iter().filter(|f| **f != hidden).map(|f| f.name()).collect();
        let read = match way {
            0 => format!("tickets:read fields={}", others.join(",")),
            1 => format!("tickets:read fields=* mask={}", hidden.name()),
            _ => format!("tickets:read fields=* token={}", hidden.name()),
        };
        let mut detail = json!({ "id": "7" });
        let mut change = json!({});
        if hidden == TicketField::Comments {
            change["comment"] = json!({ "id": "1", "body": secret, "author": { "id": secret } });
        } else {
            detail[hidden.name()] = secret.clone();
            if kind == format!("{}_changed", hidden.name()) {
                change = json!({ "current": secret, "previous": secret, "tags_added": secret });
            }
        }
        let data = json!({ "detail": detail, "event": change });
        let event = event(EventForm::Zendesk, &format!("zen:event-type:ticket.{kind}"), data);
        let seen = narrowed(&["events:receive types=zen:*", &read], &event);
        prop_assert!(!has_secret(&seen), "{read}: {seen}");
    }
}
