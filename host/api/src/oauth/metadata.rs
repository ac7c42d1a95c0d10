//! `GET /.well-known/oauth-authorization-server` (RFC 8414).

use axum::{extract::State, response::Response};

use super::{Server, reply};

pub(super) async fn show(State(server): Server) -> Response {
    reply::json(&server.metadata())
}
