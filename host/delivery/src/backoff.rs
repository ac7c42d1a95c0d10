//! When to try again.

use std::time::Duration;

use portcullis_model::time::{Rng, Timestamp};

/// How often and with which pauses a failed delivery is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first one included.
    pub attempts: u32,
    /// The pause after the first try. It doubles with each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    /// 16 tries over about a day: 5 s, 10 s, 20 s ... up to 6 h.
    fn default() -> Self {
        Self { attempts: 16, first: Duration::from_secs(5), longest: Duration::from_secs(6 * 3600) }
    }
}

impl RetryPolicy {
    /// The moment of the next try, or `None` after the last. Between half and all of the pause, at random, so that what
    /// failed together does not come back together.
    pub fn next(&self, attempt: u32, now: Timestamp, rng: &dyn Rng) -> Option<Timestamp> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.first.saturating_mul(1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        let pause = doubled.min(self.longest);
        let mut random = [0u8; 4];
        rng.fill(&mut random);
        let part = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        Some(now.plus(pause.mul_f64(0.5 + part / 2.0)))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::time::Rng;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{RetryPolicy, Timestamp};

    struct Fixed(u8);

    impl Rng for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    proptest! {
        #[test]
        fn a_pause_is_between_half_and_all_and_ends(attempt in 1u32..200, random in any::<u8>()) {
            let policy = RetryPolicy::default();
            match policy.next(attempt, Timestamp(0), &Fixed(random)) {
                None => prop_assert!(attempt >= policy.attempts),
                Some(at) => {
                    let whole = (5_000i64 << (attempt - 1)).min(6 * 3_600_000);
                    prop_assert!(at.0 >= whole / 2 && at.0 <= whole, "{} of {whole}", at.0);
                }
            }
        }
    }
}
