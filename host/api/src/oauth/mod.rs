//! The authorization server's endpoints: one operation a file.
//!
//! Invariants: no answer of theirs is cached; a form is read up to its cap and within its time; no address, log line or error has
//! a token in it.

mod authorize;
mod introspect;
mod metadata;
mod page;
mod reply;
mod revoke;
mod token;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Uri, header},
    response::Response,
    routing::{get, post},
};
use portcullis_broker::authz::{AuthorizationServer, Caller, Code, MAX_FORM, OAuthError, Params, Request};

use crate::{
    peers::{Door, Face, Known},
    trace::traceparent,
};

/// How long a form may take to arrive.
const FORM_TIME: Duration = Duration::from_secs(10);

type Server = axum::extract::State<Arc<AuthorizationServer>>;

/// The routes under `/oauth`, and the metadata.
pub fn routes(server: Arc<AuthorizationServer>) -> Router {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/oauth/authorize", get(authorize::begin))
        .route("/oauth/authorize/wait", get(authorize::wait))
        .route("/oauth/token", post(token::issue))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/oauth/introspect", post(introspect::introspect))
        .with_state(server)
}

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name, say: too_many };

fn name(uri: &Uri) -> &'static str {
    match uri.path() {
        "/oauth/token" => "token",
        "/oauth/revoke" => "revoke",
        "/oauth/introspect" => "introspect",
        "/.well-known/oauth-authorization-server" => "metadata",
        _ => "authorize",
    }
}

fn too_many(uri: &Uri, wait: Duration) -> Response {
    let error = OAuthError::too_many(wait);
    match uri.path().starts_with("/oauth/authorize") {
        true => page::refused(&error),
        false => reply::refusal(&error),
    }
}

/// Answers a client's request to an endpoint by `work`, once it is known who asks; and says whether that was proved.
async fn answer(
    server: &AuthorizationServer,
    endpoint: &'static str,
    headers: &HeaderMap,
    body: Body,
    work: impl AsyncFnOnce(&Caller, &Request) -> Result<Response, OAuthError>,
) -> Response {
    match request(endpoint, headers, body).await {
        Ok(request) => answer_to(server, request, work).await,
        Err(error) => refused(&error),
    }
}

/// The same, of a request that was read.
async fn answer_to(
    server: &AuthorizationServer,
    request: Request,
    work: impl AsyncFnOnce(&Caller, &Request) -> Result<Response, OAuthError>,
) -> Response {
    let caller = match server.identify(&request).await {
        Ok(caller) => caller,
        Err(error) => return refused(&error),
    };
    match work(&caller, &request).await {
        Ok(response) if caller.is_known() => Known::Proved.note(response),
        Ok(response) => response,
        Err(error) if caller.is_known() => Known::Proved.note(reply::refusal(&error)),
        Err(error) => refused(&error),
    }
}

/// The refusal of somebody who is not known.
fn refused(error: &OAuthError) -> Response {
    match error.code {
        // Of the host's own troubles nobody is to blame, and who asks too often is told so already.
        Code::TemporarilyUnavailable => reply::refusal(error),
        _ => Known::Refused(error.reason()).note(reply::refusal(error)),
    }
}

/// Reads a client's request to an endpoint.
async fn request(endpoint: &'static str, headers: &HeaderMap, body: Body) -> Result<Request, OAuthError> {
    let wrong = |why: &str| Err(OAuthError::new(Code::InvalidRequest, why));
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return wrong("send a form: Content-Type application/x-www-form-urlencoded");
    }
    let form = match tokio::time::timeout(FORM_TIME, axum::body::to_bytes(body, MAX_FORM)).await {
        Ok(Ok(form)) => form,
        Ok(Err(_)) => return wrong("the form is too large, or did not arrive"),
        Err(_) => return wrong("the form did not arrive within 10 seconds"),
    };
    let params = Params::parse(&form)?;
    let proofs = headers.get_all("dpop").iter().map(|proof| proof.to_str().unwrap_or_default().to_owned()).collect();
    let authorization = headers.contains_key(header::AUTHORIZATION);
    Ok(Request { params, proofs, authorization, endpoint, trace: traceparent(headers) })
}
