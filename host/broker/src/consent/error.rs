//! Why a consent does not go on, in words for the person in front of the browser.

use portcullis_model::error::StoreError;

use super::keeps::KeepError;
use crate::providers::ProviderError;

/// Why it does not go on. Never holds a secret, or anything that the request held.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConsentError {
    /// There is no such link, state or consent.
    #[error("there is nothing to consent to at this address; ask for a new link")]
    NoLink,
    /// The link was used already, or the answer was.
    #[error("this was used already; ask for a new link")]
    Used,
    /// Its time is over.
    #[error("its time is over; ask for a new link")]
    Late,
    /// Another browser than the one that began.
    #[error("this was begun in another browser, or its cookies were deleted; go on there, or ask for a new link")]
    OtherBrowser,
    /// The form does not come from the page that the host showed.
    #[error("this did not come from the page that the host showed; open the link again")]
    Forged,
    /// The provider's answer is malformed, or is somebody else's.
    #[error("the provider's answer cannot be used: {0}")]
    Answer(String),
    /// What was asked for does not fit.
    #[error("{0}")]
    Unfit(String),
    /// The definition or its settings are not right.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error("vault: {0}")]
    Keep(#[from] KeepError),
}
