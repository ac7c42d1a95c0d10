//! `GET /log/...`: the published audit log, for anybody (C2SP tlog-tiles).
//!
//! ```text
//! /log/checkpoint  /log/cosigned  /log/keys/<n>.json
//! /log/tile/<L>/<N>[.p/<W>]  /log/tile/entries/<N>[.p/<W>]
//! /log/views/<tag>/checkpoint  /log/views/<tag>/tile/...
//! ```
//!
//! The host's log has no content: its entries are hashes. The entries of a view are its tenant's, and are for the operator's token.
//!
//! Invariants: a path is served only in its one spelling, undecoded; nothing is read but by what was parsed of it; nothing is served
//! that the checkpoint does not cover; what never changes may be kept for ever, and a checkpoint not at all.

mod path;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
pub use path::{Asked, Part};
use portcullis_model::{error::StoreError, secret::Secret};

use crate::{
    admin::is_operator,
    peers::{Door, Face, Known},
    problem::{Problem, Reason, too_many},
};

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "log", say: |_, wait| too_many(wait) };

/// Where the log lies.
#[async_trait]
pub trait PublicLog: Send + Sync {
    /// The bytes of what was asked for. None where there is no such thing, or the checkpoint does not cover it.
    async fn part(&self, asked: &Asked) -> Result<Option<Vec<u8>>, StoreError>;
}

/// What the endpoints share.
pub struct LogFiles {
    /// Where the log lies.
    pub log: Arc<dyn PublicLog>,
    /// Who has this is the operator.
    pub token: Secret,
}

/// The routes under `/log`.
pub fn routes(files: Arc<LogFiles>) -> Router {
    Router::new().route("/log/{*path}", get(serve)).with_state(files)
}

async fn serve(State(files): State<Arc<LogFiles>>, uri: Uri, headers: HeaderMap) -> Response {
    match found(&files, &uri, &headers).await {
        // Whoever follows the log asks for thousands of files that are there, each of which costs a read.
        Ok(response) => Known::Proved.note(response),
        Err(problem) if problem.reason == Reason::Unavailable => problem.into_response(),
        Err(problem) => Known::Refused(problem.reason.name()).note(problem.into_response()),
    }
}

async fn found(files: &LogFiles, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let unknown = || {
        let advice = "Expected a path of C2SP tlog-tiles below /log, such as /log/checkpoint or /log/tile/0/000, that the newest \
                      checkpoint covers.";
        Problem::new(Reason::Unknown, advice)
    };
    let asked = uri.path().strip_prefix("/log/").and_then(Asked::parse).ok_or_else(unknown)?;
    if asked.is_content() {
        is_operator(&files.token, headers)?;
    }
    match files.log.part(&asked).await {
        Ok(Some(bytes)) => {
            Ok(([(header::CONTENT_TYPE, kind(&asked)), (header::CACHE_CONTROL, keep(&asked))], bytes).into_response())
        }
        Ok(None) => Err(unknown()),
        Err(error) => {
            tracing::error!(%error, "a part of the published log cannot be read");
            Err(Problem::new(Reason::Unavailable, "Ask again later."))
        }
    }
}

fn kind(asked: &Asked) -> HeaderValue {
    HeaderValue::from_static(match asked.part {
        Part::Checkpoint | Part::Cosigned => "text/plain; charset=utf-8",
        Part::KeyChange(_) => "application/json",
        Part::Tile { .. } | Part::Entries { .. } => "application/octet-stream",
    })
}

fn keep(asked: &Asked) -> HeaderValue {
    HeaderValue::from_static(match asked.part {
        Part::Checkpoint | Part::Cosigned => "no-store",
        _ if asked.is_content() => "private, no-store",
        _ => "public, max-age=31536000, immutable",
    })
}
