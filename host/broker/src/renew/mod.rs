//! Answers for new credentials in place of old ones: each is asked for once, over all processes, and what is known of it is durable
//! before and after the request (INT-5).
//!
//! A renewal goes: take the connection's lock ([`lock`]) — read it again — write down the intent — ask the provider — write the new
//! generation in place of the one that was read. A process can die between any two of these. Whoever takes the lock next sees
//! which it was: no intent, then nothing happened; the new generation, then it is done; an intent alone, then nobody knows what
//! the provider did, and it is asked once more. [`outcome`] says what follows from each end, [`pace`] when the next try is,
//! [`ahead`] renews before anybody has to wait, and [`hold`] is asked before each request that no person ordered.
//!
//! Invariants: no request to a provider without a durable intent; a new generation takes the place of the one whose refresh token
//! it was asked for with, and of no other; a renewal that has begun is not cut off by whoever asked for it; no error holds a
//! secret.

pub mod ahead;
pub mod hold;
pub mod lock;
mod outcome;
mod pace;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    connection::{Origin, Standing},
    freeze::Frozen,
    secret::{Head, Slot, Swap},
    time::{Clock, Rng, Timestamp},
};

use crate::{
    connection::Connection,
    issue::{Conduct, Credential, IssueError, Issued, Issuer},
    vault::{self, NewSecret, Opened, Vault, VaultError},
};
use hold::{Hold, LetIn};
use lock::{Held, Locks};
use outcome::Ended;
use zeroize::Zeroizing;

/// How often a process that waits for another one's renewal looks whether it is over.
const LOOK: Duration = Duration::from_millis(10);

/// The longest that a provider is waited for. Whoever asks it has limits of its own, below this.
const LONGEST: Duration = Duration::from_secs(120);

/// How often, and after which pause, it is tried to store what a provider has issued: losing it may cost the grant.
const STORE_TRIES: u32 = 8;
const STORE_PAUSE: Duration = Duration::from_millis(250);

/// Why a credential is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It ends soon.
    Due,
    /// It is over, and a request needs it.
    Over,
    /// A host refused it.
    Refused,
    /// A policy wants a new one now.
    Policy,
    /// A person wants a new one now.
    Asked,
}

impl Because {
    fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Over => "over",
            Self::Refused => "refused",
            Self::Policy => "policy",
            Self::Asked => "asked",
        }
    }

    /// Whether it was ordered, and so goes to the provider however the last try ended.
    fn is_order(self) -> bool {
        matches!(self, Self::Policy | Self::Asked)
    }
}

/// Why there is no new credential. Never holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RenewError {
    /// There is no way to a new one without a person.
    #[error("no provider can be asked for a new one; store one with 'portcullis connection add'")]
    NotRenewable,
    /// There is no such connection any more.
    #[error("the connection is gone")]
    Gone,
    /// It was revoked.
    #[error("it was revoked")]
    Revoked,
    /// Only a person's consent helps.
    #[error("consent is needed: {0}")]
    ConsentNeeded(String),
    /// The provider failed, and is left alone for a while.
    #[error("the provider is asked again at {until}: {why}")]
    Cooling {
        /// When.
        until: Timestamp,
        /// How it failed.
        why: String,
    },
    /// It is held back by a freeze, and nobody was asked.
    #[error("it is frozen, and no provider is asked: {0}")]
    Frozen(Frozen),
    /// It is so young that a host's refusal does not speak against it.
    #[error("it was issued a short while ago")]
    Young,
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Something else failed.
    #[error("{0}")]
    Failed(String),
}

/// Renews credentials.
pub struct Renewals {
    vault: Arc<Vault>,
    issuer: Arc<dyn Issuer>,
    locks: Locks,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    under_way: AtomicUsize,
    hold: OnceLock<Arc<dyn Hold>>,
}

/// What is to be renewed, as it was when the lock was taken, and the claim on it.
struct Claimed {
    slot: Slot,
    head: Head,
    opened: Opened,
    origin: Origin,
    conduct: Conduct,
    /// Failures in a row before this try.
    failures: u32,
    at: Timestamp,
}

impl Renewals {
    /// Renews what is in this vault, with the locks in this directory.
    pub fn new(
        vault: Arc<Vault>,
        issuer: Arc<dyn Issuer>,
        locks: &Path,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> io::Result<Self> {
        Ok(Self {
            vault,
            issuer,
            locks: Locks::open(locks)?,
            clock,
            rng,
            under_way: AtomicUsize::new(0),
            hold: OnceLock::new(),
        })
    }

    /// Has whatever no person orders held back by this from now on. Once; without it nothing is held back.
    pub fn held_by(&self, hold: Arc<dyn Hold>) {
        if self.hold.set(hold).is_err() {
            tracing::warn!("who holds renewals back was said twice; the first holds");
        }
    }

    /// Who is asked.
    pub fn issuer(&self) -> &dyn Issuer {
        &*self.issuer
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether there is somebody to ask for its next credential.
    pub(crate) fn can(&self, connection: &Connection) -> bool {
        let conduct = connection.provider.as_ref().and_then(|provider| self.issuer.conduct(provider));
        conduct.is_some_and(|conduct| conduct.renewable)
    }

    /// The generation after `than`: the one that somebody else has got in the meantime, or one that is asked for now. Others who
    /// ask for the same get the same. Once it is at work it goes on to its end, where the caller does not wait for it too; whoever
    /// goes away before leaves the line, so that none grows while a provider is slow.
    pub async fn newer(self: &Arc<Self>, slot: &Slot, than: u64, because: Because) -> Result<u64, RenewError> {
        let before_others = self.locks.line_up(slot).await;
        let (counted, slot) = (Counted::new(self.clone()), slot.clone());
        let task = tokio::spawn(async move {
            let _before_others = before_others;
            counted.0.locked(&slot, than, because).await
        });
        task.await.unwrap_or_else(|_| Err(RenewError::Failed("the renewal was cut off".into())))
    }

    /// How many are at work at the moment.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Waits until none is under way, at most so long.
    pub async fn settle(&self, longest: Duration) {
        let settled = async {
            while self.under_way() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(longest, settled).await.is_err() {
            tracing::warn!("renewals are still under way; what came of them is looked at when the host starts again");
        }
    }

    async fn locked(&self, slot: &Slot, than: u64, because: Because) -> Result<u64, RenewError> {
        loop {
            let held = self.locks.try_take(slot);
            let held = held.map_err(|e| RenewError::Failed(format!("the connection cannot be locked: {e}")))?;
            if let Some(held) = held {
                return self.alone(slot, than, because, held).await;
            }
            match self.vault.head(slot).await? {
                Some(head) if head.generation == than => tokio::time::sleep(LOOK).await,
                Some(head) => return Ok(head.generation),
                None => return Err(RenewError::Gone),
            }
        }
    }

    async fn alone(&self, slot: &Slot, than: u64, because: Because, _held: Held) -> Result<u64, RenewError> {
        loop {
            let (head, opened) = self.vault.slot(slot).await?.ok_or(RenewError::Gone)?;
            if head.generation != than {
                return Ok(head.generation);
            }
            let let_in = self.let_in(slot, &opened, because).await?;
            // Where somebody stored another credential just now, that one is looked at.
            let one_try = Box::pin(self.one_try(slot, head, opened, because));
            if let Some(ended) = hold::through(let_in, one_try).await? {
                return ended;
            }
        }
    }

    /// Asks whoever holds renewals back, unless a person ordered this one.
    async fn let_in(
        &self,
        slot: &Slot,
        opened: &Opened,
        because: Because,
    ) -> Result<Option<Box<dyn LetIn>>, RenewError> {
        match (self.hold.get(), &opened.origin) {
            (Some(hold), Some(origin)) if because != Because::Asked => {
                Ok(Some(hold.let_in(slot, &origin.provider).await?))
            }
            _ => Ok(None),
        }
    }

    /// How a try ended; `None` where the head has changed, and nobody was asked.
    async fn one_try(
        &self,
        slot: &Slot,
        head: Head,
        opened: Opened,
        because: Because,
    ) -> Result<Option<Result<u64, RenewError>>, RenewError> {
        let Some(claimed) = self.claim(slot, head, opened, because).await? else { return Ok(None) };
        let issued = self.ask(&claimed).await;
        Ok(Some(self.conclude(claimed, issued).await))
    }

    /// Writes down the intent. `None` where the head has changed.
    async fn claim(
        &self,
        slot: &Slot,
        head: Head,
        opened: Opened,
        because: Because,
    ) -> Result<Option<Claimed>, RenewError> {
        let now = self.clock.now();
        let origin = opened.origin.clone().ok_or(RenewError::NotRenewable)?;
        let conduct = self.issuer.conduct(&origin.provider).filter(|conduct| conduct.renewable);
        let conduct = conduct.ok_or(RenewError::NotRenewable)?;
        // Without a way to a new one a refusal says nothing about the present one.
        if !conduct.own_means && opened.credential.refresh.is_none() && !because.is_order() {
            return Err(RenewError::NotRenewable);
        }
        may(&head, &opened, because, now)?;
        let failures = if let Standing::Cooling { failures, .. } = head.standing { failures } else { 0 };
        // We have the lock, so whoever wrote this has died or given up.
        let orphaned = matches!(head.standing, Standing::Renewing { .. });
        let unknown = head.unknown + u32::from(orphaned);
        let mut claimed =
            Claimed { slot: slot.clone(), head: head.clone(), opened, origin, conduct, failures, at: now };
        if orphaned && outcome::is_spent(conduct, unknown) && !because.is_order() {
            return self.give_up(&claimed, unknown, outcome::UNKNOWN_TWICE.into()).await;
        }
        let mut name = [0u8; 16];
        self.rng.fill(&mut name);
        let claimant = Some(hex::encode(name));
        let intent = Head { standing: Standing::Renewing { since: now }, claimant, unknown, ..head.clone() };
        let entry = self.entry(&claimed, Kind::ConnectionRenewing).with("because", because.word());
        let entry = if orphaned { entry.with("unknown-before", unknown) } else { entry };
        if !self.vault.set_head(slot, head, intent.clone(), entry).await? {
            return Ok(None);
        }
        claimed.head = intent;
        Ok(Some(claimed))
    }

    async fn give_up(&self, claimed: &Claimed, unknown: u32, why: String) -> Result<Option<Claimed>, RenewError> {
        let standing = Standing::ConsentNeeded { since: claimed.at, why: why.clone() };
        let head = Head { standing, claimant: None, unknown, ..claimed.head.clone() };
        let entry = self.entry(claimed, Kind::ConnectionConsentNeeded).with("why", why.as_str());
        match self.vault.set_head(&claimed.slot, claimed.head.clone(), head, entry).await? {
            true => Err(RenewError::ConsentNeeded(why)),
            false => Ok(None),
        }
    }

    async fn ask(&self, claimed: &Claimed) -> Result<NewSecret, IssueError> {
        let asked = self.issuer.renew(&claimed.origin, &claimed.opened.credential);
        let issued = tokio::time::timeout(LONGEST, asked).await;
        let issued = issued.unwrap_or_else(|_| Err(IssueError::Unknown(format!("no answer within {LONGEST:?}"))))?;
        let new = following(claimed, issued);
        // It has acted, and what it gave cannot be used: a person has to look.
        vault::check(&new).map_err(|error| IssueError::Refused(format!("what it issued cannot be kept: {error}")))?;
        Ok(new)
    }

    async fn conclude(&self, claimed: Claimed, issued: Result<NewSecret, IssueError>) -> Result<u64, RenewError> {
        match issued {
            Ok(new) => self.store(claimed, new).await,
            Err(error) => self.failed(&claimed, &error).await,
        }
    }

    /// Stores what was issued, and does not give up at the first failure of the storage.
    async fn store(&self, claimed: Claimed, new: NewSecret) -> Result<u64, RenewError> {
        let generation = claimed.head.generation + 1;
        let entry = self.entry(&claimed, Kind::ConnectionRenewed).with("generation", generation);
        let entry = match new.expires {
            Some(end) => entry.with("expires", end.to_string()),
            None => entry,
        };
        let mut pause = STORE_PAUSE;
        for last in (0..STORE_TRIES).rev() {
            match self.vault.succeed(&new, Some(claimed.head.clone()), generation, entry.clone()).await {
                Ok(Swap::Done) => return Ok(generation),
                Ok(_) => return self.too_late(&claimed, new).await,
                Err(error) if last == 0 => return Err(error.into()),
                Err(error) => tracing::error!(slot = %claimed.slot, %error, "a new credential cannot be stored yet"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(RenewError::Failed("the new credential could not be stored".into()))
    }

    /// Somebody stored another credential, or took the connection away: what was issued is not for anybody. Unless it is what
    /// was stored, by a write whose success we were not told of.
    async fn too_late(&self, claimed: &Claimed, new: NewSecret) -> Result<u64, RenewError> {
        if let Some((head, opened)) = self.vault.slot(&claimed.slot).await? {
            let access = |credential: &Credential| credential.access.as_ref().map(|one| one.expose().to_vec());
            if access(&opened.credential).map(Zeroizing::new) == access(&new.credential).map(Zeroizing::new) {
                return Ok(head.generation);
            }
        }
        if claimed.conduct.revocable
            && let Err(error) = self.issuer.revoke(&claimed.origin, &only_issued(claimed, &new)).await
        {
            tracing::warn!(slot = %claimed.slot, %error, "a credential that nobody needs any more could not be revoked");
        }
        match self.vault.head(&claimed.slot).await? {
            Some(head) if head.generation != claimed.head.generation => Ok(head.generation),
            Some(Head { standing: Standing::Revoked { .. }, .. }) => Err(RenewError::Revoked),
            Some(_) => Err(RenewError::Failed("it was changed while it was renewed".into())),
            None => Err(RenewError::Gone),
        }
    }

    async fn failed(&self, claimed: &Claimed, error: &IssueError) -> Result<u64, RenewError> {
        let why = plain(&error.to_string());
        let before = (claimed.failures, claimed.head.unknown);
        let ended = outcome::of(error, claimed.conduct, before, why, self.clock.now(), &*self.rng);
        let Ended { standing, unknown } = ended;
        let (kind, result) = match &standing {
            Standing::ConsentNeeded { why, .. } => {
                (Kind::ConnectionConsentNeeded, RenewError::ConsentNeeded(why.clone()))
            }
            Standing::Cooling { until, why, .. } => {
                (Kind::ConnectionRenewalFailed, RenewError::Cooling { until: *until, why: why.clone() })
            }
            _ => (Kind::ConnectionRenewalFailed, RenewError::Failed("it failed".into())),
        };
        let entry = self.entry(claimed, kind).with("why", error.to_string());
        let entry = match &standing {
            Standing::Cooling { until, failures, .. } => {
                entry.with("until", until.to_string()).with("failures", *failures)
            }
            _ => entry,
        };
        let head = Head { standing, claimant: None, unknown, ..claimed.head.clone() };
        if self.vault.set_head(&claimed.slot, claimed.head.clone(), head, entry).await? {
            return Err(result);
        }
        match self.vault.head(&claimed.slot).await? {
            Some(head) if head.generation != claimed.head.generation => Ok(head.generation),
            _ => Err(result),
        }
    }

    fn entry(&self, claimed: &Claimed, kind: Kind) -> Entry {
        let installation = claimed.slot.installation.as_ref().map_or("-", |installation| installation.as_str());
        Entry::new(self.clock.now(), kind, Actor::Host, Some(claimed.slot.tenant.clone()))
            .about(format!("installation:{installation}"))
            .with("name", claimed.slot.name.as_str())
            .with("provider", claimed.origin.provider.as_str())
            .with("generation", claimed.head.generation)
    }
}

/// Of what is new, what was not there before: the old refresh token may be somebody else's present one.
fn only_issued(claimed: &Claimed, new: &NewSecret) -> Credential {
    let before = claimed.opened.credential.refresh.as_ref().map(|refresh| refresh.expose());
    let refresh = new.credential.refresh.clone().filter(|refresh| Some(refresh.expose()) != before);
    Credential { refresh, ..new.credential.clone() }
}

/// Whether it may be asked for now.
fn may(head: &Head, opened: &Opened, because: Because, now: Timestamp) -> Result<(), RenewError> {
    match &head.standing {
        // Whatever somebody asks for: only a new credential from a person brings it back.
        Standing::Revoked { .. } => Err(RenewError::Revoked),
        _ if because.is_order() => Ok(()),
        Standing::ConsentNeeded { why, .. } => Err(RenewError::ConsentNeeded(why.clone())),
        Standing::Cooling { until, why, .. } if now < *until => {
            Err(RenewError::Cooling { until: *until, why: why.clone() })
        }
        _ if because == Because::Refused && pace::is_believed(opened.row.issued, opened.row.expires, now) => {
            Err(RenewError::Young)
        }
        _ => Ok(()),
    }
}

/// The next generation out of what was issued. It lasts from before it was asked for, since nobody knows when it was made.
fn following(claimed: &Claimed, issued: Issued) -> NewSecret {
    let Credential { refresh, client, .. } = claimed.opened.credential.clone();
    NewSecret {
        slot: claimed.slot.clone(),
        place: claimed.opened.row.place.clone(),
        origin: Some(claimed.origin.clone()),
        credential: Credential { access: Some(issued.access), refresh: issued.refresh.or(refresh), client },
        expires: issued.lifetime.map(|lasts| claimed.at.plus(lasts)),
    }
}

/// One that is at work.
struct Counted(Arc<Renewals>);

impl Counted {
    fn new(renewals: Arc<Renewals>) -> Self {
        renewals.under_way.fetch_add(1, Ordering::SeqCst);
        Self(renewals)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewals(…)")
    }
}
