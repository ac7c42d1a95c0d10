//! Events as sources send them: those that are bundled, and those that somebody brings along.
//!
//! Understood are the three forms that the host receives: a Zendesk webhook's body, a GitHub webhook's body as `{"event":
//! "issues", "body": {..}}`, and a CloudEvents 1.0 event in structured JSON.

use portcullis_model::{
    audit::plain,
    event::{Event, EventForm},
    id::{IdError, SourceName, TenantId},
    time::Timestamp,
};
use serde_json::{Value, json};

/// The largest file of events that is read, in bytes.
pub const MAX_EVENTS: usize = 16 * 1024 * 1024;

/// The most events that can be brought along.
pub const MAX_GIVEN: usize = 1_000;

/// When an event happened that does not say so: a fixed moment, so that a run can be repeated.
const TIME: Timestamp = Timestamp(1_790_000_000_000);

/// Longest id, subject, source and type of an event, in bytes: those that the host receives are no longer.
pub(crate) const MAX_NAME: usize = 256;

const BUNDLED: [&str; 3] = [
    include_str!("../../events/zendesk.json"),
    include_str!("../../events/github.json"),
    include_str!("../../events/cloudevents.json"),
];

/// Why events cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// The text is too long.
    #[error("{0} bytes of events; the most is {MAX_EVENTS}")]
    TooLong(usize),
    /// There are too many.
    #[error("{0} events; the most is {MAX_GIVEN}")]
    TooMany(usize),
    /// It is no JSON.
    #[error("no JSON: {0}; give one event, an array of events, or one event a line")]
    NotJson(String),
    /// An event is of no form that the host receives.
    #[error("event {number}: {problem}")]
    Unknown {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A name of the sandbox's own does not hold.
    #[error(transparent)]
    Name(#[from] IdError),
}

/// Whose events they are: nobody's.
struct Owner {
    tenant: TenantId,
    origin: SourceName,
}

impl Owner {
    fn nobody() -> Result<Self, IdError> {
        Ok(Self { tenant: "sandbox".parse()?, origin: "vet".parse()? })
    }
}

/// Reads events: one, an array of them, or one a line.
///
/// # Errors
/// For what is too long, no JSON, or of no form that the host receives.
pub fn read_events(text: &str) -> Result<Vec<Event>, EventsError> {
    if text.len() > MAX_EVENTS {
        return Err(EventsError::TooLong(text.len()));
    }
    let owner = Owner::nobody()?;
    let values = match serde_json::from_str(text) {
        Ok(Value::Array(values)) => values,
        Ok(value) => vec![value],
        Err(error) => lines(text).ok_or_else(|| EventsError::NotJson(plain(&error.to_string())))?,
    };
    if values.len() > MAX_GIVEN {
        return Err(EventsError::TooMany(values.len()));
    }
    let one = |(at, value)| event(&owner, value).map_err(|problem| EventsError::Unknown { number: at + 1, problem });
    values.into_iter().enumerate().map(one).collect()
}

fn lines(text: &str) -> Option<Vec<Value>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let values: Result<Vec<Value>, _> = lines.map(serde_json::from_str).collect();
    values.ok().filter(|values| !values.is_empty())
}

/// All that are bundled.
pub(crate) fn bundled() -> Result<Vec<Event>, EventsError> {
    let all: Result<Vec<_>, _> = BUNDLED.into_iter().map(read_events).collect();
    Ok(all?.into_iter().flatten().collect())
}

fn event(owner: &Owner, value: Value) -> Result<Event, String> {
    let has = |key: &str| value.get(key).is_some();
    match value {
        _ if has("specversion") => cloud_event(owner, &value),
        _ if has("body") && has("event") => github(owner, &value),
        _ if has("type") && has("detail") => zendesk(owner, value),
        _ => Err(
            "expected a Zendesk body ('type', 'detail'), a GitHub body ('event', 'body') or a CloudEvents 1.0 event \
                  ('specversion')"
                .to_owned(),
        ),
    }
}

fn text(value: &Value, key: &str) -> Result<String, String> {
    let fits = |text: &&str| (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    let found = value.get(key).and_then(Value::as_str).filter(fits).map(str::to_owned);
    found.ok_or_else(|| format!("'{key}' must be a text of 1 to {MAX_NAME} bytes without control characters"))
}

fn time(value: &Value) -> Result<Timestamp, String> {
    match value.get("time") {
        None => Ok(TIME),
        Some(_) => Timestamp::parse(&text(value, "time")?).ok_or_else(|| "'time' must be an RFC 3339 time".to_owned()),
    }
}

fn zendesk(owner: &Owner, value: Value) -> Result<Event, String> {
    Ok(Event {
        tenant: owner.tenant.clone(),
        origin: owner.origin.clone(),
        id: text(&value, "id")?,
        kind: text(&value, "type")?,
        source: "/hooks/zendesk/vet".to_owned(),
        subject: Some(text(&value, "subject")?),
        time: time(&value)?,
        form: EventForm::Zendesk,
        trace: None,
        data: value,
    })
}

fn github(owner: &Owner, value: &Value) -> Result<Event, String> {
    let name = text(value, "event")?;
    let body = value.get("body").cloned().unwrap_or_default();
    let kind = match body.get("action").and_then(Value::as_str) {
        Some(action) => format!("com.github.{name}.{action}"),
        None => format!("com.github.{name}"),
    };
    let repository = body.pointer("/repository/full_name").and_then(Value::as_str);
    Ok(Event {
        tenant: owner.tenant.clone(),
        origin: owner.origin.clone(),
        id: format!("delivery-{name}"),
        kind,
        source: "/hooks/github/vet".to_owned(),
        subject: repository.map(|name| name.chars().take(MAX_NAME).collect()),
        time: TIME,
        form: EventForm::Github,
        trace: None,
        data: body,
    })
}

fn cloud_event(owner: &Owner, value: &Value) -> Result<Event, String> {
    Ok(Event {
        tenant: owner.tenant.clone(),
        origin: owner.origin.clone(),
        id: text(value, "id")?,
        kind: text(value, "type")?,
        source: text(value, "source")?,
        subject: value.get("subject").map(|_| text(value, "subject")).transpose()?,
        time: time(value)?,
        form: EventForm::CloudEvents,
        trace: None,
        data: value.get("data").cloned().unwrap_or(Value::Null),
    })
}

/// An event of a type of which none is bundled, in the form that such events have.
pub(crate) fn made_up(kind: &str, bundled: &[Event]) -> Result<Event, EventsError> {
    let like = if kind.starts_with("zen:") {
        bundled.iter().find(|event| event.form == EventForm::Zendesk)
    } else if kind.starts_with("com.github.") {
        bundled.iter().find(|event| event.form == EventForm::Github)
    } else {
        None
    };
    if let Some(like) = like {
        let mut event = Event { kind: kind.to_owned(), ..like.clone() };
        if let (EventForm::Zendesk, Some(named)) = (event.form, event.data.get_mut("type")) {
            *named = kind.into();
        }
        return Ok(event);
    }
    let Owner { tenant, origin } = Owner::nobody()?;
    let data = json!({
        "id": "1042", "name": "Sam Doe", "email": "sam.doe@northwind.example", "subject": "Printer on fire",
        "status": "open", "amount": 129.95, "count": 3, "urgent": true, "tags": ["vip", "hardware"], "note": null,
        "items": [{ "sku": "TERN-GW", "quantity": 1 }], "url": "https://shop.example.com/orders/NW-48213",
    });
    Ok(Event {
        tenant,
        origin,
        id: "made-up-1".to_owned(),
        kind: kind.to_owned(),
        source: "/vet".to_owned(),
        subject: Some("zen:ticket:1042".to_owned()),
        time: TIME,
        form: EventForm::CloudEvents,
        trace: None,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bundled_can_be_read() {
        let events = bundled().unwrap();
        let of = |form| events.iter().filter(|event| event.form == form).count();
        assert_eq!((of(EventForm::Zendesk), of(EventForm::Github), of(EventForm::CloudEvents)), (36, 9, 5));
        assert!(events.iter().any(|event| event.kind == "com.github.issues.labeled"));
        let created = events.iter().find(|event| event.kind == "zen:event-type:ticket.created").unwrap();
        assert_eq!(created.subject.as_deref(), Some("zen:ticket:1020"));
    }

    #[test]
    fn reads_one_many_and_lines_and_says_what_is_wrong() {
        let one = r#"{"specversion":"1.0","id":"1","source":"/s","type":"a.b","data":[1]}"#;
        assert_eq!(read_events(one).unwrap()[0].data, json!([1]));
        assert_eq!(read_events(&format!("[{one},{one}]")).unwrap().len(), 2);
        assert_eq!(read_events(&format!("{one}\n\n{one}\n")).unwrap().len(), 2);
        let error = |text: &str| read_events(text).unwrap_err().to_string();
        assert!(error("{").contains("give one event, an array"), "{}", error("{"));
        assert!(error("[{\"x\":1}]").starts_with("event 1: expected a Zendesk body"));
        assert!(error(&one.replace("/s", "")).contains("'source' must be a text of 1 to 256 bytes"));
        assert!(error(&one.replace("\"data\"", "\"time\":\"noon\",\"data\"")).contains("RFC 3339"));
        assert!(error(&"1\n".repeat(1_001)).starts_with("1001 events"));
    }

    #[test]
    fn makes_up_what_is_not_bundled_in_the_form_of_its_kind() {
        let all = bundled().unwrap();
        let zendesk = made_up("zen:event-type:ticket.locked", &all).unwrap();
        assert_eq!((zendesk.form, &zendesk.data["type"]), (EventForm::Zendesk, &json!("zen:event-type:ticket.locked")));
        assert_eq!(made_up("com.github.fork", &all).unwrap().form, EventForm::Github);
        assert_eq!(made_up("test.event", &all).unwrap().form, EventForm::CloudEvents);
    }
}
