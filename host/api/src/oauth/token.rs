//! `POST /oauth/token` (RFC 6749, 3.2): for plugins' back ends, and for tenants' own programs.

use axum::{Extension, body::Body, extract::State, http::HeaderMap, response::Response};

use super::{Server, answer_to, refused, reply, request};
use crate::peers::{Client, Known};

pub(super) async fn issue(
    State(server): Server,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request = match request("token", &headers, body).await {
        Ok(request) => request,
        Err(error) => return refused(&error),
    };
    if server.is_by_automation(&request) {
        let from = client.map(|Extension(client)| client.0);
        return match server.automation_token(&request, from).await {
            Ok(answer) => Known::Proved.note(reply::json(&answer)),
            Err(error) => refused(&error),
        };
    }
    answer_to(&server, request, async |caller, request| {
        server.token_for(caller, request).await.map(|answer| reply::json(&answer.to_json()))
    })
    .await
}
