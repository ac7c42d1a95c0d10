//! `POST /oauth/revoke` (RFC 7009).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, reply, request};

pub(super) async fn revoke(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    let request = match request("revoke", &headers, body).await {
        Ok(request) => request,
        Err(error) => return reply::refusal(&error),
    };
    match server.revoke(&request).await {
        Ok(()) => reply::json(&serde_json::json!({})),
        Err(error) => reply::refusal(&error),
    }
}
