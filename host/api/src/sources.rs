//! The registered sources and their secrets, as the webhooks need them.
//!
//! Invariants: while a source's secret is rotated both are accepted, and after that the new one alone; a source whose secret was revoked
//! is one that nobody can sign for.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use portcullis_broker::connection::Connections;
use portcullis_model::{
    error::StoreError,
    event::EventForm,
    id::SourceName,
    rotation::SourceKeys,
    secret::Secret,
    source::{Source, SourceStore},
    time::Timestamp,
};

/// The secrets of a source that are accepted at one moment.
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Whether one of them fits. Each is tried, so that the time does not tell which.
    pub(crate) fn any(&self, fits: impl Fn(&Secret) -> bool) -> bool {
        self.0.iter().fold(false, |any, secret| fits(secret) | any)
    }
}

/// Sources by name. Secrets stay in the broker's table and are looked up a request.
pub struct SourceBook {
    store: Arc<dyn SourceStore>,
    connections: Arc<Connections>,
    known: RwLock<HashMap<SourceName, (Source, SourceKeys)>>,
}

impl SourceBook {
    /// An empty book; call [`Self::refresh`] to fill it.
    pub fn new(store: Arc<dyn SourceStore>, connections: Arc<Connections>) -> Self {
        Self { store, connections, known: RwLock::default() }
    }

    /// Reads the sources again.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let (sources, keys) = (self.store.sources().await?, self.store.source_keys().await?);
        let mut keys: HashMap<SourceName, SourceKeys> = keys.into_iter().collect();
        let known = sources.into_iter().map(|source| {
            let keys = keys.remove(&source.name).unwrap_or_default();
            (source.name.clone(), (source, keys))
        });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.collect();
        Ok(())
    }

    /// The source of this name and form, with the secrets that are accepted now.
    pub(crate) fn find(&self, name: &str, form: EventForm, now: Timestamp) -> Option<(Source, Secrets)> {
        let name: SourceName = name.parse().ok()?;
        let (source, keys) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name)?.clone();
        let secrets = self.secrets(&source, &keys, now);
        (source.form == form).then_some((source, secrets))
    }

    /// The CloudEvents source whose secret a token is; none where it is that of two. Every source is compared, each in constant time.
    pub(crate) fn by_token(&self, token: &[u8], now: Timestamp) -> Option<Source> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<&Source> = Vec::new();
        for (source, keys) in known.values().filter(|(source, _)| source.form == EventForm::CloudEvents) {
            if self.secrets(source, keys, now).any(|secret| portcullis_broker::hmac::same(secret.expose(), token)) {
                found.push(source);
            }
        }
        match found.as_slice() {
            [one] => Some((*one).clone()),
            _ => None,
        }
    }

    fn secrets(&self, source: &Source, keys: &SourceKeys, now: Timestamp) -> Secrets {
        let accepted = keys.accepted(now);
        let names = [accepted.current.then(|| source.secret_name()), accepted.next.then(|| source.next_secret_name())];
        let secret = |name: String| self.connections.inbound(&source.tenant, &name);
        Secrets(names.into_iter().flatten().filter_map(secret).collect())
    }
}
