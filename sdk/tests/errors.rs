//! Errors and events as a handler meets them.

use portcullis_sdk::{CustomField, Denial, Error, Limit, testing};
use serde::Deserialize;

#[test]
fn errors_read_as_sentences() {
    let denied = Error::Denied(Denial {
        id: "01J".into(),
        scope: "tickets:redact".into(),
        reason: "not granted".into(),
        grantor: "admin".into(),
    });
    assert_eq!(
        denied.to_string(),
        "denied: needs `tickets:redact` (not granted; the admin can change that; audit entry 01J)"
    );
    let limited = Error::Limited(Limit { name: "http-requests".into(), allowed: 20, retry_after_ms: Some(500) });
    assert_eq!(limited.to_string(), "limit reached: http-requests of 20, try again in 500 ms");
    assert!(limited.is_retried() && Error::Unavailable.is_retried());
    assert!(!denied.is_retried() && !Error::Conflict.is_retried());
}

#[test]
fn a_json_error_never_quotes_the_data() {
    let error: Error = serde_json::from_str::<u32>("\"4111 1111 1111 1111\"").unwrap_err().into();
    assert_eq!(error, Error::Invalid("JSON, line 1 column 21: has another shape than expected".into()));
}

#[test]
fn events_give_typed_data_and_the_ticket_they_are_about() {
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow, rename = "type")]
        kind: &'a str,
    }

    let mut event = testing::zendesk_ticket_created("1042");
    assert_eq!(event.data::<Data>().unwrap().kind, "zen:event-type:ticket.created");
    assert_eq!(event.json().unwrap()["detail"]["id"], "1042");
    assert_eq!(event.ticket_id().unwrap(), "1042");
    event.subject = Some("zen:user:7".into());
    assert!(matches!(event.ticket_id(), Err(Error::Invalid(_))));
    event.data = "{".into();
    assert!(matches!(event.json(), Err(Error::Invalid(_))));
}

#[test]
fn custom_fields_hold_json() {
    let plan = CustomField { id: "plan".into(), value: "\"enterprise\"".into() };
    assert_eq!(plan.text().as_deref(), Some("enterprise"));
    let seats = CustomField { id: "seats".into(), value: "12".into() };
    assert_eq!(seats.text(), None);
    assert_eq!(seats.value::<u32>().unwrap(), 12);
}
