//! Answers for connections that wait for their next request.
//!
//! Nobody reads from a connection that waits: that the other side closed it is seen when it is taken, or else it is closed for
//! its age.
//!
//! Invariants: a connection is used again only by the installation that opened it, to the same host and port, under the same
//! generation of that installation's credentials, in the runtime where it was asked for, and only if it was idle for less than 30 s;
//! one that was idle for longer is closed soon after, whether or not a request comes; at most 512 wait in all, 256 of them alike;
//! the longest idle goes first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use portcullis_model::{
    id::{InstallationId, TenantId},
    time::{Clock, Timestamp},
};
use tokio::runtime::{self, Handle};

use crate::{sending::Sending, wire::Wire};

const MAX_IDLE: usize = 512;
const MAX_ALIKE: usize = 256;
const MAX_AGE: Duration = Duration::from_secs(30);

/// How often all of them are looked through for those that are too old.
const SWEEP: Duration = Duration::from_secs(5);

/// Who may use a connection again, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tenant: TenantId,
    pub(crate) installation: InstallationId,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whose threads say when it can be read and written.
    pub(crate) runtime: Option<runtime::Id>,
}

impl Key {
    /// For this request, sent from where this is called.
    pub(crate) fn of(sending: &Sending) -> Self {
        let (subject, target) = (&sending.subject, &sending.target);
        let (tenant, installation) = (subject.tenant.clone(), subject.installation.clone());
        Self { tenant, installation, host: target.host().to_owned(), port: target.port(), runtime: here() }
    }
}

fn here() -> Option<runtime::Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

struct Idle<W> {
    since: Timestamp,
    wire: W,
}

/// Connections of one key and one generation.
struct Alike<W> {
    generation: u64,
    /// The longest idle first.
    idle: VecDeque<Idle<W>>,
}

struct State<W> {
    alike: HashMap<Key, Alike<W>>,
    count: usize,
    /// Whether somebody closes those that grow too old.
    swept: bool,
}

/// The connections that wait.
pub(crate) struct Pool<W = Wire> {
    state: Arc<Mutex<State<W>>>,
    clock: Arc<dyn Clock>,
}

impl<W: Send + 'static> Pool<W> {
    /// With none. Those that wait grow old by this clock.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State { alike: HashMap::new(), count: 0, swept: false };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// The youngest that fits. Closes those that are too old or of an older generation.
    pub(crate) fn take(&self, key: &Key, generation: u64) -> Option<W> {
        let now = self.clock.now();
        // Dropped, and so closed, after the lock.
        let mut closed = VecDeque::new();
        let mut state = lock(&self.state);
        let alike = state.alike.get_mut(key)?;
        if alike.generation < generation {
            closed.append(&mut alike.idle);
            alike.generation = generation;
        }
        let mut youngest = None;
        if alike.generation == generation {
            youngest = alike.idle.pop_back();
            if youngest.as_ref().is_some_and(|one| one.is_old(now)) {
                // The others are older still.
                closed.append(&mut alike.idle);
                closed.extend(youngest.take());
            }
        }
        state.count -= closed.len() + usize::from(youngest.is_some());
        youngest.map(|one| one.wire)
    }

    /// Lets one wait; not where one of a newer generation was let wait already.
    pub(crate) fn put(&self, key: Key, generation: u64, wire: W) {
        let since = self.clock.now();
        let mut closed = VecDeque::new();
        let mut state = lock(&self.state);
        if state.count >= MAX_IDLE {
            closed.extend(state.oldest());
        }
        let alike = state.alike.entry(key).or_insert_with(|| Alike { generation, idle: VecDeque::new() });
        if alike.generation < generation {
            alike.generation = generation;
            let older = std::mem::take(&mut alike.idle);
            alike.idle.push_back(Idle { since, wire });
            state.count = state.count + 1 - older.len();
            closed.extend(older);
        } else if alike.generation == generation && alike.idle.len() < MAX_ALIKE {
            alike.idle.push_back(Idle { since, wire });
            state.count += 1;
        } else {
            closed.push_back(Idle { since, wire });
        }
        if let (false, Ok(runtime)) = (state.swept, Handle::try_current()) {
            state.swept = true;
            runtime.spawn(sweep(Arc::downgrade(&self.state), self.clock.clone(), SWEEP));
        }
    }
}

fn lock<W>(state: &Mutex<State<W>>) -> MutexGuard<'_, State<W>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes what grows too old, until nothing waits any more.
async fn sweep<W>(state: Weak<Mutex<State<W>>>, clock: Arc<dyn Clock>, pause: Duration) {
    let mut goes_on = true;
    while goes_on {
        tokio::time::sleep(pause).await;
        let Some(state) = state.upgrade() else { return };
        let mut closed = Vec::new();
        let mut state = lock(&state);
        closed.append(&mut state.too_old(clock.now()));
        goes_on = state.count > 0;
        state.swept = goes_on;
    }
}

impl<W> Idle<W> {
    fn is_old(&self, now: Timestamp) -> bool {
        self.since.distance(now) >= MAX_AGE
    }
}

impl<W> State<W> {
    /// Takes out what is too old.
    fn too_old(&mut self, now: Timestamp) -> Vec<Idle<W>> {
        let mut old = Vec::new();
        self.alike.retain(|_, alike| {
            // The longest idle come first.
            let count = alike.idle.iter().take_while(|one| one.is_old(now)).count();
            old.extend(alike.idle.drain(..count));
            !alike.idle.is_empty()
        });
        self.count -= old.len();
        old
    }

    /// Takes out what waits the longest.
    fn oldest(&mut self) -> Option<Idle<W>> {
        let waiting = self.alike.values_mut().map(|alike| &mut alike.idle).filter(|idle| !idle.is_empty());
        let oldest = waiting.min_by_key(|idle| idle.front().map(|one| one.since))?.pop_front();
        self.count -= usize::from(oldest.is_some());
        oldest
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
    }

    impl Hand {
        fn set(&self, ms: i64) {
            self.0.store(ms, Ordering::Relaxed);
        }
    }

    fn pool() -> (Arc<Hand>, Pool<usize>) {
        let hand = Arc::new(Hand::default());
        (hand.clone(), Pool::new(hand))
    }

    fn key(installation: &str) -> Key {
        Key {
            tenant: "acme".parse().unwrap(),
            installation: installation.parse().unwrap(),
            host: "a.example.test".into(),
            port: 443,
            runtime: None,
        }
    }

    #[test]
    fn gives_back_only_in_the_same_runtime() {
        let (_, pool) = pool();
        let runtime = || runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (front, behind) = (runtime(), runtime());
        let key = || Key { runtime: here(), ..key("ins_1") };
        behind.block_on(async { pool.put(key(), 2, 1) });
        assert_eq!(front.block_on(async { pool.take(&key(), 2) }), None);
        assert_eq!(behind.block_on(async { pool.take(&key(), 2) }), Some(1));
    }

    #[test]
    fn gives_back_only_to_the_same_installation_host_port_and_generation() {
        let (_, pool) = pool();
        pool.put(key("ins_1"), 2, 1);
        assert_eq!(pool.take(&key("ins_2"), 2), None);
        assert_eq!(pool.take(&Key { port: 8443, ..key("ins_1") }, 2), None);
        assert_eq!(pool.take(&Key { host: "b.example.test".into(), ..key("ins_1") }, 2), None);
        assert_eq!(pool.take(&Key { tenant: "other".parse().unwrap(), ..key("ins_1") }, 2), None);
        assert_eq!(pool.take(&key("ins_1"), 1), None, "whoever began before a renewal");
        assert_eq!(pool.take(&key("ins_1"), 2), Some(1));
        assert_eq!(pool.take(&key("ins_1"), 2), None, "once");
    }

    #[test]
    fn closes_what_is_of_an_older_generation_and_nothing_else() {
        let (_, pool) = pool();
        pool.put(key("ins_1"), 1, 1);
        pool.put(key("ins_2"), 1, 2);
        assert_eq!(pool.take(&key("ins_1"), 2), None);
        assert_eq!(pool.take(&key("ins_1"), 1), None, "closed by the look of a newer one");
        assert_eq!(pool.take(&key("ins_2"), 1), Some(2), "another's renewal");
        pool.put(key("ins_1"), 1, 3);
        assert_eq!(pool.take(&key("ins_1"), 1), None, "too late to wait");
        pool.put(key("ins_1"), 2, 4);
        pool.put(key("ins_1"), 3, 5);
        assert_eq!(pool.take(&key("ins_1"), 2), None, "closed by a newer one that waits");
        assert_eq!(pool.take(&key("ins_1"), 3), Some(5));
        assert_eq!(lock(&pool.state).count, 0);
    }

    #[test]
    fn gives_back_nothing_that_is_old() {
        let (hand, pool) = pool();
        for number in 3..6 {
            pool.put(key("ins_1"), 2, number);
        }
        hand.set(29_999);
        assert_eq!(pool.take(&key("ins_1"), 2), Some(5));
        hand.set(30_000);
        assert_eq!(pool.take(&key("ins_1"), 2), None);
        assert_eq!(lock(&pool.state).count, 0);
    }

    #[tokio::test]
    async fn closes_what_is_old_though_nobody_asks() {
        let (hand, pool) = pool();
        pool.put(key("ins_1"), 2, 6);
        assert!(lock(&pool.state).swept, "somebody looks");
        let sweeping = tokio::spawn(sweep(Arc::downgrade(&pool.state), hand.clone(), Duration::from_millis(5)));
        hand.set(29_999);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!((lock(&pool.state).count, sweeping.is_finished()), (1, false), "not old yet");
        hand.set(30_000);
        sweeping.await.unwrap();
        let state = lock(&pool.state);
        assert_eq!((state.count, state.alike.len(), state.swept), (0, 0, false));
        drop(state);
        pool.put(key("ins_1"), 2, 7);
        assert!(lock(&pool.state).swept, "somebody looks again");
    }

    #[test]
    fn keeps_few() {
        let (hand, pool) = pool();
        for n in 0..MAX_ALIKE + 10 {
            pool.put(key("ins_1"), 1, n);
        }
        let kept = std::iter::from_fn(|| pool.take(&key("ins_1"), 1)).count();
        assert_eq!(kept, MAX_ALIKE);
        for n in 0..MAX_IDLE + 5 {
            hand.set(i64::try_from(n).unwrap());
            pool.put(key(&format!("ins_{n}")), 1, n);
        }
        let left = |n: usize| pool.take(&key(&format!("ins_{n}")), 1).is_some();
        assert!((0..5).all(|n| !left(n)), "the oldest went");
        assert_eq!((5..MAX_IDLE + 5).filter(|n| left(*n)).count(), MAX_IDLE);
        assert_eq!(lock(&pool.state).count, 0);
    }
}
