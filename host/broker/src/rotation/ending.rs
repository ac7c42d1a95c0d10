//! Answers for connections that were ended here: each is revoked at its provider, now or as soon as that can be asked, and how it
//! ended is written into the log.
//!
//! What is to be revoked is stored together with the connection's end, so that a crash in between loses nothing: whoever runs next
//! goes on. Where the provider does not answer, or the program that keeps the key does not, it is tried again for a day.
//!
//! Invariants: an ending is settled once, with an entry that says what became of the credential at its provider; no credential is
//! deleted before that; no text holds a secret.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    audit::{Entry, Kind, plain},
    connection::{ConnectionKey, Standing},
    ending::{Ending, EndingStore},
    error::StoreError,
    rotation::Item,
    secret::Slot,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{connections::Upstreams, credentials::StepError};
use crate::{issue::Revoked, rotation::Credentials as _, vault::VaultError};

/// How often it is looked what is to be revoked.
const TICK: Duration = Duration::from_secs(5);
/// How long an ending is left to whoever wrote it.
const FIRST: Duration = Duration::from_secs(60);
/// The pause after the first try of a host; it doubles, to half an hour and a bit.
const PAUSE: Duration = Duration::from_secs(60);
const DOUBLED: u32 = 5;
/// How long a provider that cannot be asked is asked again.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many are asked for at the same time.
const AT_ONCE: usize = 8;

/// What became of a credential where it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The provider revoked it, or does not know it any more.
    Revoked,
    /// The provider has no way to revoke it, or there is no provider: it lives until it ends.
    NotOffered,
    /// It could not be revoked, and nobody tries again: a person must do so at the provider.
    Failed(String),
    /// The provider could not be asked, or the credential not be opened for now; it is asked again.
    Later(String),
}

impl Fate {
    /// As the log has it.
    pub fn text(&self) -> String {
        match self {
            Self::Revoked => "confirmed".to_owned(),
            Self::NotOffered => "not offered".to_owned(),
            Self::Failed(why) => format!("failed: {why}"),
            Self::Later(why) => format!("asked again: {why}"),
        }
    }
}

/// Ends connections.
#[derive(Clone)]
pub struct Endings {
    /// Where they are written down.
    pub store: Arc<dyn EndingStore>,
    /// What revokes them, and in whose name.
    pub upstreams: Upstreams,
}

impl Endings {
    /// Ends a connection here, whatever it is good for: also one that cannot be opened. `None` where there is no such connection, or
    /// it was ended before. [`settle`](Self::settle) revokes it then.
    pub async fn end(&self, key: &ConnectionKey, entry: Entry) -> Result<Option<Ending>, StepError> {
        let (slot, connections) = (Slot::from(key.clone()), &self.upstreams.connections);
        let next = entry.time.plus(FIRST);
        while let Some(head) = connections.vault().head(&slot).await? {
            if matches!(head.standing, Standing::Revoked { .. }) {
                return Ok(None);
            }
            let generation = head.generation;
            if self.store.end(&slot, head, next, entry.clone()).await? {
                connections.refresh().await?;
                let all = self.store.endings().await?;
                return Ok(all.into_iter().find(|one| one.key == *key && one.generation == generation));
            }
        }
        Ok(None)
    }

    /// Asks for the revocation of these, of each once. With `last` none is left for later. Gives what became of each.
    pub async fn settle(&self, which: impl Fn(&Ending) -> bool, last: bool) -> Result<Vec<(Ending, Fate)>, StoreError> {
        let (turns, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for ending in self.store.endings().await?.into_iter().filter(which) {
            let (this, turns) = (self.clone(), turns.clone());
            running.spawn(async move {
                let _turn = turns.acquire_owned().await;
                let fate = this.one(&ending, last).await?;
                Ok::<_, StoreError>((ending, fate))
            });
        }
        let (mut all, mut failed) = (Vec::new(), None);
        while let Some(done) = running.join_next().await {
            match done {
                Ok(Ok(one)) => all.push(one),
                Ok(Err(error)) => failed = Some(error),
                Err(error) => failed = Some(StoreError(format!("a revocation was cut off: {error}"))),
            }
        }
        all.sort_by(|(a, _), (b, _)| (&a.key, a.generation).cmp(&(&b.key, b.generation)));
        failed.map_or(Ok(all), Err)
    }

    /// Goes on with what is due, until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let now = self.upstreams.clock.now();
            match self.settle(|one| one.next <= now, false).await {
                Ok(all) => {
                    for (ending, fate) in all {
                        tracing::info!(connection = %ending.key, fate = fate.text(), "an ended connection's credential");
                    }
                }
                Err(error) => tracing::error!(%error, "ended connections cannot be revoked; it is tried again"),
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn one(&self, ending: &Ending, last: bool) -> Result<Fate, StoreError> {
        let mut fate = self.ask(ending).await?;
        let now = self.upstreams.clock.now();
        if let Fate::Later(why) = &fate {
            if !last && now.distance(ending.since) < PATIENCE {
                let pause = PAUSE.saturating_mul(1 << ending.tries.min(DOUBLED));
                self.store.put_off(ending, now.plus(pause)).await?;
                return Ok(fate);
            }
            fate = Fate::Failed(why.clone());
        }
        let (key, provider) = (&ending.key, ending.provider.as_ref());
        let actor = self.upstreams.actor.clone();
        let entry = Entry::new(now, Kind::ConnectionEnded, actor, Some(key.tenant.clone()))
            .about(format!("installation:{}", key.installation))
            .with("name", key.name.as_str())
            .with("provider", provider.map_or("-", |one| one.as_str()))
            .with("generation", ending.generation)
            .with("upstream", fate.text());
        self.store.settle(ending, entry).await?;
        Ok(fate)
    }

    /// Asks the provider. Fails only where the storage does.
    async fn ask(&self, ending: &Ending) -> Result<Fate, StoreError> {
        let provider = ending.provider.as_ref();
        let conduct = provider.and_then(|provider| self.upstreams.issuer.conduct(provider));
        if !conduct.is_some_and(|conduct| conduct.revocable) {
            return Ok(Fate::NotOffered);
        }
        let slot = Slot::from(ending.key.clone());
        match self.upstreams.connections.vault().generation(&slot, ending.generation).await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Fate::Failed(format!("it is not kept any more; {}", by_hand(ending)))),
            Err(VaultError::Store(error)) => return Err(error),
            Err(error) if error.is_passing() => return Ok(Fate::Later(plain(&error.to_string()))),
            Err(error) => return Ok(Fate::Failed(format!("{error}; {}", by_hand(ending)))),
        }
        let item = Item::connection(ending.key.clone());
        Ok(match self.upstreams.revoke_now(&item, ending.generation, false).await {
            Ok(Revoked::Confirmed) | Err(StepError::GrantGone(_)) => Fate::Revoked,
            Ok(Revoked::NotOffered) => Fate::NotOffered,
            Err(StepError::Store(why)) => return Err(StoreError(why)),
            Err(error @ (StepError::NotReached { .. } | StepError::Unknown(_))) => {
                Fate::Later(plain(&error.to_string()))
            }
            Err(error) => Fate::Failed(plain(&error.to_string())),
        })
    }
}

fn by_hand(ending: &Ending) -> String {
    let provider = ending.provider.as_ref().map_or("its provider", |one| one.as_str());
    format!("revoke it by hand at {provider}")
}
