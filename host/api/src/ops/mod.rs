//! What an operator, and whatever watches the host, asks: does it live, can it do its work, what does it count, how does it stand.
//!
//! ```text
//! /healthz                    the process lives and so do all of its tasks: 200 or 503
//! /readyz                     it can do its work: 200 or 503; what is wrong, for the operator
//! /metrics                    Prometheus, for the operator
//! /status  /status.json       availability, incidents and maintenance, for anybody
//! /.well-known/security.txt   whom to tell of a vulnerability (RFC 9116)
//! ```
//!
//! On the host's own listener the operator is who has the operator's token. A listener of their own (`[listen] operations`) answers whoever
//! reaches it, and has nothing else.
//!
//! Invariants: strangers learn whether the host is up and what is announced, and nothing of a tenant; a stranger's request never
//! looks anything up: what is asked again within a moment gets the answer from before; nothing can be changed here.

mod metrics;
mod page;
mod ready;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use portcullis_model::{secret::Secret, time::Clock};
use serde_json::json;

pub use self::{
    metrics::{Family, Kind, Sample, Value},
    page::{Announced, Component, Day, Status},
    ready::Check,
};
use crate::{
    admin::is_operator,
    peers::{Door, Face, Known},
    problem::{Problem, Reason, too_many},
};

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "operations", say: |_, wait| too_many(wait) };

/// What is asked of the host. Answers come soon: what takes longer is worked out beforehand.
#[async_trait]
pub trait Operations: Send + Sync {
    /// Whether all tasks of the host run.
    fn lives(&self) -> bool;
    /// What it takes to do its work, a line each.
    async fn checks(&self) -> Vec<Check>;
    /// What is counted.
    async fn metrics(&self) -> Vec<Family>;
    /// What anybody may know.
    async fn status(&self) -> Status;
    /// Whom to tell of a vulnerability; absent where nobody was named, or no longer.
    fn security_txt(&self) -> Option<String>;
}

/// What the endpoints share.
pub struct Ops {
    /// The host.
    pub host: Arc<dyn Operations>,
    /// Who has this is the operator.
    pub token: Secret,
    /// Time, for how long an answer is good.
    pub clock: Arc<dyn Clock>,
    asked: ready::Asked,
}

impl Ops {
    /// For this host.
    pub fn new(host: Arc<dyn Operations>, token: Secret, clock: Arc<dyn Clock>) -> Self {
        Self { host, token, clock, asked: ready::Asked::default() }
    }
}

/// Whom a listener answers without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Anybody,
    Operators,
}

/// The routes on the host's own listener that anybody may ask as often as they like: what watches the host must not be told that it asks
/// too often because somebody else behind the same address does.
pub fn routes(ops: Arc<Ops>) -> Router {
    open(Router::new(), ops, Reach::Anybody)
}

/// Those that are for the operator alone.
pub fn guarded_routes(ops: Arc<Ops>) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(ops).layer(Extension(Reach::Anybody))
}

/// The routes on a listener that operators alone reach.
pub fn routes_for_operators(ops: Arc<Ops>) -> Router {
    open(Router::new().route("/metrics", get(scrape)), ops, Reach::Operators)
}

fn open(router: Router<Arc<Ops>>, ops: Arc<Ops>, reach: Reach) -> Router {
    router
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status_page))
        .route("/status.json", get(status_json))
        .route("/.well-known/security.txt", get(security_txt))
        .with_state(ops)
        .layer(Extension(reach))
}

/// Whether details are for this request.
fn is_told(ops: &Ops, reach: Reach, headers: &HeaderMap) -> Result<(), Problem> {
    if reach == Reach::Operators { Ok(()) } else { is_operator(&ops.token, headers) }
}

async fn healthz(State(ops): State<Arc<Ops>>) -> Response {
    // Asked every few seconds by whoever keeps the process alive, with nothing to prove.
    Known::Proved.note(match ops.host.lives() {
        true => (StatusCode::OK, "ok\n").into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "a part of the host has ended\n").into_response(),
    })
}

async fn readyz(State(ops): State<Arc<Ops>>, Extension(reach): Extension<Reach>, headers: HeaderMap) -> Response {
    let checks = ops.asked.checks(ops.host.as_ref(), ops.clock.now()).await;
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = match is_told(&ops, reach, &headers) {
        Ok(()) => json!({ "ready": ready, "checks": *checks }),
        Err(_) => json!({ "ready": ready }),
    };
    unkept(Known::Proved.note((status, Json(body)).into_response()))
}

async fn scrape(State(ops): State<Arc<Ops>>, Extension(reach): Extension<Reach>, headers: HeaderMap) -> Response {
    if let Err(problem) = is_told(&ops, reach, &headers) {
        return Known::Refused(problem.reason.name()).note(problem.into_response());
    }
    let response = match metrics::text(&ops.host.metrics().await) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            Problem::new(Reason::Unavailable, "Ask again later.").into_response()
        }
    };
    unkept(Known::Proved.note(response))
}

async fn status_page(State(ops): State<Arc<Ops>>) -> Response {
    let page = page::html(&*ops.asked.status(ops.host.as_ref(), ops.clock.now()).await);
    let mut response = Known::Proved.note(Html(page).into_response());
    let policy = HeaderValue::from_static(page::POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    unkept(response)
}

async fn status_json(State(ops): State<Arc<Ops>>) -> Response {
    let status = ops.asked.status(ops.host.as_ref(), ops.clock.now()).await;
    unkept(Known::Proved.note(Json(&*status).into_response()))
}

async fn security_txt(State(ops): State<Arc<Ops>>) -> Response {
    match ops.host.security_txt() {
        // Section 3 of RFC 9116: text/plain with charset utf-8.
        Some(text) => Known::Proved.note(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()),
        None => Problem::new(Reason::NoEndpoint, "Nobody was named to tell of vulnerabilities.").into_response(),
    }
}

/// It is of this moment.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests;
