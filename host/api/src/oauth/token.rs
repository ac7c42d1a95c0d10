//! `POST /oauth/token` (RFC 6749, 3.2).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, reply, request};

pub(super) async fn issue(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    let request = match request("token", &headers, body).await {
        Ok(request) => request,
        Err(error) => return reply::refusal(&error),
    };
    match server.token(&request).await {
        Ok(answer) => reply::json(&answer.to_json()),
        Err(error) => reply::refusal(&error),
    }
}
