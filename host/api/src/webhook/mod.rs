//! Events in, by webhook: size, then signature, then timestamp, then JSON, and 202 once the event is durable.

mod cloudevents;
mod github;
mod zendesk;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use portcullis_delivery::Ingest;
use portcullis_model::{event::Event, queue::Ingested, source::Source, time::Clock};
use serde_json::{Value, json};

use crate::{
    peers::{Door, Face, Known},
    problem::{Problem, Reason, too_many},
    refusals::{Refusals, Whose},
    sources::SourceBook,
};

/// What the webhook handlers share.
pub struct Webhooks {
    /// Where events go.
    pub ingest: Ingest,
    /// Who may send.
    pub sources: SourceBook,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The largest body, in bytes.
    pub max_body: usize,
}

/// The routes under `/v1`.
pub fn routes(webhooks: Arc<Webhooks>) -> Router {
    Router::new()
        .route("/v1/hooks/zendesk/{source}", post(zendesk::receive))
        .route("/v1/hooks/github/{source}", post(github::receive))
        .route("/v1/events", post(cloudevents::receive))
        .fallback(no_endpoint)
        .method_not_allowed_fallback(wrong_method)
        // Sizes are checked in `read`, which counts what it refuses.
        .layer(DefaultBodyLimit::disable())
        .with_state(webhooks)
}

impl Webhooks {
    /// Answers for an event that was checked, or counts why it was not accepted.
    async fn answer(&self, source: Option<&Source>, checked: Result<Event, Problem>) -> Response {
        let accepted = match checked {
            Ok(event) => self.ingest.accept(event).await.map_err(|error| {
                tracing::error!(%error, "an event could not be stored");
                Problem::new(Reason::Unavailable, "Nothing was stored; send it again later.")
            }),
            Err(problem) => Err(problem),
        };
        match accepted {
            Ok(ingested) => {
                let status = if ingested == Ingested::Duplicate { "duplicate" } else { "accepted" };
                let body = json!({ "status": status }).to_string();
                Known::Proved.note((StatusCode::ACCEPTED, [("content-type", "application/json")], body).into_response())
            }
            Err(problem) => {
                let reason = problem.reason;
                self.refusals.count(&Whose::Source(source.cloned()), reason.name());
                let response = problem.into_response();
                // Of the host's own troubles nobody is to blame.
                if reason == Reason::Unavailable { response } else { Known::Refused(reason.name()).note(response) }
            }
        }
    }

    async fn read(&self, body: Body) -> Result<Bytes, Problem> {
        let read = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, self.max_body)).await;
        let advice = format!("Send at most {} bytes, and all of them.", self.max_body);
        match read {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) => Err(Problem::new(Reason::TooLarge, advice)),
            Err(_) => Err(Problem::new(Reason::Slow, "Send the whole body within 10 seconds.")),
        }
    }
}

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Events, name: |_| "events", say: |_, wait| too_many(wait) };

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

async fn no_endpoint(State(webhooks): State<Arc<Webhooks>>) -> Response {
    let advice = "See /v1/hooks/zendesk/<source>, /v1/hooks/github/<source> and /v1/events.";
    webhooks.answer(None, Err(Problem::new(Reason::NoEndpoint, advice))).await
}

async fn wrong_method(State(webhooks): State<Arc<Webhooks>>) -> Response {
    webhooks.answer(None, Err(Problem::new(Reason::WrongMethod, "Events are sent with POST."))).await
}

/// The source's name in the path; empty, and so unknown, where the path is no text.
type SourcePath = Result<Path<String>, PathRejection>;

fn name_in(path: SourcePath) -> String {
    path.map_or_else(|_| String::new(), |Path(name)| name)
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Problem> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| Problem::new(Reason::Unsigned, format!("Send the header {name}.")))
}

/// An event's type: a text that a scope can name as it is.
fn kind(body: &Value) -> Result<&str, Problem> {
    let kind = text(body, "type", 128)?;
    match kind.contains(|c: char| c.is_whitespace() || ",=*".contains(c)) {
        true => Err(Problem::new(Reason::Malformed, "'type' must be without white space and ',', '=', '*'.")),
        false => Ok(kind),
    }
}

/// How deep a body may be nested.
const DEPTH: usize = 64;

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(all) => levels == 0 || all.iter().any(|one| deeper_than(one, levels - 1)),
        Value::Object(all) => levels == 0 || all.values().any(|one| deeper_than(one, levels - 1)),
        _ => false,
    }
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    let parsed: Result<Value, _> = serde_json::from_slice(body);
    match parsed {
        // Stored, it lies deeper: what just parses here would never be read again.
        Ok(value) if value.is_object() && deeper_than(&value, DEPTH) => {
            Err(Problem::new(Reason::Malformed, format!("Nest at most {DEPTH} levels.")))
        }
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Problem::new(Reason::Malformed, "Expected one JSON object.")),
        Err(e) => {
            let advice = format!("Expected one JSON object; line {} column {}.", e.line(), e.column());
            Err(Problem::new(Reason::NotJson, advice))
        }
    }
}

fn text<'a>(body: &'a Value, name: &str, longest: usize) -> Result<&'a str, Problem> {
    let fine = |text: &&str| !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control);
    body.get(name).and_then(Value::as_str).filter(fine).ok_or_else(|| {
        Problem::new(
            Reason::Malformed,
            format!("'{name}' must be a text of 1 to {longest} bytes without control characters."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parses_can_be_stored_and_read_again() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(parse(nested(DEPTH).as_bytes()).is_ok());
        for levels in [DEPTH + 1, 120, 127] {
            assert_eq!(parse(nested(levels).as_bytes()).unwrap_err().reason, Reason::Malformed, "{levels}");
        }
    }
}
