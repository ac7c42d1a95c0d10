//! Who wants which events: the installations, read again whenever one of them has changed.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    event::Event,
    id::InstallationId,
    installation::{Installation, InstallationStore},
    platform::Installed,
    scope::{Allows, EventsScope, Grant, Subscribe},
};

/// The installations, cached by revision. Clones share the cache.
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn InstallationStore>,
    cached: Arc<RwLock<Cached>>,
}

/// A revision and what was read at it, once something was read.
type Cached = Option<(u64, Arc<Table>)>;

/// The installations at one revision.
pub(crate) struct Table {
    by_id: HashMap<InstallationId, Arc<Installation>>,
    subscriptions: Vec<(Arc<Installation>, Grant<EventsScope>)>,
}

impl Table {
    fn new(installations: Vec<Installation>) -> Self {
        let all: Vec<Arc<Installation>> = installations.into_iter().map(Arc::new).collect();
        let by_id = all.iter().map(|i| (i.id.clone(), i.clone())).collect();
        let wanted = |installation: Arc<Installation>| match Grant::parse(&installation.granted) {
            Ok(_) if installation.is_gone() => None,
            Ok(grant) => Some((installation, grant)),
            Err(error) => {
                tracing::error!(installation = %installation.id, %error, "gets no events: its grant cannot be read");
                None
            }
        };
        Self { by_id, subscriptions: all.into_iter().filter_map(wanted).collect() }
    }

    pub fn get(&self, id: &InstallationId) -> Option<&Arc<Installation>> {
        self.by_id.get(id)
    }

    /// The installations of the event's tenant that are granted it. A suspended one too: its deliveries wait. Not one
    /// that was uninstalled.
    pub fn targets(&self, event: &Event) -> Vec<InstallationId> {
        let act = Subscribe { kind: &event.kind, full: false };
        self.subscriptions
            .iter()
            .filter(|(i, grant)| i.tenant == event.tenant && EventsScope::decide(grant, &act).is_ok())
            .map(|(installation, _)| installation.id.clone())
            .collect()
    }
}

#[async_trait]
impl Installed for Directory {
    async fn installation(&self, id: &InstallationId) -> Result<Option<Arc<Installation>>, StoreError> {
        Ok(self.table().await?.get(id).cloned())
    }
}

impl Directory {
    /// A directory of what is in the store.
    pub fn new(store: Arc<dyn InstallationStore>) -> Self {
        Self { store, cached: Arc::default() }
    }

    /// The installations as they are now.
    pub(crate) async fn table(&self) -> Result<Arc<Table>, StoreError> {
        let revision = self.store.installations_revision().await?;
        if let Some((known, table)) = &*self.cached.read().unwrap_or_else(PoisonError::into_inner)
            && *known == revision
        {
            return Ok(table.clone());
        }
        // What is read may be newer than the revision; then it is only read once more.
        let table = Arc::new(Table::new(self.store.installations().await?));
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some((revision, table.clone()));
        Ok(table)
    }
}
