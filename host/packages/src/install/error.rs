//! Why an installation, or a change of one, did not happen.

use portcullis_model::{
    audit::RecordError,
    error::StoreError,
    id::{InstallationId, PluginId},
    incident::HeldBy,
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
    /// An upgrade to what is no newer.
    #[error(
        "release {release} of {plugin} is not newer than {installed}, which is installed; roll back to go back one release"
    )]
    NotNewer {
        /// The plugin.
        plugin: PluginId,
        /// The number of the release.
        release: u64,
        /// The number of what is installed.
        installed: u64,
    },
    /// An upgrade to another plugin.
    #[error("this is a release of {other}, and {installed} is installed; install it beside the other one")]
    AnotherPlugin {
        /// What is installed.
        installed: PluginId,
        /// What it is.
        other: PluginId,
    },
    /// An upgrade that asks for more, and nobody has agreed.
    #[error("release {release} of {plugin} waits for an admin{}", reasons(.why))]
    Waits {
        /// The plugin.
        plugin: PluginId,
        /// The number of the release.
        release: u64,
        /// For what; nothing where the policy does not take it.
        why: Vec<String>,
    },
    /// Nothing to go back to.
    #[error(
        "there is no release to go back to: installation {0} was not upgraded since it was installed or rolled back"
    )]
    NoPrevious(InstallationId),
    /// It was uninstalled.
    #[error("installation {0} is uninstalled; restore it first, or install the plugin again")]
    Gone(InstallationId),
    /// It was not uninstalled, or is erased already.
    #[error("installation {0} is not uninstalled, or it is erased already and cannot come back")]
    NotUninstalled(InstallationId),
    /// Its time of grace is over.
    #[error("what installation {0} stored is being erased: it cannot be taken back any more")]
    Erasing(InstallationId),
    /// The platform or an incident holds it, and somebody else wants it erased soon.
    #[error(
        "installation {0} is held, and what it stored may be evidence: keep it for thirty days at least, or ask whoever runs the host"
    )]
    Evidence(InstallationId),
    /// A statement that came with the release.
    #[error(transparent)]
    Statement(#[from] KeeperError),
    /// There is no such installation.
    #[error("there is no installation {0}; list the installations to see their ids")]
    NoInstallation(InstallationId),
    /// It was contained in an incident, and may not run before that is lifted.
    #[error("installation {0} may not run: {1}")]
    Held(InstallationId, HeldBy),
    /// The platform suspended it, and somebody else wants it to run.
    #[error(
        "the platform suspended installation {id}: {reason}; only whoever runs the host lets it go on, with 'portcullis plugin resume {id}'"
    )]
    ByPlatform {
        /// Which.
        id: InstallationId,
        /// Why, in the platform's words.
        reason: String,
    },
    /// Somebody else changed it in between.
    #[error("installation {0} was changed by somebody else just now; look at it again before you repeat this")]
    Conflict(InstallationId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn reasons(why: &[String]) -> String {
    match why {
        [] => ": the installation's policy does not take it".to_owned(),
        some => format!(": {}", some.join("; ")),
    }
}
