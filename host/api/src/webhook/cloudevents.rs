//! `POST /v1/events`: CloudEvents 1.0 in the JSON format, structured mode, with the source's secret as bearer token.

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use portcullis_model::{
    event::{Event, EventForm},
    source::Source,
    time::Timestamp,
};
use serde_json::Value;

use super::{Webhooks, header, kind, parse, text};
use crate::{
    problem::{Problem, Reason},
    trace::traceparent,
};

/// Receives one event.
pub async fn receive(State(webhooks): State<Arc<Webhooks>>, headers: HeaderMap, body: Body) -> Response {
    let token = match header(&headers, "authorization").map(|value| value.strip_prefix("Bearer ")) {
        Ok(Some(token)) => token,
        _ => {
            let problem = Problem::new(Reason::Unsigned, "Send 'Authorization: Bearer' with the source's token.");
            return webhooks.answer(None, Err(problem)).await;
        }
    };
    let Some(source) = webhooks.sources.by_token(token.as_bytes(), webhooks.clock.now()) else {
        let advice = "The token belongs to no source; see 'portcullis source add --kind cloudevents'.";
        return webhooks.answer(None, Err(Problem::new(Reason::WrongSignature, advice))).await;
    };
    let checked = check(&webhooks, &source, &headers, body).await;
    webhooks.answer(Some(&source), checked).await
}

async fn check(webhooks: &Webhooks, source: &Source, headers: &HeaderMap, body: Body) -> Result<Event, Problem> {
    let content = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/cloudevents+json") {
        return Err(Problem::new(Reason::WrongType, "Send 'Content-Type: application/cloudevents+json'."));
    }
    let body = webhooks.read(body).await?;
    let envelope = parse(&body)?;
    if envelope.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err(Problem::new(Reason::Malformed, "'specversion' must be '1.0'."));
    }
    if envelope.get("data_base64").is_some() {
        return Err(Problem::new(Reason::Malformed, "'data_base64' is not supported: send JSON in 'data'."));
    }
    let time = match envelope.get("time") {
        None => webhooks.clock.now(),
        Some(_) => Timestamp::parse(text(&envelope, "time", 64)?)
            .ok_or_else(|| Problem::new(Reason::Malformed, "'time' must be an RFC 3339 time."))?,
    };
    let subject = match envelope.get("subject") {
        None => None,
        Some(_) => Some(text(&envelope, "subject", 256)?.to_owned()),
    };
    Ok(Event {
        tenant: source.tenant.clone(),
        origin: source.name.clone(),
        id: text(&envelope, "id", 128)?.to_owned(),
        kind: kind(&envelope)?.to_owned(),
        source: text(&envelope, "source", 256)?.to_owned(),
        subject,
        time,
        form: EventForm::CloudEvents,
        trace: traceparent(headers),
        data: envelope.get("data").cloned().unwrap_or(Value::Null),
    })
}
