//! `/api/v2/...`: the help desk over HTTP, for back ends outside of the sandbox (INT-1, INT-2). A subset of Zendesk's API, so that
//! clients written for that work; under the same grants as the installation's component.
//!
//! A request is routed, its token checked, its parameters and body read within their limits, and only then is a session begun. What
//! is written is carried to its end even where the client hangs up.
//!
//! What is ABSENT: decisions, projection, budgets (behind the port), passwords and API tokens (INT-4), offsets.
//!
//! Invariants:
//! - the tenant comes from the token; nothing in a request names one;
//! - no body is read before its token held, and none past [`MAX_BODY`];
//! - errors have Zendesk's form; what they say of a value that was sent is escaped and cut; no token is in any.

mod acts;
mod auth;
mod change;
mod fault;
mod params;
mod route;
mod search;
mod show;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, Request, Uri, header, request::Parts},
    response::{IntoResponse, Response},
    routing::any,
};
use portcullis_model::{
    oauth::{AccessTokens, Bearer},
    platform::{Asked, Platform, Rate},
};
use serde_json::Value;

use self::{acts::Ask, fault::Fault, route::Route};
use crate::{
    peers::{Door, Face, Known},
    trace::traceparent,
};

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "platform", say: too_many };

fn too_many(_: &Uri, wait: Duration) -> Response {
    let said = "Too many requests of this address proved nothing; wait as long as Retry-After says.";
    Fault::limited(said.to_owned(), Some(wait)).into_response()
}

/// The largest body, in bytes: a comment's 64 KiB, however it is escaped, and some more.
const MAX_BODY: usize = 512 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the endpoints share.
pub struct PlatformApi {
    /// The help desk behind it.
    pub platform: Arc<dyn Platform>,
    /// Checks tokens.
    pub tokens: Arc<dyn AccessTokens>,
    /// Where clients reach this host, such as `https://host.example`, without a slash at its end. Tokens are for the audience
    /// below it, [`PlatformApi::audience`].
    pub public_url: String,
}

impl PlatformApi {
    /// The audience of the tokens that are taken here.
    pub fn audience(&self) -> String {
        format!("{}/api", self.public_url)
    }
}

/// The routes under `/api/v2`.
pub fn routes(api: Arc<PlatformApi>) -> Router {
    Router::new()
        .route("/api/v2/{*path}", any(handle))
        // Sizes are checked where the body is read.
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}

async fn handle(State(api): State<Arc<PlatformApi>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let asked = async {
        let route = Route::of(&head.method, head.uri.path())?;
        auth::bearer(&api, &head).await.map(|bearer| (route, bearer))
    };
    match asked.await {
        Ok((route, bearer)) => {
            let answered = answer(api, route, bearer, &head, body).await;
            Known::Proved.note(answered.map_or_else(IntoResponse::into_response, IntoResponse::into_response))
        }
        // Of the host's own troubles nobody is to blame.
        Err(fault) if fault.status() == 503 => fault.into_response(),
        Err(fault) => Known::Refused(fault.reason()).note(fault.into_response()),
    }
}

async fn answer(
    api: Arc<PlatformApi>,
    route: Route,
    bearer: Bearer,
    head: &Parts,
    body: Body,
) -> Result<Answer, Fault> {
    let body = if route.has_body() { read(body).await? } else { Bytes::new() };
    let ask = Ask::read(&route, head.uri.query().unwrap_or_default(), &head.headers, &body)?;
    let asked = Asked { label: route.label(), trace: traceparent(&head.headers) };
    let work = async move {
        let mut session = api.platform.open(&bearer, asked).await?;
        let done = acts::carry_out(&mut *session, ask, &route, &api.public_url).await;
        let rate = session.rate();
        match done {
            Ok(body) => Ok(Answer { body, rate }),
            Err(refusal) => Err(Fault::from(refusal).at(rate)),
        }
    };
    match route_writes(&head.method) {
        false => work.await,
        // A client that hangs up does not leave a change half recorded.
        true => tokio::spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a request to the platform API broke");
            Err(Fault::broken())
        }),
    }
}

fn route_writes(method: &axum::http::Method) -> bool {
    !method.is_safe()
}

async fn read(body: Body) -> Result<Bytes, Fault> {
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Fault::too_large(MAX_BODY)),
        Err(_) => Err(Fault::slow_body()),
    }
}

/// What went well: JSON, or nothing for what is gone.
struct Answer {
    body: Option<Value>,
    rate: Rate,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        use axum::http::StatusCode;
        let mut response = match self.body {
            Some(body) => (StatusCode::OK, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        };
        tell_rate(&mut response, self.rate);
        response
    }
}

const JSON: &str = "application/json; charset=utf-8";

/// The headers that clients hold back by. Nothing of an answer is for anybody else's cache.
fn tell_rate(response: &mut Response, rate: Rate) {
    let headers = response.headers_mut();
    headers.insert("x-rate-limit", HeaderValue::from(rate.allowed));
    headers.insert("x-rate-limit-remaining", HeaderValue::from(rate.left));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
