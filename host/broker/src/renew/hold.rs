//! Answers for holding renewals back: whoever may do that is asked before each request that goes to a provider by the host's own
//! doing.
//!
//! Invariants: what a person ordered, or an act of rotation in a person's name, is not held back; a request that is under way is not
//! cut off, since what it issues would be lost, and whoever holds back knows of it until its end.

use std::pin::pin;

use async_trait::async_trait;
use portcullis_model::{freeze::Frozen, id::ProviderId, secret::Slot};

use super::RenewError;

/// Why nobody is asked now.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HeldBack {
    /// A freeze covers it.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// Nobody knows whether one does.
    #[error("it cannot be looked up whether it is frozen: {0}")]
    Unknown(String),
}

/// Holds renewals back.
#[async_trait]
pub trait Hold: Send + Sync {
    /// Lets a request to this provider begin for this credential, or says why not.
    async fn let_in(&self, slot: &Slot, provider: &ProviderId) -> Result<Box<dyn LetIn>, HeldBack>;
}

/// A renewal that was let begin. While it lives the renewal is under way.
#[async_trait]
pub trait LetIn: Send {
    /// Takes notice of what comes to be held back, as long as the renewal goes on.
    async fn look_on(&mut self);
}

impl From<HeldBack> for RenewError {
    fn from(held: HeldBack) -> Self {
        match held {
            HeldBack::Frozen(frozen) => Self::Frozen(frozen),
            HeldBack::Unknown(why) => Self::Failed(why),
        }
    }
}

/// Carries it out to its end, with whoever let it begin looking on.
pub(super) async fn through<T>(let_in: Option<Box<dyn LetIn>>, work: impl Future<Output = T>) -> T {
    let Some(mut let_in) = let_in else { return work.await };
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = let_in.look_on() => work.await,
    }
}
