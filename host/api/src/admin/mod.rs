//! The admin API, `/admin/v1`: everything that a person does with a host, for programs, for the command line and for pages.
//!
//! | file | answers for |
//! |---|---|
//! | `operation` | what an operation is |
//! | `caller` | who asks |
//! | `automation` | programs of tenants' own, by their tokens |
//! | `frame` | what all operations share, and whether somebody may do what they ask for |
//! | `given`, `body` | what a request holds, read into types |
//! | `page` | lists in pages |
//! | `parcel` | files that are handed over |
//! | `repeat` | requests that are sent again |
//! | `mount`, `group` | from a request to an operation and back; the routes |
//! | `openapi` | the document |
//! | `local` | the same without a socket |
//! | `v1/<noun>/<verb>` | one operation each |
//!
//! Invariants: nothing is answered before it is known who asks, and nothing is done before it is known that they may; a route is
//! there because an operation is; what an operation refuses is a problem with a type of its own that says what to do; no
//! answer is kept by anybody between.

mod automation;
mod body;
mod caller;
mod frame;
mod given;
mod group;
mod local;
mod mount;
mod openapi;
mod operation;
mod page;
mod parcel;
mod repeat;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod v1;

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use portcullis_broker::hmac::same;
use portcullis_model::{audit::plain, secret::Secret};

pub use axum::http::Method;

pub use self::{
    automation::AutomationCallers,
    body::{Maybe, Nothing, Packed, Sent, Taken},
    caller::{OperatorOnly, Recognise},
    frame::Frame,
    given::{Bare, Given},
    group::{Group, Routes},
    local::{Local, LocalAnswer, LocalStream},
    openapi::{Described, document},
    operation::{About, Call, Effect, MAX_BODY, On, Operation, Reply, Streamed, Version},
    page::Page,
    parcel::Parcel,
    v1::{Api, Ports, described},
};
use crate::{
    peers::{Door, Face, Known},
    problem::{Problem, Reason, too_many},
};

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "admin", say: |_, wait| too_many(wait) };

/// An answer that says whether the request proved whose it is: whoever was not refused for lack of the token has it.
pub(crate) fn answer(outcome: Result<Response, Problem>) -> Response {
    match outcome {
        Ok(response) => Known::Proved.note(response),
        Err(problem) if matches!(problem.reason, Reason::NotOperator | Reason::SignIn) => {
            Known::Refused(problem.reason.name()).note(problem.into_response())
        }
        Err(problem) => Known::Proved.note(problem.into_response()),
    }
}

/// Whether a request has the operator's token.
pub(crate) fn is_operator(token: &Secret, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match given.is_some_and(|given| same(given, token.expose())) {
        true => Ok(()),
        false => {
            let advice = "Send 'Authorization: Bearer ...' with the token in keys/operator.token of the host's home.";
            Err(Problem::new(Reason::NotOperator, advice))
        }
    }
}

/// What an error says as a sentence: with a capital, a full stop, and nothing that a terminal would act on.
pub(crate) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = plain(&error.to_string());
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The store did not do what it was asked for; why stands in the host's log.
pub(crate) fn unavailable(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "an operation of the admin API failed");
    Problem::new(Reason::Unavailable, "Ask again later.")
}

/// It was not stored: where that is because the tenant was deleted, whoever asks can do something about it.
pub(crate) fn not_kept(error: &dyn std::fmt::Display) -> Problem {
    const DELETED: &str = "its id is not given again";
    match error.to_string().contains(DELETED) {
        true => Problem::new(Reason::Conflict, format!("This tenant was deleted, and {DELETED}; choose another.")),
        false => unavailable(error),
    }
}

/// There is no such thing, or none that whoever asks may see.
pub(crate) fn unknown(advice: &str) -> Problem {
    Problem::new(Reason::Unknown, advice)
}
