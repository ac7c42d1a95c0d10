//! How a service behind a capability can fail. One to one with the WIT `error` variant, less `denied`, which only
//! an authority can say.

/// A service's refusal. What a guest may see is in it; what only the log may see is in the text of `Unavailable` and
/// `Frozen`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The request is wrong; says which argument and what is expected.
    #[error("{0}")]
    Invalid(String),
    /// No such record, or none that this installation can see.
    #[error("not found")]
    NotFound,
    /// A limit was reached.
    #[error("limit '{name}' reached: {allowed} allowed")]
    Limited {
        /// The limit's name, such as `http-requests`.
        name: &'static str,
        /// What is allowed, in the unit the name says.
        allowed: u64,
        /// When to try again, in milliseconds from now, where waiting helps.
        retry_after_ms: Option<u32>,
    },
    /// The record changed in between, or an idempotency key was used for something else.
    #[error("conflict")]
    Conflict,
    /// The service did not answer. The text is for the operator's log, never for the guest.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A freeze holds it. Says nothing about the service, and is held against nobody. The text is as that of `Unavailable`, which
    /// is also what a guest is told.
    #[error("unavailable: {0}")]
    Frozen(String),
}

impl ServiceError {
    /// A limit that waiting does not lift.
    pub fn limited(name: &'static str, allowed: u64) -> Self {
        Self::Limited { name, allowed, retry_after_ms: None }
    }

    /// The outcome's name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound => "not-found",
            Self::Limited { .. } => "limited",
            Self::Conflict => "conflict",
            Self::Unavailable(_) | Self::Frozen(_) => "unavailable",
        }
    }
}

/// The store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreError(pub String);

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
