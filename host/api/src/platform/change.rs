//! The body of `PUT /tickets/{id}`. What can be changed is status, priority, tags and the conversation; anything else is refused by
//! name, so that nobody takes for done what was not.

use axum::http::HeaderMap;
use portcullis_model::{helpdesk::UpdateTicket, platform::NewComment};
use serde_json::{Map, Value};

use super::fault::Fault;

/// What clients send along without meaning a change: Zendesk does not take it either.
const READ_ONLY: [&str; 7] = ["id", "url", "created_at", "updated_at", "description", "via", "safe_update"];

/// A change of a ticket, as it was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub update: Option<UpdateTicket>,
    pub comment: Option<NewComment>,
}

fn invalid<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::invalid(what))
}

impl Change {
    /// Reads body and headers.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Fault> {
        let body: Value = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(e) => return invalid(format!("the body: expected JSON; line {} column {}", e.line(), e.column())),
        };
        let Some(ticket) = body.get("ticket").and_then(Value::as_object) else {
            return invalid("the body: expected {\"ticket\": {...}}");
        };
        let comment = ticket.get("comment").filter(|comment| !comment.is_null()).map(|one| comment(one, headers));
        let change = Self { update: update(ticket)?, comment: comment.transpose()? };
        match change.update.is_none() && change.comment.is_none() {
            true => {
                invalid("the body: name at least one of status, priority, tags, additional_tags, remove_tags, comment")
            }
            false => Ok(change),
        }
    }
}

fn update(ticket: &Map<String, Value>) -> Result<Option<UpdateTicket>, Fault> {
    let mut update = UpdateTicket::default();
    let mut any = false;
    for (name, value) in ticket {
        match name.as_str() {
            "comment" => continue,
            known if READ_ONLY.contains(&known) => continue,
            "status" => update.status = Some(name_in("status", value)?),
            "priority" => update.priority = Some(name_in("priority", value)?),
            "tags" => update.set_tags = Some(tags("tags", value)?),
            "additional_tags" => update.add_tags = tags("additional_tags", value)?,
            "remove_tags" => update.remove_tags = tags("remove_tags", value)?,
            _ => {
                return invalid(
                    "ticket: what can be changed is status, priority, tags, additional_tags, remove_tags and comment; \
                     nothing was",
                );
            }
        }
        any = true;
    }
    Ok(any.then_some(update))
}

fn name_in<T: std::str::FromStr<Err = String>>(name: &str, value: &Value) -> Result<T, Fault> {
    match value.as_str().map(str::parse) {
        Some(Ok(known)) => Ok(known),
        Some(Err(problem)) => invalid(format!("{name}: {problem}")),
        None => invalid(format!("{name}: expected a text")),
    }
}

/// A list, or one text with blanks or commas between.
fn tags(name: &str, value: &Value) -> Result<Vec<String>, Fault> {
    let text = |one: &Value| one.as_str().map(str::to_owned);
    let all = match value {
        Value::Array(all) => all.iter().map(text).collect(),
        Value::String(all) => Some(all.split([' ', ',']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()),
        _ => None,
    };
    all.map_or_else(|| invalid(format!("{name}: expected a list of texts")), Ok)
}

fn comment(value: &Value, headers: &HeaderMap) -> Result<NewComment, Fault> {
    let Some(body) = value.get("body").and_then(Value::as_str) else {
        return invalid("comment.body: expected a plain text; HTML and attachments cannot be sent");
    };
    for other in ["html_body", "uploads", "author_id"] {
        if value.get(other).is_some_and(|value| !value.is_null()) {
            return invalid(format!(
                "comment.{other}: cannot be sent; the author is the installation, the text is plain"
            ));
        }
    }
    let public = match value.get("public") {
        // Zendesk's default. It takes a grant of its own.
        None | Some(Value::Null) => true,
        Some(Value::Bool(public)) => *public,
        Some(_) => return invalid("comment.public: expected true or false"),
    };
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = match (keys.next(), keys.next()) {
        (None, _) => None,
        (Some(key), None) => match key.to_str() {
            Ok(key) if (1..=128).contains(&key.len()) => Some(key.to_owned()),
            _ => return invalid("Idempotency-Key: expected 1 to 128 characters"),
        },
        _ => return invalid("Idempotency-Key: send one"),
    };
    Ok(NewComment { body: body.to_owned(), public, key })
}

#[cfg(test)]
mod tests {
    use portcullis_model::helpdesk::{Priority, Status};

    use super::*;

    fn read(body: &str) -> Result<Change, u16> {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", "k1".parse().unwrap());
        Change::read(&headers, body.as_bytes()).map_err(|fault| fault.status())
    }

    #[test]
    fn reads_what_can_be_changed() {
        let change = read(
            r#"{"ticket":{"id":7,"status":"solved","priority":"low","tags":["a"],"comment":{"body":"hi","public":false}}}"#,
        )
        .unwrap();
        let update = change.update.unwrap();
        assert_eq!((update.status, update.priority), (Some(Status::Solved), Some(Priority::Low)));
        assert_eq!(update.set_tags, Some(vec!["a".to_owned()]));
        let note = NewComment { body: "hi".into(), public: false, key: Some("k1".into()) };
        assert_eq!(change.comment, Some(note));
        assert!(read(r#"{"ticket":{"comment":{"body":"hi"}}}"#).unwrap().comment.unwrap().public);
        let tags = read(r#"{"ticket":{"additional_tags":"a b,c"}}"#).unwrap().update.unwrap();
        assert_eq!(tags.add_tags, ["a", "b", "c"]);
    }

    #[test]
    fn refuses_what_would_not_be_done() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"ticket":{}}"#,
            r#"{"ticket":{"id":7}}"#,
            r#"{"ticket":{"subject":"x"}}"#,
            r#"{"ticket":{"status":"opne"}}"#,
            r#"{"ticket":{"status":5}}"#,
            r#"{"ticket":{"tags":[1]}}"#,
            r#"{"ticket":{"comment":{}}}"#,
            r#"{"ticket":{"comment":{"html_body":"<b>"}}}"#,
            r#"{"ticket":{"comment":{"body":"x","author_id":5}}}"#,
            r#"{"ticket":{"comment":{"body":"x","public":"no"}}}"#,
            r#"{"ticket":{"status":"open","assignee_id":5}}"#,
        ] {
            assert_eq!(read(bad).map(drop), Err(422), "{bad}");
        }
    }
}
