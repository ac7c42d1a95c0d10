//! Who asks in vain, call after call, rests between its calls while others work.
//!
//! A plugin that traps, reaches its limits, or asks for what it may not have or what is not there, in most of its calls, gains nothing by
//! being fast, and costs the others as much as one that works: each refusal is durable, each broken sandbox is cleared away. So it rests
//! after each such call for some times as long as the call took. Nothing else changes for it: its calls are made, in order, with all
//! their limits, only later; and not even that where nobody else runs anything.
//!
//! Invariants: an installation rests only while it has had [`MANY`] more calls in vain than others, of those that count; a rest never lasts
//! longer than [`LONGEST`]; what others of its tenant do is held against nobody.

use std::{collections::HashMap, time::Duration};

use portcullis_model::id::InstallationId;

/// How many more calls in vain than others make one rest.
const MANY: u8 = 8;
/// How many more are counted: so many that are not in vain, and it rests no more.
const MOST: u8 = 16;
/// How many times as long as its call one rests.
const TIMES: u32 = 4;
/// The longest rest, from now on, however many calls end at once.
const LONGEST: Duration = Duration::from_millis(250);
/// What was so long ago counts no more.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// What is known of an installation that asked in vain.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Calls in vain, less the others.
    more: u8,
    /// When its last call ended, and until when it rests.
    last: Duration,
    until: Duration,
}

/// All that asked in vain of late. Times count from any fixed one.
#[derive(Default)]
pub(super) struct Rests(HashMap<InstallationId, Known>);

impl Rests {
    /// How long an installation is to rest before its next call.
    pub fn left(&self, installation: &InstallationId, now: Duration) -> Duration {
        self.0.get(installation).map_or(Duration::ZERO, |known| known.until.saturating_sub(now))
    }

    /// A call has ended, that took so long.
    pub fn ended(&mut self, installation: &InstallationId, in_vain: bool, took: Duration, now: Duration) {
        if !in_vain {
            return self.worked(installation);
        }
        let known = self.0.entry(installation.clone()).or_default();
        if known.last + FORGOTTEN < now {
            *known = Known::default();
        }
        known.last = now;
        known.more = (known.more + 1).min(MOST);
        if known.more >= MANY {
            let rest = took.saturating_mul(TIMES);
            known.until = (known.until.max(now) + rest).min(now + LONGEST);
        }
    }

    fn worked(&mut self, installation: &InstallationId) {
        if let Some(known) = self.0.get_mut(installation) {
            known.more -= 1;
            if known.more == 0 {
                self.0.remove(installation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> InstallationId {
        text.parse().unwrap()
    }

    const CALL: Duration = Duration::from_millis(2);

    fn at(millis: u64) -> Duration {
        Duration::from_secs(100) + Duration::from_millis(millis)
    }

    /// Calls one after the other, each 2 ms, in vain where it is so written.
    fn after(calls: &str) -> (Rests, Duration) {
        let mut rests = Rests::default();
        for (number, call) in calls.chars().enumerate() {
            rests.ended(&id("in_1"), call == 'v', CALL, at(2 * number as u64));
        }
        (rests, at(2 * (calls.len() as u64 - 1)))
    }

    #[test]
    fn who_asks_in_vain_again_and_again_rests_some_times_as_long_as_its_call() {
        let (rests, now) = after(&"v".repeat(MANY.into()));
        assert_eq!(rests.left(&id("in_1"), now), CALL * TIMES);
        assert_eq!(rests.left(&id("in_1"), now + CALL * TIMES), Duration::ZERO, "and then goes on");
        assert_eq!(rests.left(&id("in_2"), now), Duration::ZERO, "another of the same tenant");
        let (rests, now) = after(&"v".repeat(usize::from(MANY) - 1));
        assert_eq!(rests.left(&id("in_1"), now), Duration::ZERO, "not yet");
    }

    #[test]
    fn half_in_vain_is_no_reason_to_rest() {
        let (rests, now) = after(&"v.".repeat(1_000));
        assert_eq!(rests.left(&id("in_1"), now), Duration::ZERO);
        assert!(rests.0.is_empty(), "and nothing is kept of it");
    }

    #[test]
    fn who_works_again_soon_rests_no_more() {
        let (rests, _) = after(&format!("{}{}", "v".repeat(1_000), ".".repeat(MOST.into())));
        assert!(rests.0.is_empty());
    }

    #[test]
    fn no_rest_is_long_and_none_is_kept_for_ever() {
        let mut rests = Rests::default();
        for _ in 0..1_000 {
            rests.ended(&id("in_1"), true, Duration::from_secs(3_600), at(0));
        }
        assert_eq!(rests.left(&id("in_1"), at(0)), LONGEST);
        rests.ended(&id("in_1"), true, CALL, at(0) + FORGOTTEN + LONGEST);
        assert_eq!(rests.left(&id("in_1"), at(0) + FORGOTTEN + LONGEST), Duration::ZERO, "one more, much later");
    }
}
