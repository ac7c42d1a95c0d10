//! `POST /oauth/token` (RFC 6749, 3.2).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, answer, reply};

pub(super) async fn issue(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    answer(&server, "token", &headers, body, async |caller, request| {
        server.token_for(caller, request).await.map(|answer| reply::json(&answer.to_json()))
    })
    .await
}
