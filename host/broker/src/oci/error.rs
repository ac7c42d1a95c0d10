//! What can go wrong between here and a registry. No text holds a secret; what a registry wrote is made plain.

use portcullis_model::{audit::plain, id::Digest};

/// Why a push or a pull did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OciError {
    /// The reference is none.
    #[error("'{text}' names nothing in a registry: {problem}; write oci://host[:port]/repository[:tag]")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Credentials that cannot be used.
    #[error("credentials for {host}: {problem}")]
    Credentials {
        /// For whom.
        host: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// There is no connection, or it broke.
    #[error("{host}: {problem}")]
    Down {
        /// Who was asked.
        host: String,
        /// What happened.
        problem: String,
    },
    /// An answer that says no.
    #[error("{host} answered {status} to {what}{reason}")]
    Refused {
        /// Who was asked.
        host: String,
        /// The status code.
        status: u16,
        /// What was wanted.
        what: String,
        /// Why, in the registry's words, after a colon; empty where it gave none.
        reason: String,
    },
    /// It is not there.
    #[error("{host} does not have {what}")]
    Missing {
        /// Who was asked.
        host: String,
        /// What was wanted.
        what: String,
    },
    /// More than is read.
    #[error("{what}: more than {most} bytes, the most that is read of it")]
    TooLarge {
        /// What was read.
        what: String,
        /// In bytes.
        most: usize,
    },
    /// Other bytes than those that were named.
    #[error("{what} is {found}, where {expected} was asked for: the registry gave something else")]
    OtherBytes {
        /// What was read.
        what: String,
        /// The digest of what came.
        found: Digest,
        /// The digest of what should have come.
        expected: Digest,
    },
    /// An answer or a document that is not of the form that it should have.
    #[error("{what}: {problem}")]
    Form {
        /// What was read.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A way that is not gone.
    #[error("{host} sends {what} elsewhere, which is not followed: {problem}")]
    Elsewhere {
        /// Who was asked.
        host: String,
        /// What was wanted.
        what: String,
        /// Where to, and why not.
        problem: String,
    },
    /// It took too long altogether.
    #[error("{host}: not done within {seconds} seconds")]
    Slow {
        /// Who was asked.
        host: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl OciError {
    /// An error of [`OciError::Form`], with the outside's words made plain.
    pub(super) fn form(what: impl Into<String>, problem: impl AsRef<str>) -> Self {
        Self::Form { what: what.into(), problem: plain(problem.as_ref()) }
    }

    /// An error of [`OciError::Down`], with the outside's words made plain.
    pub(super) fn down(host: impl Into<String>, problem: impl AsRef<str>) -> Self {
        Self::Down { host: host.into(), problem: plain(problem.as_ref()) }
    }
}
