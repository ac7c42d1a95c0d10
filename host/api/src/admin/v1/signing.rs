//! What several operations have in common that take what somebody signed elsewhere: the host does not have the key. A rehearsal answers
//! what to sign, and the same request with the envelope around that files it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_model::audit::plain;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    trust::{TrustError, keeper::KeeperError},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    admin::unavailable,
    problem::{Problem, Reason},
};

/// What is to be signed: by DSSE, the type and the payload, never the JSON around them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementToSign)]
pub struct ToSign {
    /// The payload's type.
    payload_type: String,
    /// The payload, in base64.
    payload: String,
}

impl ToSign {
    pub(super) fn of(kind: PayloadType, payload: &[u8]) -> Self {
        Self { payload_type: kind.name().to_owned(), payload: BASE64_STANDARD.encode(payload) }
    }
}

/// The envelope of a request, where anything was signed.
pub(super) fn envelope(kind: PayloadType, given: Option<&Value>) -> Result<Option<Envelope>, Problem> {
    let Some(value) = given else { return Ok(None) };
    let read = Envelope::parse(kind, &value.to_string());
    let wrong = |error: &dyn std::fmt::Display| format!("envelope: {}.", plain(&error.to_string()));
    read.map(Some).map_err(|error| Problem::new(Reason::WrongBody, wrong(&error)))
}

/// Nothing was signed, and this is no rehearsal.
pub(super) fn unsigned() -> Problem {
    let advice = "envelope: ask with dry_run=true what to sign, and send that, signed, with just this request.";
    Problem::new(Reason::WrongBody, advice)
}

/// What was signed says something else than what is asked for.
pub(super) fn other() -> Problem {
    let advice = "What was signed is not what this asks for; ask anew what to sign, and sign just that.";
    Problem::new(Reason::Refused, advice)
}

/// Whoever keeps what was signed does not take it.
pub(super) fn refused(error: &KeeperError) -> Problem {
    let reason = match error {
        KeeperError::Store(error) => return unavailable(error),
        KeeperError::Trust(TrustError::Unreadable(_)) => Reason::WrongBody,
        KeeperError::TooMany | KeeperError::Conflict(_) => Reason::Conflict,
        _ => Reason::Refused,
    };
    Problem::new(reason, format!("{}.", plain(&error.to_string())))
}
