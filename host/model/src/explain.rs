//! Explanations of what was decided: which layer allowed or denied an act, and who could change that (idea 1).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    authority::{Layer, Opinion, Standing},
    error::StoreError,
    id::{ActId, InstallationId, PluginId, TenantId},
    scope::ScopeText,
};

/// What became of an act, from its own entry in the audit log, and what would become of it today.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// The act's id.
    pub id: ActId,
    /// Whether it was permitted.
    pub permitted: bool,
    /// Its name, such as `tickets.get`.
    pub act: String,
    /// What it was about.
    pub resource: String,
    /// In which tenant.
    pub tenant: Option<TenantId>,
    /// By which plugin.
    pub plugin: PluginId,
    /// In which installation.
    pub installation: InstallationId,
    /// The least scope that covers it.
    pub scope: ScopeText,
    /// What each layer said by itself. Of a permitted act: every layer covers it.
    pub layers: Vec<Opinion>,
    /// The layer at which it fell, why, and who can change that.
    pub refused: Option<Refused>,
    /// What is granted of that scope today, layer by layer.
    pub today: Today,
    /// The entry, as it stands in the log.
    pub entry: Entry,
    /// Its number in the log.
    pub index: u64,
}

/// What becomes of the scope today.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Today {
    /// Layer by layer.
    Stands(Standing),
    /// It cannot be said, and why not.
    Unsaid(String),
}

/// Why an act was denied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refused {
    /// The layer.
    pub layer: Layer,
    /// In one sentence.
    pub reason: String,
    /// Who can change it: `developer`, `admin`, `reviewer`, `platform`, or the `client` whose token was narrowed.
    pub grantor: String,
}

/// Explains acts.
#[async_trait]
pub trait Explain: Send + Sync {
    /// What became of the act with this id; `None` where the log has no such act.
    async fn explain(&self, id: &ActId) -> Result<Option<Explained>, StoreError>;

    /// The entry of the act with this id alone; `None` where the log has no such act.
    async fn entry(&self, id: &ActId) -> Result<Option<Entry>, StoreError>;
}
