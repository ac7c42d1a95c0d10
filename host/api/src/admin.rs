//! `GET /admin/v1/acts/{id}`: what became of a plugin's act, which layer allowed or denied it, and who could change that.
//! `GET /admin/v1/components/{digest}/inspection`: what a component in the registry is and can do, as `plugin inspect` says it.
//!
//! Invariants: nothing is answered without the operator's token, compared in constant time; nothing can be changed here.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use portcullis_broker::hmac::same;
use portcullis_model::{
    explain::Explain,
    id::{ActId, Digest},
    inspect::Inspects,
    secret::Secret,
};

use crate::{
    peers::{Door, Face, Known},
    problem::{Problem, Reason, too_many},
};

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "admin", say: |_, wait| too_many(wait) };

/// What the operator's endpoints share.
pub struct Admin {
    /// Explains acts.
    pub explain: Arc<dyn Explain>,
    /// Inspects components.
    pub inspects: Arc<dyn Inspects>,
    /// Who has this is the operator.
    pub token: Secret,
}

/// The routes under `/admin/v1`.
pub fn routes(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/admin/v1/acts/{id}", get(explain))
        .route("/admin/v1/components/{digest}/inspection", get(inspect))
        .with_state(admin)
}

async fn explain(
    State(admin): State<Arc<Admin>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    answer(explained(&admin, path, &headers).await)
}

/// An answer that says whether the request proved whose it is: whoever was not refused for lack of the token has it.
pub(crate) fn answer(outcome: Result<Response, Problem>) -> Response {
    match outcome {
        Ok(response) => Known::Proved.note(response),
        Err(problem) if problem.reason == Reason::NotOperator => {
            Known::Refused(problem.reason.name()).note(problem.into_response())
        }
        Err(problem) => Known::Proved.note(problem.into_response()),
    }
}

/// Whether a request has the operator's token.
pub(crate) fn is_operator(token: &Secret, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match given.is_some_and(|given| same(given, token.expose())) {
        true => Ok(()),
        false => {
            let advice = "Send 'Authorization: Bearer ...' with the token in keys/operator.token of the host's home.";
            Err(Problem::new(Reason::NotOperator, advice))
        }
    }
}

async fn inspect(
    State(admin): State<Arc<Admin>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    answer(inspected(&admin, path, &headers).await)
}

async fn inspected(
    admin: &Admin,
    path: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    is_operator(&admin.token, headers)?;
    let unknown = || {
        Problem::new(Reason::Unknown, "Expected the digest of a component in the registry: 'sha256:' and 64 digits.")
    };
    let digest: Digest = path.map_err(|_| unknown())?.0.parse().map_err(|_| unknown())?;
    match admin.inspects.inspected(&digest).await {
        Ok(Some(found)) => Ok(Json(found).into_response()),
        Ok(None) => Err(unknown()),
        Err(error) => {
            tracing::error!(%error, "a component cannot be inspected");
            Err(Problem::new(Reason::Unavailable, "Ask again later."))
        }
    }
}

async fn explained(
    admin: &Admin,
    path: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    is_operator(&admin.token, headers)?;
    let unknown =
        || Problem::new(Reason::Unknown, "Expected the id of an act or a denial, as it stands in the audit log.");
    let id: ActId = path.map_err(|_| unknown())?.0.parse().map_err(|_| unknown())?;
    match admin.explain.explain(&id).await {
        Ok(Some(explained)) => Ok(Json(explained).into_response()),
        Ok(None) => Err(unknown()),
        Err(error) => {
            tracing::error!(%error, "an act cannot be explained");
            Err(Problem::new(Reason::Unavailable, "Ask again later."))
        }
    }
}
