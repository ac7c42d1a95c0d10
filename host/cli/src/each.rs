//! Work that a running host does for many by itself: for each at most one piece at a time, none waiting for another's.
//!
//! Invariants: what panics takes its task with it, as if it had been done in place; room is bounded.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinSet;

/// Pieces of work that are under way, by what they are for.
pub struct Each<K> {
    running: JoinSet<()>,
    busy: Arc<Mutex<BTreeSet<K>>>,
    most: usize,
}

/// Says that a piece is through, however it ended.
struct Through<K: Ord>(K, Arc<Mutex<BTreeSet<K>>>);

impl<K: Ord> Drop for Through<K> {
    fn drop(&mut self) {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl<K: Ord + Clone + Send + 'static> Each<K> {
    /// At most so many at once.
    pub fn new(most: usize) -> Self {
        Self { running: JoinSet::new(), busy: Arc::default(), most }
    }

    /// Whether a piece for this can begin now: none for it is under way, and there is room.
    pub fn may_begin(&self, key: &K) -> bool {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.len() < self.most && !busy.contains(key)
    }

    /// Begins a piece, where [`Each::may_begin`] says so.
    pub fn begin(&mut self, key: K, work: impl Future<Output = ()> + Send + 'static) {
        if !self.may_begin(&key) {
            return;
        }
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        let through = Through(key, self.busy.clone());
        self.running.spawn(async move {
            let _through = through;
            work.await;
        });
    }

    /// Looks after those that are through.
    ///
    /// # Panics
    /// Where one of them did.
    pub fn look(&mut self) {
        while let Some(ended) = self.running.try_join_next() {
            passed_on(ended);
        }
    }

    /// Waits for all.
    ///
    /// # Panics
    /// Where one of them did.
    pub async fn all(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            passed_on(ended);
        }
    }
}

fn passed_on(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn one_that_does_not_end_holds_up_no_other_and_room_is_bounded() {
        let mut each = Each::new(2);
        let (go, slow) = oneshot::channel::<()>();
        each.begin("slow", async move { drop(slow.await) });
        assert!(!each.may_begin(&"slow") && each.may_begin(&"quick"));
        let (tell, told) = oneshot::channel();
        each.begin("quick", async move { tell.send(()).unwrap() });
        told.await.unwrap();
        while !each.may_begin(&"quick") {
            tokio::task::yield_now().await;
        }
        each.begin("third", std::future::pending());
        assert!(!each.may_begin(&"fourth"), "two are the most");
        drop(go);
        while !each.may_begin(&"fourth") {
            tokio::task::yield_now().await;
        }
        each.look();
    }

    #[tokio::test]
    #[should_panic(expected = "on its own")]
    async fn a_panic_is_not_kept_quiet() {
        let mut each = Each::new(1);
        each.begin(1, async { panic!("on its own") });
        each.all().await;
    }
}
