//! How often clients may ask, in memory: per client once it has proved itself, and all together before that.

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

/// Counts by key.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    /// What is left, in thousandths, and when that was.
    left: Mutex<HashMap<K, (u64, Timestamp)>>,
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// For keys of which there are not too many to be kept.
    pub fn new(rate: Rate) -> Self {
        Self { rate, left: Mutex::default() }
    }

    /// Takes one; where none is left, says how long to wait for it.
    pub fn take(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let (full, speed) = (u64::from(self.rate.burst) * 1000, u64::from(self.rate.per_second));
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = all.get(key).copied().unwrap_or((full, now));
        let passed = u64::try_from(now.0.saturating_sub(since.0)).unwrap_or(0);
        let left = left.saturating_add(passed.saturating_mul(speed)).min(full);
        let enough = left >= 1000;
        all.insert(key.clone(), (if enough { left - 1000 } else { left }, now));
        if enough { Ok(()) } else { Err(Duration::from_millis((1000 - left).div_ceil(speed.max(1)).max(1))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
