//! What the console stands on: who reads a page, and the admin API in that reader's name. The only way from a page to anything.
//!
//! Invariant: a page has nothing but what the API answered to whoever reads it.

use async_trait::async_trait;
use axum::http::{Method, StatusCode, request::Parts};
use portcullis_model::people::{Action, Caller, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Who reads a page.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// In whose name the API is asked.
    pub caller: Caller,
    /// What the person is called.
    pub name: String,
    /// The session's token for forms: follows from the session, and no other page can know it.
    pub token: String,
}

/// What the API is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How.
    pub method: Method,
    /// Where, below `/admin/v1`, with the query in it.
    pub path: String,
    /// The version that a change is for: the `ETag` of what was shown.
    pub version: Option<String>,
    /// Under which it is done once: its `Idempotency-Key`.
    pub key: Option<String>,
    /// With what.
    pub body: Option<Value>,
}

impl Ask {
    /// To see something.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), version: None, key: None, body: None }
    }

    /// To do something.
    pub fn with(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), version: None, key: None, body: Some(body) }
    }

    /// For this version.
    #[must_use]
    pub fn of(mut self, version: &str) -> Self {
        self.version = (!version.is_empty()).then(|| version.to_owned());
        self
    }
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// The version of what was answered.
    pub version: Option<String>,
    /// What.
    pub body: Value,
}

/// What the console is given by whoever wires it.
#[async_trait]
pub trait Host: Send + Sync {
    /// Who makes a request, by its cookie. `None` where nobody has signed in.
    ///
    /// # Errors
    /// It cannot be known at the moment.
    async fn visitor(&self, head: &Parts) -> Result<Option<Visitor>, Unknown>;

    /// Asks the API in this person's name.
    async fn ask(&self, caller: &Caller, ask: Ask) -> Answer;

    /// Whether this person may do that to it, as the API would decide now; they may, too, where nothing is lacking but a fresh proof of
    /// who they are. Says which buttons are of use to them, and permits nothing.
    async fn may(&self, caller: &Caller, action: &Action, on: &Resource) -> bool;

    /// A text that nobody can guess and that is given once: under it something is done once.
    fn fresh(&self) -> String;

    /// How browsers reach this host: scheme, host and port.
    fn base(&self) -> &str;
}

/// It cannot be known who asks.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it cannot be known who asks")]
pub struct Unknown;

/// What the API refused: its problem details (RFC 9457).
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The last part of its type.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// What to do.
    pub detail: String,
}

impl Answer {
    /// What was answered, read; or what was refused.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Refused> {
        if !self.status.is_success() {
            return Err(self.refused());
        }
        serde_json::from_value(self.body).map_err(|error| {
            tracing::error!(%error, "the console cannot read what the admin API answers");
            Refused { status: StatusCode::INTERNAL_SERVER_ERROR, ..Refused::default() }
        })
    }

    /// What was refused.
    pub fn refused(&self) -> Refused {
        let text = |name: &str| self.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("type").rsplit('/').next().unwrap_or_default().to_owned();
        Refused { status: self.status, kind, title: text("title"), detail: text("detail") }
    }
}
