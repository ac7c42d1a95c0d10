//! Answers for when a credential is renewed, and for how long a provider that failed is left alone.
//!
//! Invariants: never ahead by more than a third of what a credential lasts, so that a short one is not renewed without end; never
//! twice within [`REST`] but for a request that needs it; pauses grow, are bounded, and are never the same for all.

use std::time::Duration;

use portcullis_model::time::{Rng, Timestamp};

use crate::connection::Life;

/// The longest time ahead of its end that a credential is renewed at.
const AHEAD: Duration = Duration::from_secs(15 * 60);

/// The shortest time between two renewals that no request asked for.
const REST: Duration = Duration::from_secs(30);

/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that is taken without being asked for one.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The longest pause that a provider can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// How young a credential can be at most to be believed where a host refuses it: a plugin can ask for what is always refused,
/// and must not have the provider asked each time.
const BELIEVED: Duration = Duration::from_secs(5 * 60);

/// A random share of a duration.
fn share(of: Duration, rng: &dyn Rng) -> Duration {
    let mut bytes = [0u8; 4];
    rng.fill(&mut bytes);
    of.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}

/// When to renew it; `None` where it does not end.
pub(super) fn due(life: &Life, rng: &dyn Rng) -> Option<Timestamp> {
    let (end, span) = (life.expires?, life.span()?);
    let ahead = AHEAD.min(span / 3);
    let before = ahead + share(ahead / 4, rng);
    let at = Timestamp(end.0.saturating_sub(i64::try_from(before.as_millis()).unwrap_or(i64::MAX)));
    Some(at.max(life.issued.plus(REST)))
}

/// The pause after so many failures in a row, the last one included.
pub(super) fn pause(failures: u32, asked: Option<Duration>, rng: &dyn Rng) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
    let longest = doubled.min(LONGEST_PAUSE);
    let pause = longest / 2 + share(longest / 2, rng);
    pause.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// Whether a credential of this age is believed though a host refuses it.
pub(super) fn is_believed(issued: Timestamp, expires: Option<Timestamp>, now: Timestamp) -> bool {
    let span = expires.map_or(BELIEVED, |end| end.distance(issued) / 3);
    now < issued.plus(BELIEVED.min(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);
    impl Rng for Always {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn life(seconds: i64) -> Life {
        Life { issued: Timestamp(0), expires: Some(Timestamp(seconds * 1000)) }
    }

    #[test]
    fn ahead_by_a_third_or_a_quarter_of_an_hour_and_up_to_a_quarter_more() {
        for (lasts, latest, earliest) in [
            (7200, 7200 - 900, 7200 - 1125),
            (3600, 2700, 2475),
            (300, 200, 175),
            (60, 40, 35),
            (30, 30, 30),
            (0, 30, 30),
        ] {
            let at = |rng| due(&life(lasts), &Always(rng)).unwrap().0 / 1000;
            assert_eq!((at(0), at(255)), (latest, earliest), "{lasts}");
        }
        assert_eq!(due(&Life { expires: None, ..life(1) }, &Always(0)), None);
        let never = Life { expires: Some(Timestamp(i64::MIN)), ..life(1) };
        assert_eq!(due(&never, &Always(255)), Some(Timestamp(30_000)));
    }

    #[test]
    fn pauses_double_and_are_bounded() {
        let seconds = |failures, asked: Option<u64>, rng| {
            pause(failures, asked.map(Duration::from_secs), &Always(rng)).as_millis() / 100
        };
        assert_eq!([1, 2, 3, 8, 100].map(|n| seconds(n, None, 255)), [50, 100, 200, 6400, 9000]);
        assert_eq!([1, 2, 3, 8, 100].map(|n| seconds(n, None, 0)), [25, 50, 100, 3200, 4500]);
        assert_eq!(seconds(1, Some(60), 0), 600, "as long as the provider asks for");
        assert_eq!(seconds(1, Some(1), 255), 50, "and not shorter than ours");
        assert_eq!(seconds(1, Some(u64::MAX), 0), 864_000, "but not for ever");
    }

    #[test]
    fn a_young_credential_is_believed() {
        let hour = Some(Timestamp(3_600_000));
        assert!(
            is_believed(Timestamp(0), hour, Timestamp(299_999)) && !is_believed(Timestamp(0), hour, Timestamp(300_000))
        );
        let short = Some(Timestamp(60_000));
        assert!(
            is_believed(Timestamp(0), short, Timestamp(19_999)) && !is_believed(Timestamp(0), short, Timestamp(20_000))
        );
    }
}
