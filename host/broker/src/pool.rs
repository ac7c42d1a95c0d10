//! Answers for connections that wait for their next request.
//!
//! Invariants: a connection is used again only by the installation that opened it, to the same host and port, under the same
//! generation of credentials, and only if it was idle for less than 30 s; at most 512 wait in all, 256 of them alike; the
//! longest idle goes first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::{
    id::{InstallationId, TenantId},
    time::Timestamp,
};

use crate::wire::Wire;

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
    /// The generation of the table of credentials.
    pub(crate) generation: u64,
}

struct Idle<W> {
    since: Timestamp,
    wire: W,
}

struct State<W> {
    /// The longest idle first.
    idle: HashMap<Key, VecDeque<Idle<W>>>,
    count: usize,
    /// The newest generation that was seen.
    newest: u64,
    swept: Option<Timestamp>,
}

/// The connections that wait.
pub(crate) struct Pool<W = Wire> {
    state: Mutex<State<W>>,
}

impl<W> Pool<W> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { idle: HashMap::new(), count: 0, newest: 0, swept: None }) }
    }

    /// The youngest that fits. Closes those that are too old or of an older generation.
    pub(crate) fn take(&self, key: &Key, now: Timestamp) -> Option<W> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tidy(key.generation, now);
        let alike = state.idle.get_mut(key)?;
        let youngest = alike.pop_back()?;
        // Where it is too old, the others are older still.
        let good = youngest.since.distance(now) < MAX_AGE;
        let gone = if good { 1 } else { 1 + alike.drain(..).count() };
        state.count -= gone;
        good.then_some(youngest.wire)
    }

    /// Lets one wait.
    pub(crate) fn put(&self, key: Key, wire: W, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tidy(key.generation, now);
        if key.generation < state.newest || state.idle.get(&key).is_some_and(|alike| alike.len() >= MAX_ALIKE) {
            return;
        }
        if state.count >= MAX_IDLE {
            state.drop_oldest();
        }
        state.idle.entry(key).or_default().push_back(Idle { since: now, wire });
        state.count += 1;
    }
}

impl<W> State<W> {
    fn tidy(&mut self, generation: u64, now: Timestamp) {
        let newer = generation > self.newest;
        if !newer && self.swept.is_some_and(|swept| swept.distance(now) < SWEEP) {
            return;
        }
        self.newest = self.newest.max(generation);
        self.swept = Some(now);
        let newest = self.newest;
        self.idle.retain(|key, alike| {
            alike.retain(|one| one.since.distance(now) < MAX_AGE);
            key.generation >= newest && !alike.is_empty()
        });
        self.count = self.idle.values().map(VecDeque::len).sum();
    }

    fn drop_oldest(&mut self) {
        let oldest = self.idle.values_mut().filter(|alike| !alike.is_empty());
        let oldest = oldest.min_by_key(|alike| alike.front().map(|one| one.since));
        if oldest.and_then(VecDeque::pop_front).is_some() {
            self.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(installation: &str, generation: u64) -> Key {
        Key {
            tenant: "acme".parse().unwrap(),
            installation: installation.parse().unwrap(),
            host: "a.example.test".into(),
            port: 443,
            generation,
        }
    }

    #[test]
    fn gives_back_only_to_the_same_installation_host_port_and_generation() {
        let pool = Pool::new();
        pool.put(key("ins_1", 1), 1, Timestamp(0));
        assert_eq!(pool.take(&key("ins_2", 1), Timestamp(1)), None);
        assert_eq!(pool.take(&Key { port: 8443, ..key("ins_1", 1) }, Timestamp(1)), None);
        assert_eq!(pool.take(&Key { host: "b.example.test".into(), ..key("ins_1", 1) }, Timestamp(1)), None);
        assert_eq!(pool.take(&Key { tenant: "other".parse().unwrap(), ..key("ins_1", 1) }, Timestamp(1)), None);
        assert_eq!(pool.take(&key("ins_1", 1), Timestamp(1)), Some(1));
        assert_eq!(pool.take(&key("ins_1", 1), Timestamp(1)), None, "once");
    }

    #[test]
    fn closes_what_is_old_or_of_an_older_generation() {
        let pool = Pool::new();
        pool.put(key("ins_1", 1), 1, Timestamp(0));
        assert_eq!(pool.take(&key("ins_1", 2), Timestamp(1)), None);
        assert_eq!(pool.take(&key("ins_1", 1), Timestamp(1)), None, "closed by the look of a newer one");
        pool.put(key("ins_1", 1), 2, Timestamp(1));
        assert_eq!(pool.take(&key("ins_1", 1), Timestamp(1)), None, "too late to wait");
        for number in 3..6 {
            pool.put(key("ins_1", 2), number, Timestamp(0));
        }
        assert_eq!(pool.take(&key("ins_1", 2), Timestamp(29_999)), Some(5));
        assert_eq!(pool.take(&key("ins_1", 2), Timestamp(30_000)), None);
        pool.put(key("ins_1", 2), 6, Timestamp(30_000));
        assert_eq!(pool.take(&key("ins_2", 2), Timestamp(60_000)), None);
        assert_eq!(pool.state.lock().unwrap().count, 0, "closed though nobody asked for it");
    }

    #[test]
    fn keeps_few() {
        let pool = Pool::new();
        for n in 0..MAX_ALIKE + 10 {
            pool.put(key("ins_1", 1), n, Timestamp(0));
        }
        let kept = std::iter::from_fn(|| pool.take(&key("ins_1", 1), Timestamp(0))).count();
        assert_eq!(kept, MAX_ALIKE);
        let at = |n: usize| Timestamp(i64::try_from(n).unwrap());
        for n in 0..MAX_IDLE + 5 {
            pool.put(key(&format!("ins_{n}"), 1), n, at(n));
        }
        let left = |n: usize| pool.take(&key(&format!("ins_{n}"), 1), at(MAX_IDLE + 5)).is_some();
        assert!((0..5).all(|n| !left(n)), "the oldest went");
        assert_eq!((5..MAX_IDLE + 5).filter(|n| left(*n)).count(), MAX_IDLE);
        assert_eq!(pool.state.lock().unwrap().count, 0);
    }
}
