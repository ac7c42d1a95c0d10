//! How a call into the host can fail, and how a handler reports that it failed.

use std::fmt;

use crate::types::{Denial, Limit, WitError};

/// The one error of every capability, and of a handler.
///
/// Returned from a handler, [`Unavailable`](Error::Unavailable) and [`Limited`](Error::Limited) make the host
/// deliver the event again later. Every other one puts the delivery aside for a person to look at.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The grant does not cover it, and asking again will not help before somebody grants more.
    Denied(Denial),
    /// The request itself is wrong: which argument, and what is expected.
    Invalid(String),
    /// There is no such record, or none that this installation can see.
    NotFound,
    /// A limit was reached.
    Limited(Limit),
    /// Somebody else changed the record in between, or an idempotency key was used for something else.
    Conflict,
    /// The service behind the capability did not answer; trying again later can help.
    Unavailable,
}

impl Error {
    /// A request or an event that is wrong in itself, with what is wrong about it.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    /// Whether the host delivers the event again when a handler returns this.
    pub fn is_retried(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => {
                let Denial { id, scope, reason, grantor } = denial;
                write!(f, "denied: needs `{scope}` ({reason}; the {grantor} can change that; audit entry {id})")
            }
            Self::Invalid(what) => write!(f, "invalid: {what}"),
            Self::NotFound => f.write_str("not found"),
            Self::Limited(limit) => {
                write!(f, "limit reached: {} of {}", limit.name, limit.allowed)?;
                match limit.retry_after_ms {
                    Some(ms) => write!(f, ", try again in {ms} ms"),
                    None => Ok(()),
                }
            }
            Self::Conflict => f.write_str("conflict with another change"),
            Self::Unavailable => f.write_str("the service is unavailable"),
        }
    }
}

impl std::error::Error for Error {}

impl From<WitError> for Error {
    fn from(error: WitError) -> Self {
        match error {
            WitError::Denied(denial) => Self::Denied(denial),
            WitError::Invalid(what) => Self::Invalid(what),
            WitError::NotFound => Self::NotFound,
            WitError::Limited(limit) => Self::Limited(limit),
            WitError::Conflict => Self::Conflict,
            WitError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<Error> for WitError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denial) => Self::Denied(denial),
            Error::Invalid(what) => Self::Invalid(what),
            Error::NotFound => Self::NotFound,
            Error::Limited(limit) => Self::Limited(limit),
            Error::Conflict => Self::Conflict,
            Error::Unavailable => Self::Unavailable,
        }
    }
}

/// JSON of an unexpected shape is `invalid`. The message names the place and the shape, never the values.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Invalid(format!("JSON, line {} column {}: {}", error.line(), error.column(), shape(&error)))
    }
}

/// serde quotes the offending value in its own messages; a comment's text must not end up in a dead letter.
fn shape(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Io => "could not be read",
        Category::Syntax => "is not JSON",
        Category::Data => "has another shape than expected",
        Category::Eof => "ends too early",
    }
}
