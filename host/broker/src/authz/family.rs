//! The host's own clients as families of what can be rotated (INT-5, INT-6): the tokens that each holds, and the keys by which it
//! proves itself.
//!
//! Tokens end all at once, and the client asks for new ones. Keys that were ended are good for nothing any more, and stay on record, so
//! that nobody can register them again; the client is back when a person gives it a new one.
//!
//! Invariant: what was given or registered since is left alone.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    oauth::{Client, OAuthStore},
    rotation::{Family, Held, Item, Nature, Renewal},
    time::{Clock, Timestamp},
};

use super::clients::{self, ClientError};
use crate::{
    issue::Revoked,
    rotation::{Credentials, StepError},
};

/// How often a change is tried while others change the same client.
const TRIES: usize = 8;

/// What ends clients' tokens and keys.
pub struct ClientCredentials {
    /// The clients.
    pub store: Arc<dyn OAuthStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who does it.
    pub actor: Actor,
}

impl From<ClientError> for StepError {
    fn from(error: ClientError) -> Self {
        Self::Store(error.to_string())
    }
}

fn generation(at: Option<Timestamp>) -> u64 {
    at.map_or(0, |at| u64::try_from(at.0).unwrap_or(0))
}

/// When its newest key was registered or ended.
fn newest(client: &Client) -> Option<Timestamp> {
    client.keys.iter().map(|key| key.since).max()
}

fn held(client: &Client, family: Family, now: Timestamp) -> Held {
    let (renewal, issued) = match family {
        Family::Tokens => (Renewal::Holder, client.ended_until),
        _ => (Renewal::Person, newest(client)),
    };
    Held {
        item: Item {
            family,
            tenant: client.tenant.clone(),
            installation: Some(client.installation.clone()),
            name: client.id.to_string(),
        },
        plugin: Some(client.plugin.clone()),
        provider: None,
        generation: generation(issued),
        issued: issued.filter(|_| family == Family::ClientKey),
        nature: Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: true },
        needs_person: family == Family::ClientKey && client.good_keys(now).next().is_none(),
    }
}

impl ClientCredentials {
    async fn client(&self, item: &Item) -> Result<Client, StepError> {
        let all = self.store.clients().await?;
        let found = all.into_iter().find(|one| one.id.as_str() == item.name && one.revoked.is_none());
        found.filter(|one| one.tenant == item.tenant).ok_or(StepError::Gone)
    }

    fn entry(&self, kind: Kind, client: &Client) -> Entry {
        Entry::new(self.clock.now(), kind, self.actor.clone(), Some(client.tenant.clone()))
    }

    async fn end(&self, item: &Item, old: u64) -> Result<(), ClientError> {
        let Ok(client) = self.client(item).await else { return Ok(()) };
        let kind = if item.family == Family::Tokens { Kind::TokenRevoked } else { Kind::ClientRotated };
        let (now, entry) = (self.clock.now(), self.entry(kind, &client));
        let ended = match item.family {
            Family::Tokens if generation(client.ended_until) > old => return Ok(()),
            Family::Tokens => clients::end_tokens(&*self.store, client, now, "an act of rotation", entry).await,
            _ if generation(newest(&client)) > old => return Ok(()),
            _ => clients::end_keys(&*self.store, client, now, entry).await,
        };
        ended.map(drop)
    }
}

#[async_trait]
impl Credentials for ClientCredentials {
    fn families(&self) -> &'static [Family] {
        &[Family::Tokens, Family::ClientKey]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let now = self.clock.now();
        let all = self.store.clients().await?;
        let live = all.iter().filter(|client| client.revoked.is_none());
        let of = |client: &Client| {
            let keys = (!client.keys.is_empty()).then(|| held(client, Family::ClientKey, now));
            std::iter::once(held(client, Family::Tokens, now)).chain(keys)
        };
        Ok(live.flat_map(of).collect())
    }

    async fn revoke_now(&self, item: &Item, generation: u64, _: bool) -> Result<Revoked, StepError> {
        for _ in 0..TRIES {
            match self.end(item, generation).await {
                Ok(()) => return Ok(Revoked::Confirmed),
                Err(ClientError::Changed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StepError::NotReached { why: ClientError::Changed.to_string(), retry_after: None })
    }

    async fn renew_now(&self, _: &Item, _: u64, _: Duration) -> Result<u64, StepError> {
        Err(StepError::Refused("whoever holds it brings a new one: 'portcullis client rotate'".to_owned()))
    }

    async fn person_needed(&self, item: &Item, generation: u64, _: &str) -> Result<(), StepError> {
        self.revoke_now(item, generation, false).await.map(drop)
    }
}
