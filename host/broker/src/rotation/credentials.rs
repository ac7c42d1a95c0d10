//! What an act of rotation needs of whoever keeps something that can be rotated: the vault, the sources, the authorization server.
//!
//! Invariants that an implementation holds: each step can be taken again with the same effect; when `renew_now` or `person_needed`
//! returns, what it did is stored, and whoever reads the credentials from then on finds it; no error holds a secret.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    rotation::{Family, Held, Item},
};

use crate::issue::{IssueError, Revoked};

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The issuer does not know the credential any more: only a person helps.
    #[error("the issuer does not accept it any more: {0}")]
    GrantGone(String),
    /// The issuer refuses.
    #[error("the issuer refuses: {0}")]
    Refused(String),
    /// The issuer was not asked, or it did nothing.
    #[error("the issuer cannot be asked: {why}")]
    NotReached {
        /// What happened.
        why: String,
        /// How long the issuer wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The issuer may have acted.
    #[error("the issuer may have acted, and its answer did not arrive: {0}")]
    Unknown(String),
    /// There is no such item any more.
    #[error("it is not there any more")]
    Gone,
    /// Another one has taken its place, which has nothing of it.
    #[error("somebody has put another one in its place: generation {0}")]
    Replaced(u64),
    /// The host's own storage failed.
    #[error("{0}")]
    Store(String),
}

impl From<IssueError> for StepError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::GrantGone(why) => Self::GrantGone(why),
            IssueError::Refused(why) => Self::Refused(why),
            IssueError::NotReached { why, retry_after } => Self::NotReached { why, retry_after },
            IssueError::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// One family of what can be rotated.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Which families it keeps.
    fn families(&self) -> &'static [Family];

    /// Everything that it keeps of them, as it stands.
    async fn list(&self) -> Result<Vec<Held>, StepError>;

    /// Revokes that generation where it was issued: all of it, or with `access_only` just the access token, because a new pair has
    /// taken its place. It is not used any more, also where the issuer has no such call.
    async fn revoke_now(&self, item: &Item, generation: u64, access_only: bool) -> Result<Revoked, StepError>;

    /// Mints anew and takes it into use, and gives the new generation. Where a newer one than `old` is current already, nobody is
    /// asked, and that one is given. The old one goes on beside it for `overlap`, where the family can do that.
    async fn renew_now(&self, item: &Item, old: u64, overlap: Duration) -> Result<u64, StepError>;

    /// Takes that generation out of use and says that a person must replace it; a newer one of the same grant too. One that has
    /// nothing of it is left alone, and is the error [`StepError::Replaced`].
    async fn person_needed(&self, item: &Item, generation: u64, why: &str) -> Result<(), StepError>;
}

/// All families.
#[derive(Clone, Default)]
pub struct Families(Vec<Arc<dyn Credentials>>);

impl Families {
    /// These.
    pub fn new(all: Vec<Arc<dyn Credentials>>) -> Self {
        Self(all)
    }

    /// Whoever keeps this family.
    pub fn of(&self, family: Family) -> Result<&Arc<dyn Credentials>, StepError> {
        let found = self.0.iter().find(|one| one.families().contains(&family));
        found.ok_or_else(|| StepError::Store(format!("nobody keeps items of the family '{}'", family.name())))
    }

    /// Everything of all of them, in the order of their items.
    pub async fn list(&self) -> Result<Vec<Held>, StepError> {
        let mut all = Vec::new();
        for one in &self.0 {
            all.extend(one.list().await?);
        }
        all.sort_by(|a, b| a.item.cmp(&b.item));
        Ok(all)
    }
}
