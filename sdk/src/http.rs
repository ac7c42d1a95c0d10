//! The capability `http`: requests to the outside.
//!
//! A plugin holds no credential. The host adds the one that an admin connected for the destination after the
//! request has left the sandbox, and drops any `authorization`, `cookie` or `proxy-*` header that the plugin set.
//! It follows no redirect.
//!
//! ```
//! use portcullis_sdk::{http, testing::Host, Error};
//!
//! let host = Host::new()
//!     .grant("http:send to=https://chat.example.test/services/* methods=POST")
//!     .with_answer("https://chat.example.test/services/support", 200, "ok");
//! host.run(|| {
//!     http::Request::post("https://chat.example.test/services/support")
//!         .header("idempotency-key", "event-7")
//!         .json(&serde_json::json!({ "text": "Hello" }))
//!         .send()?
//!         .success()
//! })?;
//! assert_eq!(host.requests()[0].body, br#"{"text":"Hello"}"#);
//! # Ok::<(), Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::http as host;

#[cfg(not(target_family = "wasm"))]
pub use fake::SentRequest;

use serde::{Deserialize, Serialize};

use crate::Error;

mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world http { import portcullis:plugin/http@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        generate_all,
    });
}

use wit::portcullis::plugin::http as raw;

/// A request being built.
#[derive(Clone, Debug)]
pub struct Request {
    raw: raw::Request,
    /// What went wrong while building; `send` reports it, so that building needs no `?`.
    wrong: Option<Error>,
}

impl Request {
    /// A request to an absolute `https` URL with a host name, at most 8 KiB long. Methods are `GET`, `POST`,
    /// `PUT`, `PATCH`, `DELETE` and `HEAD`.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let raw = raw::Request { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() };
        Self { raw, wrong: None }
    }

    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A `PUT`.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// A `DELETE`.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header; its name is sent in lower case. At most 64 headers, 16 KiB together.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.raw.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sets the body, at most 1 MiB.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.raw.body = body.into();
        self
    }

    /// Sets the body to JSON, and `content-type` with it.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body(body).header("content-type", "application/json"),
            Err(error) => {
                self.wrong = Some(error.into());
                self
            }
        }
    }

    /// Sends the request and waits for the answer. A 4xx or 5xx is an answer too: see [`Response::success`].
    ///
    /// Scope: `http:send to=... methods=...` that covers the URL and the method.
    /// Errors: `denied`, `invalid`, `limited` (`http-requests`, `http-response-bytes`), `unavailable`.
    pub fn send(self) -> Result<Response, Error> {
        match self.wrong {
            Some(error) => Err(error),
            None => Ok(Response(host::send(&self.raw)?)),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response(raw::Response);

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The headers, names in lower case.
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.headers
    }

    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body, at most 1 MiB.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.body).into_owned()
    }

    /// The body, read from JSON.
    ///
    /// Errors: `invalid` when it has another shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.0.body)?)
    }

    /// The answer, if the request succeeded (2xx).
    ///
    /// Errors, chosen so that a handler can pass them on: `unavailable` for what may pass (408, 425, 429, 5xx), and
    /// `invalid` for everything else, which a repetition would not mend.
    pub fn success(self) -> Result<Self, Error> {
        match self.status() {
            200..=299 => Ok(self),
            408 | 425 | 429 | 500..=599 => Err(Error::Unavailable),
            status => Err(Error::Invalid(format!("http: the service answered {status}"))),
        }
    }
}
