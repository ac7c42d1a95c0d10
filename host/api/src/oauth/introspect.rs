//! `POST /oauth/introspect` (RFC 7662).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, answer, reply};

pub(super) async fn introspect(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    answer(&server, "introspect", &headers, body, async |caller, request| {
        server.introspect_for(caller, request).await.map(|answer| reply::json(&answer))
    })
    .await
}
