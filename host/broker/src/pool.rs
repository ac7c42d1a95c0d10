//! Answers for connections that wait for their next request.
//!
//! Invariants: a connection is used again only by the installation that opened it, to the same host and port, under the same
//! generation of credentials, and only if it was idle for less than 30 s; at most 256 wait in all, 4 of them alike; the
//! longest idle goes first.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::{
    id::{InstallationId, TenantId},
    time::Timestamp,
};

use crate::wire::Wire;

const MAX_IDLE: usize = 256;
const MAX_ALIKE: usize = 4;
const MAX_AGE: Duration = Duration::from_secs(30);

/// Who may use a connection again, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) tenant: TenantId,
    pub(crate) installation: InstallationId,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The generation of the table of credentials.
    pub(crate) generation: u64,
}

struct Idle<W> {
    key: Key,
    since: Timestamp,
    wire: W,
}

/// The connections that wait.
pub(crate) struct Pool<W = Wire> {
    idle: Mutex<VecDeque<Idle<W>>>,
}

impl<W> Pool<W> {
    pub(crate) fn new() -> Self {
        Self { idle: Mutex::new(VecDeque::new()) }
    }

    /// The youngest that fits. Closes those that are too old or of an older generation.
    pub(crate) fn take(&self, key: &Key, now: Timestamp) -> Option<W> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|one| one.since.distance(now) < MAX_AGE && one.key.generation >= key.generation);
        let at = idle.iter().rposition(|one| one.key == *key)?;
        idle.remove(at).map(|one| one.wire)
    }

    /// Lets one wait.
    pub(crate) fn put(&self, key: Key, wire: W, now: Timestamp) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.iter().filter(|one| one.key == key).count() >= MAX_ALIKE {
            return;
        }
        if idle.len() >= MAX_IDLE {
            idle.pop_front();
        }
        idle.push_back(Idle { key, since: now, wire });
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
        pool.put(key("ins_1", 1), 2, Timestamp(0));
        assert_eq!(pool.take(&key("ins_1", 1), Timestamp(30_000)), None);
    }

    #[test]
    fn keeps_few() {
        let pool = Pool::new();
        for n in 0..10 {
            pool.put(key("ins_1", 1), n, Timestamp(0));
        }
        let kept = std::iter::from_fn(|| pool.take(&key("ins_1", 1), Timestamp(0))).count();
        assert_eq!(kept, MAX_ALIKE);
        for n in 0..300 {
            pool.put(key(&format!("ins_{n}"), 1), n, Timestamp(0));
        }
        assert_eq!(pool.take(&key("ins_0", 1), Timestamp(0)), None, "the oldest went");
        assert_eq!(pool.take(&key("ins_299", 1), Timestamp(0)), Some(299));
    }
}
