//! Notices: what needs somebody, and what helps (MON-1, MON-4).
//!
//! Invariants: a tenant's people are told what is about their tenant, and the platform's what is the platform's own; whoever holds the
//! home is told all of it; what is told names no secret; whoever reads them is on record, since they tell what stands in the log.

mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{audit::Recorder, error::StoreError, id::TenantId, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::admin::Group;

/// For whom notices are gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// For whoever holds the home: all of them.
    Everybody,
    /// Those that are the platform's own.
    Platform,
    /// Those that a tenant is to know.
    Tenant(TenantId),
}

impl Whose {
    /// Whether something of this tenant, or of none, is for them.
    pub fn has(&self, tenant: Option<&TenantId>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Platform => tenant.is_none(),
            Self::Tenant(own) => tenant == Some(own),
        }
    }

    /// The one tenant, where it is that.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Everybody | Self::Platform => None,
        }
    }
}

/// Something that needs somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Notice)]
pub struct Notice {
    /// The index of its entry in the audit log; absent where it is so at the moment, whenever it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// When; of what is so at the moment since when, or until when.
    #[schema(format = DateTime)]
    pub time: String,
    /// What sort, such as `plugin.suspended`.
    pub kind: String,
    /// What happened or is so, in one line.
    pub what: String,
    /// What helps: commands as a shell reads them, with words behind them.
    pub help: String,
    /// What tells it apart from others of its sort for as long as it is so, such as an id. Not told.
    #[serde(skip)]
    pub key: String,
    /// What it is about, where that has a name.
    #[serde(default, skip_serializing_if = "Subject::is_nothing")]
    pub about: Subject,
}

/// What a notice is about, by the names that other operations take. What is not there, it is not about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schema(as = NoticeSubject)]
pub struct Subject {
    /// In which tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Which installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// Which plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// What sort of credential, as rotations name it: `connection`, `source`, `backend`, `client-key` or `alert-endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The name of that credential: of a connection of the installation, or of a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The digest of a release's component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The digest of that release's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Which rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
    /// The number of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Which OAuth client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl Subject {
    /// Whether it names nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Gathers notices.
#[async_trait]
pub trait Noticeboard: Send + Sync {
    /// What is so at the moment, and then what stands in the log since then, the newest first.
    ///
    /// # Errors
    /// What they are gathered from cannot be read.
    async fn notices(&self, whose: &Whose, since: Timestamp) -> Result<Vec<Notice>, StoreError>;
}

/// What notices are read with.
pub struct Ports {
    /// Where they are gathered.
    pub board: Arc<dyn Noticeboard>,
    /// Where it is written down that somebody reads them.
    pub recorder: Arc<dyn Recorder>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>()
}
