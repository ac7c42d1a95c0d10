//! How often clients may ask, in memory: all together before they have proved themselves, then each client that has registered
//! keys, and each grant of one that has not.
//!
//! Invariant: nobody can use up what is another's, nor make what is kept grow without end.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::time::Timestamp;

/// A rate: so many at once, and so many a second from then on.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// A second.
    pub per_second: u32,
}

/// How many keys are kept before those that are full again are left out.
const KEPT: usize = 10_000;

/// Counts by key.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    /// What is left, in thousandths, and when that was.
    left: Mutex<HashMap<K, (u64, Timestamp)>>,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// With all of it left, for each key.
    pub fn new(rate: Rate) -> Self {
        Self { rate, left: Mutex::default() }
    }

    /// Takes one; where none is left, says how long to wait for it.
    pub fn take(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let (full, speed) = (u64::from(self.rate.burst) * 1000, u64::from(self.rate.per_second));
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT && !all.contains_key(key) {
            all.retain(|_, (left, since)| left.saturating_add(passed(*since, now).saturating_mul(speed)) < full);
        }
        let (left, since) = all.get(key).copied().unwrap_or((full, now));
        let left = left.saturating_add(passed(since, now).saturating_mul(speed)).min(full);
        let enough = left >= 1000;
        all.insert(key.clone(), (if enough { left - 1000 } else { left }, now));
        if enough { Ok(()) } else { Err(Duration::from_millis((1000 - left).div_ceil(speed.max(1)).max(1))) }
    }
}

fn passed(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.0.saturating_sub(since.0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_full_again_is_not_kept() {
        let limiter = Limiter::new(Rate { burst: 2, per_second: 1 });
        for key in 0..KEPT {
            assert!(limiter.take(&key, Timestamp(0)).is_ok());
        }
        assert!(limiter.take(&0, Timestamp(999)).is_ok() && limiter.take(&0, Timestamp(999)).is_err());
        assert!(limiter.take(&KEPT, Timestamp(1_000)).is_ok());
        assert_eq!(limiter.left.lock().unwrap().len(), 2, "the one that is used, and the new one");
        assert!(limiter.take(&0, Timestamp(1_000)).is_ok() && limiter.take(&0, Timestamp(1_000)).is_err());
    }

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let limiter = Limiter::new(Rate { burst: 3, per_second: 2 });
        let at = |ms| limiter.take(&"a", Timestamp(ms)).is_ok();
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(499), at(500), at(500)], [false, true, false]);
        assert_eq!(limiter.take(&"a", Timestamp(500)), Err(Duration::from_millis(500)));
        assert!(limiter.take(&"b", Timestamp(0)).is_ok(), "each key by itself");
        assert!(!at(400), "a clock that goes back gives nothing");
    }
}
