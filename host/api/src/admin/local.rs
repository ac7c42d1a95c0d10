//! The API without a socket: for the command line and for pages, in the name of whoever sits before them.
//!
//! Invariant: what is answered here is what would be answered over the network to the same caller.

use std::{future::poll_fn, pin::Pin};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use hyper::body::Body as _;
use portcullis_model::people::Caller;
use serde_json::Value;
use tower::ServiceExt as _;

/// The most that an answer may have, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// The API, as one caller.
#[derive(Clone, Debug)]
pub struct Local {
    router: Router,
    caller: Caller,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct LocalAnswer {
    /// How it went.
    pub status: StatusCode,
    /// The version of what was answered, as it is given back with the next change.
    pub etag: Option<String>,
    /// What was answered; null where that was nothing, and a text where it was no JSON.
    pub body: Value,
}

impl Local {
    /// These routes, for this caller.
    pub(super) fn new(router: Router, caller: Caller) -> Self {
        Self { router, caller }
    }

    /// The same, for somebody else.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { router: self.router.clone(), caller }
    }

    /// Asks. `path` is below `/admin/v1` and has the query in it; `version` is the `ETag` of what is changed.
    pub async fn ask(&self, method: Method, path: &str, version: Option<&str>, body: Option<&Value>) -> LocalAnswer {
        let headers: Vec<(&str, &str)> = version.iter().map(|version| ("if-match", *version)).collect();
        self.ask_with(method, path, &headers, body).await
    }

    /// As [`Local::ask`], with these headers.
    pub async fn ask_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> LocalAnswer {
        let body = body.map(|body| ("application/json", Bytes::from(body.to_string())));
        answered(self.respond(method, path, headers, body).await).await
    }

    /// Sends these bytes, of this media type, with a `POST`.
    pub async fn send(&self, path: &str, media: &str, bytes: Vec<u8>) -> LocalAnswer {
        answered(self.respond(Method::POST, path, &[], Some((media, bytes.into()))).await).await
    }

    /// Reads what is made while it is sent, with these headers.
    ///
    /// # Errors
    /// What was answered instead.
    pub async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Result<LocalStream, LocalAnswer> {
        let response = self.respond(Method::GET, path, headers, None).await;
        let response = response.map_err(|status| LocalAnswer { status, etag: None, body: Value::Null })?;
        match response.status().is_success() {
            true => Ok(LocalStream(response.into_body())),
            false => Err(whole(response).await),
        }
    }

    async fn respond(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, Bytes)>,
    ) -> Result<Response, StatusCode> {
        let request = Request::builder().method(method).uri(format!("/admin/v1{path}"));
        let mut request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        if let Some((media, _)) = &body {
            request = request.header(header::CONTENT_TYPE, *media);
        }
        let body = body.map_or_else(Body::empty, |(_, bytes)| Body::from(bytes));
        let mut request = request.body(body).map_err(|_| StatusCode::BAD_REQUEST)?;
        request.extensions_mut().insert(self.caller.clone());
        match self.router.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

/// An answer that is made while it is read.
#[derive(Debug)]
pub struct LocalStream(Body);

impl LocalStream {
    /// The next part; none at its end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.0).poll_frame(cx)).await?.ok()?;
            if let Ok(part) = frame.into_data() {
                return Some(part);
            }
        }
    }
}

async fn answered(response: Result<Response, StatusCode>) -> LocalAnswer {
    match response {
        Ok(response) => whole(response).await,
        Err(status) => LocalAnswer { status, etag: None, body: Value::Null },
    }
}

/// All of an answer.
async fn whole(response: Response) -> LocalAnswer {
    let (head, body) = response.into_parts();
    let etag = head.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    match to_bytes(body, LARGEST).await {
        Ok(bytes) => {
            let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
            let body =
                serde_json::from_slice(&bytes).unwrap_or_else(|_| if bytes.is_empty() { Value::Null } else { text() });
            LocalAnswer { status: head.status, etag, body }
        }
        Err(_) => LocalAnswer { status: StatusCode::INSUFFICIENT_STORAGE, etag: None, body: Value::Null },
    }
}
