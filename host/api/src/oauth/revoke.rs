//! `POST /oauth/revoke` (RFC 7009).

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, answer, reply};

pub(super) async fn revoke(State(server): Server, headers: HeaderMap, body: Body) -> Response {
    answer(&server, "revoke", &headers, body, async |caller, request| {
        server.revoke_for(caller, request).await.map(|()| reply::json(&serde_json::json!({})))
    })
    .await
}
