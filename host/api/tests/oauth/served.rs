//! A server on a port of this machine, beside a resource that asks it about tokens.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use portcullis_model::{
    oauth::{AccessTokens as _, Presented, Rejected},
    secret::Secret,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::world::World;

/// What is served, until the test's runtime ends.
pub struct Served {
    pub world: Arc<World>,
    pub address: String,
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

fn presented(issuer: &str, request: &Request<Body>) -> (String, Presented) {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let sent = text("authorization").unwrap_or_default();
    let (scheme, token) = sent.split_once(' ').unwrap_or_default();
    let presented = Presented {
        dpop: scheme.eq_ignore_ascii_case("dpop"),
        token: Secret::new(token.as_bytes().to_vec()),
        proof: text("dpop"),
        method: request.method().to_string(),
        url: format!("{issuer}{}", request.uri().path()),
        audience: format!("{issuer}/api"),
    };
    (scheme.to_owned(), presented)
}

/// Says whose a token is.
async fn whoami(State(world): State<Arc<World>>, request: Request<Body>) -> Response {
    let (scheme, presented) = presented(&world.server.settings().issuer, &request);
    drop(request);
    match world.server.check(&presented).await {
        Ok(bearer) => {
            Json(json!({ "client": bearer.client, "scopes": bearer.scopes, "actors": bearer.actors })).into_response()
        }
        Err(Rejected::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(rejected) => {
            let error = if matches!(rejected, Rejected::Proof(_)) { "invalid_dpop_proof" } else { "invalid_token" };
            let challenge = format!("{scheme} error=\"{error}\"");
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], rejected.to_string()).into_response()
        }
    }
}

impl Served {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let world = Arc::new(World::going(&format!("http://{address}")).await);
        let api = Router::new().route("/api/whoami", axum::routing::get(whoami)).with_state(world.clone());
        let app = portcullis_api::oauth_routes(world.server.clone()).merge(api);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { world, address }
    }

    /// Sends a request as it is.
    pub async fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head =
            format!("{head}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", self.address, body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough closes its side early.
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub async fn get(&self, path: &str, more: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1{more}"), "").await
    }

    pub async fn post(&self, path: &str, more: &str, form: &str) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded{more}");
        self.send(&head, form).await
    }
}
