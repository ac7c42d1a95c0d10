//! `POST /oauth/introspect` (RFC 7662).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, reply, request};

pub(super) async fn introspect(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    let request = match request("introspect", &headers, body).await {
        Ok(request) => request,
        Err(error) => return reply::refusal(&error),
    };
    match server.introspect(&request).await {
        Ok(answer) => reply::json(&answer),
        Err(error) => reply::refusal(&error),
    }
}
