//! Whose rotations are being rehearsed.
//!
//! Invariant: a rehearsal plays in real time, so that a tenant has one at a time, and the platform one beside them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use portcullis_model::id::TenantId;

/// The rehearsals that go on.
#[derive(Clone, Default)]
pub struct Rehearsing(Arc<Mutex<BTreeSet<Option<TenantId>>>>);

/// The right to rehearse, until it is dropped.
pub(super) struct Rehearsal {
    of: Rehearsing,
    whose: Option<TenantId>,
}

impl Rehearsing {
    /// The right to rehearse a tenant's, or what is no tenant's; none where somebody has it.
    pub(super) fn take(&self, whose: Option<&TenantId>) -> Option<Rehearsal> {
        let is_free = self.held().insert(whose.cloned());
        is_free.then(|| Rehearsal { of: self.clone(), whose: whose.cloned() })
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<Option<TenantId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.of.held().remove(&self.whose);
    }
}
