//! `GET /admin/v1/acts/{id}`: what became of a plugin's act, which layer allowed or denied it, and who could change that.
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
use portcullis_model::{explain::Explain, id::ActId, secret::Secret};

use crate::problem::{Problem, Reason};

/// What the operator's endpoints share.
pub struct Admin {
    /// Explains acts.
    pub explain: Arc<dyn Explain>,
    /// Who has this is the operator.
    pub token: Secret,
}

/// The routes under `/admin/v1`.
pub fn routes(admin: Arc<Admin>) -> Router {
    Router::new().route("/admin/v1/acts/{id}", get(explain)).with_state(admin)
}

async fn explain(
    State(admin): State<Arc<Admin>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    match explained(&admin, path, &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn explained(
    admin: &Admin,
    path: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if !given.is_some_and(|given| same(given, admin.token.expose())) {
        let advice = "Send 'Authorization: Bearer ...' with the token in keys/operator.token of the host's home.";
        return Err(Problem::new(Reason::NotOperator, advice));
    }
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
