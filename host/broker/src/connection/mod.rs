//! Answers for the credentials that are in use: which of them a request carries, by who sends it and where to, and that none is
//! sent after its end.
//!
//! The table is built from the vault and replaced as a whole; a request reads one snapshot of it, and keeps it to its end.
//!
//! Invariants: a credential goes only out for the tenant and installation that it was stored for, and only to a host on its
//! own list; one that is over or revoked goes nowhere; a row that does not open or whose place is unfit is reported and left out;
//! what an installation's requests carry has a generation of its own, and no connection that was made under another is used again.

mod installed;
mod table;
pub(crate) mod using;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use portcullis_model::{
    audit::Entry,
    connection::{ConnectionKey, ConnectionView, Origin, Standing, Unreadable},
    id::{InstallationId, ProviderId, TenantId},
    secret::{Head, SealedSecret, Secret, Slot},
    time::Timestamp,
    webhook::SIGNING,
};
use tokio::sync::Mutex;

pub use installed::{Connection, Installed, Life};
pub use table::AllNeedles;
use table::Table;
pub use using::Renewable;

use crate::{
    issue::Credential,
    leaks::NeedlesError,
    place::Place,
    renew::Renewals,
    vault::{self, NewSecret, Vault, VaultError},
};

/// Why the table could not be made anew. The old one stays in use.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// The vault's storage failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There are too many secrets to look for.
    #[error(transparent)]
    Needles(#[from] NeedlesError),
}

/// A connection that is to be stored.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Which.
    pub key: ConnectionKey,
    /// Where it goes.
    pub place: Place,
    /// Where it comes from.
    pub origin: Origin,
    /// Its secrets. Without an access token the first one is asked for when it is needed.
    pub credential: Credential,
    /// When the access token ends; absent where it does not say.
    pub expires: Option<Timestamp>,
}

/// All credentials in use.
#[derive(Debug)]
pub struct Connections {
    vault: Arc<Vault>,
    table: RwLock<Arc<Table>>,
    refreshing: Mutex<()>,
    renewals: OnceLock<Arc<Renewals>>,
}

impl Connections {
    /// An empty table over this vault. [`refresh`](Self::refresh) fills it.
    pub fn new(vault: Arc<Vault>) -> Result<Self, NeedlesError> {
        let table = RwLock::new(Arc::new(Table::empty()?));
        Ok(Self { vault, table, refreshing: Mutex::new(()), renewals: OnceLock::new() })
    }

    /// Has credentials renewed by these from now on. Once; without it none is renewed.
    pub fn renewed_by(&self, renewals: Arc<Renewals>) {
        if self.renewals.set(renewals).is_err() {
            tracing::warn!("who renews credentials was said twice; the first holds");
        }
    }

    /// Stores a connection and takes it into use, in place of the one of that name. Gives the generation. An error says that it is
    /// not stored.
    pub async fn put_connection(&self, new: NewConnection, entry: Entry) -> Result<u64, RefreshError> {
        let NewConnection { key, place, origin, credential, expires } = new;
        let new = NewSecret { slot: key.into(), place: place.json(), origin: Some(origin), credential, expires };
        let access = new.credential.access.as_ref();
        let fit = place.check().and_then(|()| access.map_or(Ok(()), |secret| place.check_secret(secret)));
        fit.map_err(|problem| VaultError::Invalid { name: new.slot.name.clone(), problem })?;
        let generation = self.vault.store_new(new, entry).await?;
        // It is stored, and whoever asked for that must not take it back: the table follows with the next refresh.
        if let Err(error) = self.refresh().await {
            tracing::error!(%error, "a credential was stored and is not in use yet");
        }
        Ok(generation)
    }

    /// Makes the table anew where the vault has changed. Gives an error for each row that is left out.
    pub async fn refresh(&self) -> Result<Vec<VaultError>, RefreshError> {
        self.refresh_unless(|_| false).await
    }

    /// As [`refresh`](Self::refresh), unless the table that somebody else has made meanwhile is enough.
    async fn refresh_unless(&self, is_enough: impl Fn(&Table) -> bool) -> Result<Vec<VaultError>, RefreshError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let before = self.read();
        if is_enough(&before) {
            return Ok(Vec::new());
        }
        if before.revision == Some(self.vault.revision().await?) && before.refused.is_empty() {
            return Ok(Vec::new());
        }
        let table = before.next(self.vault.load_all(|row| before.known(row)).await?)?;
        let refused = table.refused.clone();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        Ok(refused)
    }

    /// Whether the vault has something else than the table: cheap.
    pub async fn is_behind(&self) -> Result<bool, RefreshError> {
        Ok(self.read().revision != Some(self.vault.revision().await?))
    }

    /// The credentials of one installation, if it has any.
    pub fn of(&self, tenant: &TenantId, installation: &InstallationId) -> Option<Arc<Installed>> {
        self.read().installed.get(&(tenant.clone(), installation.clone())).cloned()
    }

    /// The secret of a tenant's source of events, such as `source/acme-support`.
    pub fn inbound(&self, tenant: &TenantId, name: &str) -> Option<Secret> {
        self.read().inbound(tenant, name)
    }

    /// All forms of all secrets, to be looked for where none may be: of those that are not current any more too while they are
    /// kept.
    pub fn needles(&self) -> Arc<AllNeedles> {
        self.read().needles.clone()
    }

    /// Goes up with each table.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    /// All connections, as everybody may see them, from storage as it is now: also those of which the credential cannot be read.
    pub async fn views(&self) -> Result<Vec<ConnectionView>, VaultError> {
        let known = self.read();
        let loaded = self.vault.load_all(|row| known.known(row)).await?;
        let read = loaded.slots.iter().filter_map(|slot| {
            let current = slot.current()?;
            view(&slot.head, &current.row, current.origin.clone(), None)
        });
        let unread =
            loaded.unread.iter().filter_map(|one| view(&one.head, &one.row, vault::origin_of(&one.row), Some(one.why)));
        let mut all: Vec<ConnectionView> = read.chain(unread).collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    /// A connection's secrets and where they come from, from storage as it is now, with the generation that they are of.
    pub async fn credential(&self, key: &ConnectionKey) -> Result<Option<(u64, Origin, Credential)>, VaultError> {
        let slot = Slot::from(key.clone());
        let Some((head, opened)) = self.vault.slot(&slot).await? else { return Ok(None) };
        let origin = opened.origin.clone().unwrap_or_else(fixed);
        Ok(Some((head.generation, origin, opened.credential)))
    }

    /// Says how a connection stands from now on, while this generation is the current one. A renewal that is under way finds that it
    /// came too late. False where it is not the current one, or there is no such connection.
    pub async fn end_generation(
        &self,
        key: &ConnectionKey,
        generation: u64,
        to: Standing,
        entry: Entry,
    ) -> Result<bool, RefreshError> {
        let slot = Slot::from(key.clone());
        let is_meant = |head: &Head| head.generation == generation;
        while let Some(head) = self.vault.head(&slot).await?.filter(is_meant) {
            let next = Head { standing: to.clone(), claimant: None, ..head.clone() };
            if self.vault.set_head(&slot, head, next, entry.clone()).await? {
                self.refresh().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    fn read(&self) -> Arc<Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a row says of a connection; `None` where it is none, but what messages to a back end are signed with.
fn view(
    head: &Head,
    row: &SealedSecret,
    origin: Option<Origin>,
    unreadable: Option<Unreadable>,
) -> Option<ConnectionView> {
    let installation = row.installation.clone().filter(|_| row.name != SIGNING)?;
    Some(ConnectionView {
        key: ConnectionKey { tenant: row.tenant.clone(), installation, name: row.name.clone() },
        origin: origin.unwrap_or_else(fixed),
        place: serde_json::from_str(&row.place).unwrap_or_default(),
        generation: row.generation,
        issued: row.issued,
        expires: row.expires,
        standing: head.standing.clone(),
        unreadable,
    })
}

/// Where a credential comes from for which no provider is asked.
pub(crate) fn fixed() -> Origin {
    let provider: ProviderId = STATIC.parse().unwrap_or_else(|_| unreachable!("it is a label"));
    Origin { provider, settings: Default::default(), scopes: Vec::new(), risk: None }
}

/// The provider of credentials that somebody gave, and that nobody is asked to renew.
pub const STATIC: &str = "static";

#[cfg(test)]
mod tests;
