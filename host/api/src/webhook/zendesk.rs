//! `POST /v1/hooks/zendesk/{source}`: Zendesk's webhooks, in its event-subscription form.
//!
//! Signature: base64 of HMAC-SHA256 over timestamp and body, in `X-Zendesk-Webhook-Signature`, with the timestamp in
//! `X-Zendesk-Webhook-Signature-Timestamp`.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use portcullis_broker::hmac::verify_zendesk;
use portcullis_model::{
    event::{Event, EventForm},
    source::Source,
    time::Timestamp,
};

use super::{SourcePath, Webhooks, header, kind, name_in, parse, text};
use crate::{
    problem::{Problem, Reason},
    sources::Secrets,
    trace::traceparent,
};

/// How far a timestamp may be off, either way.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Receives one webhook.
pub async fn receive(
    State(webhooks): State<Arc<Webhooks>>,
    path: SourcePath,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let now = webhooks.clock.now();
    let Some((source, secrets)) = webhooks.sources.find(&name_in(path), EventForm::Zendesk, now) else {
        let advice = "Register it with 'portcullis source add --kind zendesk'.";
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
    let signature = header(headers, "x-zendesk-webhook-signature")?;
    let sent = header(headers, "x-zendesk-webhook-signature-timestamp")?;
    if !secrets.any(|secret| verify_zendesk(secret, sent, &body, signature)) {
        return Err(Problem::new(Reason::WrongSignature, "Sign timestamp and body with this source's secret."));
    }
    match Timestamp::parse(sent) {
        Some(at) if at.distance(webhooks.clock.now()) <= TOLERANCE => {}
        _ => return Err(Problem::new(Reason::Stale, "The timestamp must be within 5 minutes of the present.")),
    }
    let data = parse(&body)?;
    let time = Timestamp::parse(text(&data, "time", 64)?)
        .ok_or_else(|| Problem::new(Reason::Malformed, "'time' must be an RFC 3339 time."))?;
    Ok(Event {
        tenant: source.tenant.clone(),
        origin: source.name.clone(),
        id: text(&data, "id", 128)?.to_owned(),
        kind: kind(&data)?.to_owned(),
        source: format!("/hooks/zendesk/{}", source.name),
        subject: Some(text(&data, "subject", 256)?.to_owned()),
        time,
        form: EventForm::Zendesk,
        trace: traceparent(headers),
        data,
    })
}
