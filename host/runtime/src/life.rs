//! Ending live calls from outside: when what is trusted has changed, nothing that a release began goes on (MNT-3, INC-1).
//!
//! Invariants: once an installation is barred up to a generation, no call of it begins under that generation or an older one,
//! and those under way are dropped at the next point where they yield: at a host call or an epoch, each a few milliseconds
//! of its own time apart at the most. One that is [behind](crate::shares) may have to wait for its time, and does nothing meanwhile.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use portcullis_model::id::InstallationId;
use tokio::sync::Notify;

/// Whether calls of one installation may go on.
#[derive(Default)]
pub(crate) struct Life {
    /// Up to and with this generation nothing runs.
    barred: AtomicU64,
    live: AtomicUsize,
    over: Notify,
}

/// One call that is under way.
pub(crate) struct Alive {
    life: Arc<Life>,
    generation: u64,
}

impl Life {
    /// Lets a call of this generation begin; `None` where it is barred.
    pub fn begin(self: &Arc<Self>, generation: u64) -> Option<Alive> {
        self.live.fetch_add(1, Ordering::SeqCst);
        let alive = Alive { life: self.clone(), generation };
        // After it was counted: whoever bars it either sees it counted, or is seen here.
        (!alive.is_over()).then_some(alive)
    }
}

impl Alive {
    fn is_over(&self) -> bool {
        self.life.barred.load(Ordering::SeqCst) >= self.generation
    }

    /// Waits until the call must end.
    pub async fn over(&self) {
        loop {
            let notified = self.life.over.notified();
            if self.is_over() {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.life.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The lives of all installations.
#[derive(Default)]
pub(crate) struct Lives(Mutex<HashMap<InstallationId, Arc<Life>>>);

impl Lives {
    /// The life of one.
    pub fn of(&self, id: &InstallationId) -> Arc<Life> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// Ends all calls of this generation and older ones. Gives how many were under way.
    pub fn end(&self, id: &InstallationId, generation: u64) -> usize {
        let life = self.of(id);
        life.barred.fetch_max(generation, Ordering::SeqCst);
        let live = life.live.load(Ordering::SeqCst);
        life.over.notify_waiters();
        live
    }

    /// How many calls are under way.
    pub fn live(&self, id: &InstallationId) -> usize {
        self.of(id).live.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_barred_does_not_begin_and_what_runs_ends() {
        let lives = Lives::default();
        let id: InstallationId = "in_1".parse().unwrap();
        let life = lives.of(&id);
        let (first, second) = (life.begin(1).unwrap(), life.begin(2).unwrap());
        assert_eq!(lives.end(&id, 1), 2);
        first.over().await;
        drop(first);
        assert!(life.begin(1).is_none());
        assert!(!second.is_over(), "a newer generation goes on");
        assert_eq!(lives.live(&id), 1);
        let waiting = tokio::spawn(async move { second.over().await });
        tokio::task::yield_now().await;
        lives.end(&id, 2);
        waiting.await.unwrap();
        assert_eq!(lives.live(&id), 0);
        assert!(life.begin(3).is_some());
    }
}
