//! What the operations about the log ask of the host.

use std::collections::BTreeMap;

use async_trait::async_trait;
use portcullis_model::{audit::Actor, error::StoreError, id::TenantId, time::Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Why something is not done with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// The state of it does not allow that.
    #[error("{0}")]
    Conflict(String),
    /// What is asked for cannot be, or must not.
    #[error("{0}")]
    Refused(String),
    /// It went wrong. For the host's own log lines alone.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Of what a head is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of the whole log.
    Whole,
    /// Of a tenant's view, or of that of what is no tenant's.
    View(Option<TenantId>),
}

/// A signed head of the log, or of a view.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogHead)]
pub struct Head {
    /// What the log is called.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of its tree.
    pub root: String,
    /// The public key that it is checked with.
    pub key: String,
    /// The head itself: a signed note.
    pub checkpoint: String,
}

/// What shows that the log, or a view, only grew.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogGrowth)]
pub struct Growth {
    /// The older size.
    pub from: u64,
    /// The newer one.
    pub to: u64,
    /// The hashes of the proof, in order.
    pub hashes: Vec<String>,
    /// The newer head: a signed note.
    pub checkpoint: String,
}

/// A view of the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogView)]
pub struct View {
    /// What it is called in the published log, where no tenant is named.
    pub tag: String,
    /// Whose it is; null for what is no tenant's.
    #[schema(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// How many entries it has.
    pub size: u64,
}

/// The public key of the log, and how it came about.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LogKeys)]
pub struct Keys {
    /// The key that signs.
    pub key: String,
    /// Those before it, the oldest first.
    pub older: Vec<String>,
    /// Until when the one before signs as well, where it does.
    #[schema(format = DateTime)]
    pub old_signs_until: Option<String>,
}

/// Shows that the log is what it was. All of it is public but whose a view is, and the entries.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// The newest signed head.
    ///
    /// # Errors
    /// [`LogError::Unknown`] where nothing of it is published; the log cannot be read.
    async fn head(&self, of: &Part) -> Result<Head, LogError>;

    /// What shows that it only grew since it had so many entries.
    ///
    /// # Errors
    /// As [`head`](Self::head); [`LogError::Refused`] where it never had as many.
    async fn growth(&self, of: &Part, from: u64) -> Result<Growth, LogError>;

    /// All views, by their tags.
    ///
    /// # Errors
    /// Storage.
    async fn views(&self) -> Result<Vec<View>, LogError>;

    /// An entry with all that shows where it stands, checked. Whoever asks may see the entry.
    ///
    /// # Errors
    /// [`LogError::Conflict`] where it is not published yet, or was disposed of; the log cannot be read, or the store does not agree with it.
    async fn entry(&self, index: u64) -> Result<Value, LogError>;

    /// The key that signs, and those before it.
    ///
    /// # Errors
    /// They cannot be read.
    async fn keys(&self) -> Result<Keys, LogError>;
}

/// A witness of the log, and what it last cosigned.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogWitness)]
pub struct Witness {
    /// What it is called here.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// Its public key.
    pub vkey: String,
    /// How many entries it last cosigned.
    pub cosigned: u64,
    /// When it was asked last; null where it never was.
    #[schema(format = DateTime)]
    pub asked: Option<String>,
    /// Why it did not cosign then.
    pub problem: Option<String>,
}

/// A witness that is to be asked from now on.
#[derive(Clone, Debug)]
pub struct NewWitness {
    /// What to call it.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// Its public key.
    pub vkey: String,
}

/// What came of asking a witness.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LogWitnessAsked)]
pub struct Asked {
    /// Which.
    pub name: String,
    /// How many entries it has cosigned now.
    pub cosigned: u64,
    /// Why it did not cosign.
    pub problem: Option<String>,
}

/// Somebody who is sent the log as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LogOutlet)]
pub struct Outlet {
    /// The section of the configuration that it is from.
    pub name: String,
    /// Where it leads.
    pub to: String,
    /// Whether it has begun. Where not, it does when the host next starts, and nothing else is said of it.
    pub begun: bool,
    /// The first entry that is not known to have arrived.
    pub next: Option<u64>,
    /// How many entries the log has.
    pub entries: Option<u64>,
    /// How many of them wait.
    pub lag: Option<u64>,
    /// Of when the oldest is that waits.
    #[schema(format = DateTime)]
    pub oldest_waiting: Option<String>,
    /// When an entry last arrived.
    #[schema(format = DateTime)]
    pub last_arrived: Option<String>,
    /// Since when the receiver takes none.
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
    /// What is wrong.
    pub problem: Option<String>,
    /// How many records the receiver would not keep.
    pub refused: Option<u64>,
    /// How many entries were gone before they were sent.
    pub missed: Option<u64>,
}

/// Which personal values are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Each that is exactly this, and each text that it stands in as a word of its own.
    Everywhere(String),
    /// Those of one entry, or of one field of it.
    Entry {
        /// Which entry.
        index: u64,
        /// Which field of it.
        field: Option<String>,
    },
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Of which entries, in order.
    pub entries: Vec<u64>,
    /// How many values, by field.
    pub fields: BTreeMap<String, u64>,
    /// The entries that say so.
    pub recorded: Vec<u64>,
    /// Whether nothing of them is left in the files of the store and of its index.
    pub is_gone: bool,
}

/// What is to be disposed of, and why.
#[derive(Clone, Debug)]
pub struct Cut {
    /// What is older than this.
    pub before: Timestamp,
    /// Of one view alone: a tenant's, or that of what is no tenant's. Absent: of all.
    pub view: Option<Option<TenantId>>,
    /// Why.
    pub reason: String,
}

/// What of a view was disposed of, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LogDisposed)]
pub struct Disposed {
    /// Whose view: a tenant's, or `host`.
    pub view: String,
    /// The first entry; null where nothing is that old.
    pub from: Option<u64>,
    /// The last one.
    pub to: Option<u64>,
    /// How many.
    pub count: u64,
    /// Whether nothing of them is left in the files of the store and of its index. Without meaning in a rehearsal.
    pub is_gone: bool,
}

/// Looks after the log: who cosigns it, who is sent it, and what of it is taken away. Each change is on record in the same write.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// The witnesses, by name.
    ///
    /// # Errors
    /// Storage.
    async fn witnesses(&self) -> Result<Vec<Witness>, LogError>;

    /// What a witness with this key and address is called in signatures, where both are what they are to be.
    ///
    /// # Errors
    /// [`LogError::Refused`] where they are not.
    fn known_as(&self, new: &NewWitness) -> Result<String, LogError>;

    /// Adds a witness. False, and nothing done, where one of this name is there.
    ///
    /// # Errors
    /// Storage.
    async fn add_witness(&self, new: &NewWitness, by: Actor) -> Result<bool, LogError>;

    /// Asks a witness no more. False where there is none of this name.
    ///
    /// # Errors
    /// Storage.
    async fn remove_witness(&self, name: &str, by: Actor) -> Result<bool, LogError>;

    /// Asks all witnesses now. What one does not do is said of it.
    ///
    /// # Errors
    /// The log cannot be read; storage.
    async fn ask_witnesses(&self) -> Result<Vec<Asked>, LogError>;

    /// Who is sent the log, by the configuration and by what is kept of it.
    ///
    /// # Errors
    /// Storage.
    async fn outlets(&self) -> Result<Vec<Outlet>, LogError>;

    /// What [`erase`](Self::erase) would erase.
    ///
    /// # Errors
    /// Storage.
    async fn erasable(&self, which: &Values) -> Result<Erased, LogError>;

    /// Erases personal values. That nothing was found is on record as well.
    ///
    /// # Errors
    /// Storage.
    async fn erase(&self, which: &Values, reason: &str, by: Actor) -> Result<Erased, LogError>;

    /// Disposes of published entries, view by view; looks only, where `dry`.
    ///
    /// # Errors
    /// [`LogError::Refused`] where it is about what is too young, by whomever; the log cannot be read; storage.
    async fn dispose(&self, cut: &Cut, by: Actor, dry: bool) -> Result<Vec<Disposed>, LogError>;
}
