//! Answers for freezes on the way of the host's own renewals: while something is frozen its provider hears nothing of the host but
//! what a person or an emergency ordered (INT-6).
//!
//! Invariants: where it cannot be known whether something is frozen, it is; a renewal that is under way when a freeze comes is no
//! part of what holds until it has ended.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use portcullis_model::{
    freeze::{Carried, Subject},
    id::ProviderId,
    installation::InstallationStore,
    secret::Slot,
};

use super::book::{FreezeBook, Pass};
use crate::renew::hold::{HeldBack, Hold, LetIn};

/// Holds renewals to a book of freezes.
pub struct Brake {
    // The book reads credentials anew, and they have the renewals: not in a circle.
    book: Weak<FreezeBook>,
    installations: Arc<dyn InstallationStore>,
}

impl Brake {
    /// By this book. `installations` says which plugin a credential's installation is of.
    pub fn new(book: &Arc<FreezeBook>, installations: Arc<dyn InstallationStore>) -> Self {
        Self { book: Arc::downgrade(book), installations }
    }

    async fn subject(&self, slot: &Slot) -> Result<Subject, HeldBack> {
        let all = self.installations.installations().await.map_err(|error| HeldBack::Unknown(error.to_string()))?;
        let is_its = |id: &_, tenant: &_| slot.installation.as_ref() == Some(id) && slot.tenant == *tenant;
        let found = all.iter().find(|one| is_its(&one.id, &one.tenant)).map(Subject::from);
        found.ok_or_else(|| HeldBack::Unknown(format!("there is no installation of {slot}")))
    }
}

#[async_trait]
impl Hold for Brake {
    async fn let_in(&self, slot: &Slot, provider: &ProviderId) -> Result<Box<dyn LetIn>, HeldBack> {
        let book = self.book.upgrade().ok_or_else(|| HeldBack::Unknown("the host is stopping".to_owned()))?;
        let subject = self.subject(slot).await?;
        let carried = Carried { name: slot.name.clone(), provider: Some(provider.clone()) };
        Ok(Box::new(book.enter(subject, move || vec![carried.clone()])?))
    }
}

#[async_trait]
impl<C: Fn() -> Vec<Carried> + Send + Sync> LetIn for Pass<C> {
    async fn look_on(&mut self) {
        Pass::look_on(self).await;
    }
}
