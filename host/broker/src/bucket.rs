//! Answers for a rate: so much a minute, with at most a minute's worth at once.
//!
//! Invariants: within any minute no more is let through than twice the rate, and one act that was larger than foreseen; a
//! clock that is set back lets nothing more through, and stops nothing for longer than a minute.

use std::time::Duration;

use portcullis_model::time::Timestamp;

/// A minute, in milliseconds: what one unit is kept in parts of, so that nothing is lost by rounding.
const MINUTE: i64 = 60_000;

/// What is left to be used.
#[derive(Clone, Debug)]
pub struct Bucket {
    per_minute: i64,
    /// In parts of a unit. Below zero where an act turned out larger than what was left.
    level: i64,
    at: Timestamp,
}

impl Bucket {
    /// Full, at this rate. At most 2^40 a minute.
    pub fn full(per_minute: u64, now: Timestamp) -> Self {
        let per_minute = i64::try_from(per_minute.clamp(1, 1 << 40)).unwrap_or(1);
        Self { per_minute, level: per_minute * MINUTE, at: now }
    }

    /// How long until there is room for so much; `None`: there is now. For more than a minute's worth, room for that is enough.
    pub fn wait(&mut self, amount: u64, now: Timestamp) -> Option<Duration> {
        self.refill(now);
        let wanted = i64::try_from(amount).unwrap_or(i64::MAX).min(self.per_minute) * MINUTE;
        let missing = wanted - self.level;
        let ms = missing / self.per_minute + i64::from(missing % self.per_minute != 0);
        (missing > 0).then(|| Duration::from_millis(ms.unsigned_abs()))
    }

    /// Takes so much out, whether or not it is there.
    pub fn take(&mut self, amount: u64) {
        let amount = i64::try_from(amount.min(1 << 40)).unwrap_or(0);
        // A debt of more than a minute is forgiven: it would be an act that nobody could have foreseen.
        self.level = (self.level - amount * MINUTE).max(-self.per_minute * MINUTE);
    }

    /// Gives back so much of what was taken; never more than there is room for.
    pub fn give_back(&mut self, amount: u64) {
        let amount = i64::try_from(amount.min(1 << 40)).unwrap_or(0);
        self.level = (self.level + amount * MINUTE).min(self.per_minute * MINUTE);
    }

    /// Whether nothing is missing from it.
    pub fn is_full(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        self.level == self.per_minute * MINUTE
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = now.0.saturating_sub(self.at.0).clamp(0, 2 * MINUTE);
        self.level = (self.level + passed * self.per_minute).min(self.per_minute * MINUTE);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_at_once_and_then_at_the_rate() {
        let mut bucket = Bucket::full(60, Timestamp(0));
        for _ in 0..60 {
            assert_eq!(bucket.wait(1, Timestamp(0)), None);
            bucket.take(1);
        }
        assert_eq!(bucket.wait(1, Timestamp(0)), Some(Duration::from_secs(1)));
        assert_eq!(bucket.wait(1, Timestamp(999)), Some(Duration::from_millis(1)));
        assert_eq!(bucket.wait(1, Timestamp(1_000)), None);
        bucket.take(1);
        assert_eq!(bucket.wait(1, Timestamp(1_000)), Some(Duration::from_secs(1)));
        assert!(!bucket.is_full(Timestamp(60_999)) && bucket.is_full(Timestamp(61_000)));
    }

    #[test]
    fn no_fraction_is_lost() {
        let mut bucket = Bucket::full(7, Timestamp(0));
        bucket.take(7);
        let taken = (1..=600_000).filter(|ms| {
            let free = bucket.wait(1, Timestamp(*ms)).is_none();
            if free {
                bucket.take(1);
            }
            free
        });
        assert_eq!(taken.count(), 70, "ten minutes at 7 a minute");
    }

    #[test]
    fn a_debt_and_a_clock_that_is_set_back_end() {
        let mut bucket = Bucket::full(100, Timestamp(0));
        bucket.take(1_000_000);
        assert!(bucket.wait(1, Timestamp(60_000)).is_some());
        assert_eq!(bucket.wait(1, Timestamp(60_600)), None);
        let mut bucket = Bucket::full(1, Timestamp(1_000_000_000));
        bucket.take(1);
        assert_eq!(bucket.wait(1, Timestamp(0)), Some(Duration::from_secs(60)));
        assert_eq!(bucket.wait(1, Timestamp(60_000)), None);
        assert_eq!(Bucket::full(10, Timestamp(0)).wait(1_000, Timestamp(0)), None, "as much as there ever is");
    }
}
