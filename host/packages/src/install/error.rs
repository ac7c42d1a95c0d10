//! Why an installation, or a change of one, did not happen.

use portcullis_model::{
    audit::RecordError,
    error::StoreError,
    id::{InstallationId, PluginId},
    release::ReleaseError,
    scope::{ScopeError, ScopeText},
};

use super::MAX_GRANT;
use crate::trust::keeper::KeeperError;

/// Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InstallError {
    /// The release does not hold, or cannot be read.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The release does not hold, and not even that could be recorded.
    #[error("{refusal}; and this could not be recorded: {source}")]
    Unrecorded {
        /// Why it is refused.
        refusal: String,
        /// Why it could not be recorded.
        source: RecordError,
    },
    /// A scope to grant that cannot be understood.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A scope to grant that goes beyond what the manifest asks for.
    #[error("'{scope}' goes beyond what the manifest asks for; {at_most}")]
    Beyond {
        /// Which one.
        scope: ScopeText,
        /// What would be within it.
        at_most: String,
    },
    /// The grant as text is too long; in bytes.
    #[error("the grant's scopes take {0} bytes; the most is {MAX_GRANT}: grant fewer or shorter scopes")]
    GrantTooLong(usize),
    /// A release that the tenant has left behind (a downgrade).
    #[error(
        "release {release} of {plugin} is older than {highest}, which this tenant has had: roll back an installation to go back \
         one release, or have an override signed for an older one"
    )]
    Older {
        /// The plugin.
        plugin: PluginId,
        /// Its number.
        release: u64,
        /// The highest that the tenant ever had.
        highest: u64,
    },
    /// A statement that came with the release.
    #[error(transparent)]
    Statement(#[from] KeeperError),
    /// There is no such installation.
    #[error("there is no installation {0}; list the installations to see their ids")]
    NoInstallation(InstallationId),
    /// Somebody else changed it in between.
    #[error("installation {0} was changed by somebody else just now; look at it again before you repeat this")]
    Conflict(InstallationId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
