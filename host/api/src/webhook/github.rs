//! `POST /v1/hooks/github/{source}`: GitHub's webhooks.
//!
//! Signature: `sha256=` and the hexadecimal HMAC-SHA256 over the body, in `X-Hub-Signature-256`. GitHub signs no timestamp: a replay
//! is caught by its delivery id alone.

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use portcullis_broker::hmac::verify_github;
use portcullis_model::{
    event::{Event, EventForm},
    source::Source,
};
use serde_json::Value;

use super::{SourcePath, Webhooks, header, name_in, parse};
use crate::{
    problem::{Problem, Reason},
    sources::Secrets,
    trace::traceparent,
};

/// Receives one webhook.
pub async fn receive(
    State(webhooks): State<Arc<Webhooks>>,
    path: SourcePath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let now = webhooks.clock.now();
    let Some((source, secrets)) = webhooks.sources.find(&name_in(path), EventForm::Github, now) else {
        let advice = "Register it with 'portcullis source add --kind github'.";
        return webhooks.answer(None, Err(Problem::new(Reason::UnknownSource, advice))).await;
    };
    let checked = check(&webhooks, &source, &secrets, &headers, body).await;
    webhooks.answer(Some(&source), checked).await
}

async fn check(
    webhooks: &Webhooks,
    source: &Source,
    secrets: &Secrets,
    headers: &HeaderMap,
    body: Body,
) -> Result<Event, Problem> {
    let body = webhooks.read(body).await?;
    let signature = header(headers, "x-hub-signature-256")?;
    if !secrets.any(|secret| verify_github(secret, &body, signature)) {
        return Err(Problem::new(Reason::WrongSignature, "Sign the body with this source's secret."));
    }
    let fine = |text: &&str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let word = |name| {
        header(headers, name)
            .ok()
            .filter(fine)
            .ok_or_else(|| Problem::new(Reason::Malformed, format!("Send the header {name}, as GitHub does.")))
    };
    let (delivery, kind) = (word("x-github-delivery")?.to_owned(), word("x-github-event")?);
    let data = parse(&body)?;
    let action = data.get("action").and_then(Value::as_str).filter(fine);
    let plain = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control);
    let repository = data.pointer("/repository/full_name").and_then(Value::as_str).filter(plain);
    Ok(Event {
        tenant: source.tenant.clone(),
        origin: source.name.clone(),
        id: delivery,
        kind: action.map_or_else(|| format!("com.github.{kind}"), |action| format!("com.github.{kind}.{action}")),
        source: format!("/hooks/github/{}", source.name),
        subject: repository.map(|name| name.chars().take(256).collect()),
        time: webhooks.clock.now(),
        form: EventForm::Github,
        trace: traceparent(headers),
        data,
    })
}
