//! What can be wrong with roots and withdrawals, and why a release is not trusted.

use portcullis_model::{id::Digest, scope::ScopeError, time::Timestamp, trust::RootScope};

use crate::{dsse::DsseError, statement::StatementError};

/// Why a root, a withdrawal or an override is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The envelope or a signature.
    #[error(transparent)]
    Envelope(#[from] DsseError),
    /// The payload.
    #[error("the signed document cannot be read: {0}")]
    Unreadable(String),
    /// The root contradicts itself.
    #[error("the root is not whole: {0}")]
    NotWhole(String),
    /// Another version.
    #[error("this root is version {found}; the next one must be version {expected}")]
    Version {
        /// Which it must be.
        expected: u64,
        /// Which it is.
        found: u64,
    },
    /// For somebody else.
    #[error("this root speaks for '{found}', not for '{expected}'")]
    Scope {
        /// For whom it must speak.
        expected: RootScope,
        /// For whom it does.
        found: RootScope,
    },
    /// It would not hold at all.
    #[error("this root of '{scope}' expired at {expires}; sign one that expires later")]
    Expired {
        /// Whose.
        scope: RootScope,
        /// When.
        expires: Timestamp,
    },
    /// The first root is another one than this host was set up with.
    #[error("the platform's first root is {found}, but this host was set up with {expected}")]
    Anchor {
        /// Its pinned digest.
        expected: Digest,
        /// What lies in the store.
        found: Digest,
    },
    /// There is none where there was one.
    #[error("there is no root of the platform in the store")]
    Gone,
    /// Signed by somebody who may not do that.
    #[error("nobody who may do that signed it: {0}")]
    NotTheirs(&'static str),
}

/// Why a release is not trusted in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Roots that are no good.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The root has expired.
    #[error("the root of '{scope}' expired at {expires}: nothing runs before its keepers sign version {next}")]
    Expired {
        /// Whose.
        scope: RootScope,
        /// When.
        expires: Timestamp,
        /// The version that is missing.
        next: u64,
    },
    /// Nobody may publish such an id.
    #[error("the root of '{scope}' lets nobody publish '{plugin}'; its keepers can add the publisher")]
    NoPublisher {
        /// Whose root.
        scope: RootScope,
        /// The plugin.
        plugin: String,
    },
    /// The manifest names another publisher than the one whose keys signed it.
    #[error(
        "the manifest names the publisher '{named}', but the root of '{scope}' knows the keys that sign it as '{prefix}'"
    )]
    OtherPublisher {
        /// Whose root.
        scope: RootScope,
        /// As the manifest has it.
        named: String,
        /// As the root has it.
        prefix: String,
    },
    /// The publisher's signatures.
    #[error(transparent)]
    Publisher(#[from] DsseError),
    /// What the publisher signed is something else.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A digest that a root names.
    #[error("{what} {digest} is revoked by the root of '{scope}'")]
    Revoked {
        /// `component` or `manifest`.
        what: &'static str,
        /// Which.
        digest: Digest,
        /// Whose root.
        scope: RootScope,
    },
    /// Older than allowed.
    #[error(
        "release {release} of {plugin} is below {floor}, the lowest that '{scope}' lets run: install a newer one, or have an \
         override signed"
    )]
    BelowFloor {
        /// Whose floor.
        scope: RootScope,
        /// The plugin.
        plugin: String,
        /// Its number.
        release: u64,
        /// The lowest that may run.
        floor: u64,
    },
    /// Withdrawn.
    #[error("it was withdrawn ({target}), by {by}: {reason}")]
    Withdrawn {
        /// What was withdrawn.
        target: String,
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// A reviewer said no.
    #[error("reviewer {who} decided '{decision}' at {at}: {reason}")]
    Refused {
        /// The key's owner, as the root has it.
        who: String,
        /// What.
        decision: &'static str,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Too few approvals.
    #[error("{found} of {needed} reviewers that '{scope}' asks for at this risk approved it{}", expired_words(*.expired))]
    TooFewReviews {
        /// Whose root.
        scope: RootScope,
        /// How many count.
        found: usize,
        /// How many it takes.
        needed: usize,
        /// How many counted until they expired.
        expired: usize,
    },
    /// A reviewer's maximum names what this host does not know.
    #[error("a reviewer's maximum cannot be read: {0}")]
    Scope(#[from] ScopeError),
}

fn expired_words(expired: usize) -> String {
    match expired {
        0 => String::new(),
        n => format!(" ({n} approved it and that has expired: it must be vetted again)"),
    }
}
