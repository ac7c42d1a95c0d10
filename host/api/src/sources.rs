//! The registered sources and their secrets, as the webhooks need them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use portcullis_broker::connection::Connections;
use portcullis_model::{
    error::StoreError,
    event::EventForm,
    id::SourceName,
    secret::Secret,
    source::{Source, SourceStore},
};

/// Sources by name. Secrets stay in the broker's table and are looked up a request.
pub struct SourceBook {
    store: Arc<dyn SourceStore>,
    connections: Arc<Connections>,
    known: RwLock<HashMap<SourceName, Source>>,
}

impl SourceBook {
    /// An empty book; call [`Self::refresh`] to fill it.
    pub fn new(store: Arc<dyn SourceStore>, connections: Arc<Connections>) -> Self {
        Self { store, connections, known: RwLock::default() }
    }

    /// Reads the sources again.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let sources = self.store.sources().await?;
        let known = sources.into_iter().map(|source| (source.name.clone(), source)).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// The source of this name and form, with its secret.
    pub(crate) fn find(&self, name: &str, form: EventForm) -> Option<(Source, Secret)> {
        let name: SourceName = name.parse().ok()?;
        let source = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name)?.clone();
        let secret = self.connections.inbound(&source.tenant, &source.secret_name())?;
        (source.form == form).then_some((source, secret))
    }

    /// The CloudEvents source whose secret a token is. Every source is compared, each in constant time.
    pub(crate) fn by_token(&self, token: &[u8]) -> Option<Source> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for source in known.values().filter(|s| s.form == EventForm::CloudEvents) {
            let secret = self.connections.inbound(&source.tenant, &source.secret_name());
            if secret.is_some_and(|secret| portcullis_broker::hmac::same(secret.expose(), token)) {
                found = Some(source.clone());
            }
        }
        found
    }
}
