//! Answers for leaving a host alone that does not answer: after so many failures in a row nobody asks it for a while, then one
//! request tries whether it is back.
//!
//! Invariants: while it is open nothing passes; while it is tried out one request passes; what began before it opened neither
//! closes it nor keeps it open.

use std::time::Duration;

use portcullis_model::time::Timestamp;

use crate::settings::Traffic;

/// How a request ended, as far as the host on the other side is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The host answered, whatever it said.
    Answered,
    /// It did not, or not in time.
    Failed,
    /// It was not asked, or what happened says nothing about it.
    Unsaid,
}

/// Whether a host is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Circuit {
    /// It is.
    Closed {
        /// In a row.
        failures: u32,
    },
    /// It is not.
    Open {
        /// Until when.
        until: Timestamp,
        /// How long this time.
        pause: Duration,
    },
    /// One request is under way to see whether it is back.
    Trying {
        /// How long it was left alone before.
        pause: Duration,
    },
}

/// How long to wait where one request is trying the host out already.
const SHORTLY: Duration = Duration::from_secs(1);

impl Circuit {
    /// Whether a request may pass, and if so whether it is the one that tries the host out. The error is how long to wait.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Result<bool, Duration> {
        match *self {
            Self::Closed { .. } => Ok(false),
            Self::Open { until, .. } if now < until => Err(until.distance(now)),
            Self::Open { pause, .. } => {
                *self = Self::Trying { pause };
                Ok(true)
            }
            Self::Trying { .. } => Err(SHORTLY),
        }
    }

    /// Takes note of how a request ended. `trying`: it was the one that tried the host out.
    pub(crate) fn settle(&mut self, trying: bool, end: End, rules: &Traffic, now: Timestamp) {
        let open = |pause: Duration| Self::Open { until: now.plus(pause), pause };
        *self = match (&*self, trying, end) {
            (Self::Trying { .. }, true, End::Answered) => Self::Closed { failures: 0 },
            (Self::Trying { pause }, true, End::Failed) => open((*pause * 2).min(rules.longest_pause)),
            (Self::Trying { pause }, true, End::Unsaid) => Self::Open { until: now, pause: *pause },
            (Self::Closed { .. }, _, End::Answered) => Self::Closed { failures: 0 },
            (Self::Closed { failures }, _, End::Failed) if failures + 1 >= rules.failures => open(rules.pause),
            (Self::Closed { failures }, _, End::Failed) => Self::Closed { failures: failures + 1 },
            (same, ..) => same.clone(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Traffic {
        Traffic {
            failures: 3,
            pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(30),
            ..Traffic::default()
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    fn opened() -> Circuit {
        let mut circuit = Circuit::Closed { failures: 0 };
        for _ in 0..3 {
            assert_eq!(circuit.admit(at(0)), Ok(false));
            circuit.settle(false, End::Failed, &rules(), at(0));
        }
        circuit
    }

    #[test]
    fn opens_after_failures_in_a_row_alone() {
        let mut circuit = Circuit::Closed { failures: 0 };
        for end in [End::Failed, End::Failed, End::Answered, End::Failed, End::Unsaid, End::Failed] {
            circuit.settle(false, end, &rules(), at(0));
            assert_eq!(circuit.admit(at(0)), Ok(false), "{circuit:?}");
        }
        circuit.settle(false, End::Failed, &rules(), at(0));
        assert_eq!(circuit.admit(at(1)), Err(Duration::from_secs(9)));
    }

    #[test]
    fn one_request_tries_and_the_pause_doubles_up_to_its_longest() {
        let mut circuit = opened();
        let mut now = 0;
        for pause in [10, 20, 30, 30] {
            assert_eq!(circuit.admit(at(now + pause - 1)), Err(Duration::from_secs(1)), "{pause}");
            now += pause;
            assert_eq!(circuit.admit(at(now)), Ok(true));
            assert_eq!(circuit.admit(at(now)), Err(SHORTLY), "one at a time");
            circuit.settle(true, End::Failed, &rules(), at(now));
        }
        assert_eq!(circuit.admit(at(now + 30)), Ok(true));
        circuit.settle(true, End::Answered, &rules(), at(now + 30));
        assert_eq!(circuit, Circuit::Closed { failures: 0 });
    }

    #[test]
    fn what_began_before_says_nothing_after() {
        let mut circuit = opened();
        let before = circuit.clone();
        circuit.settle(false, End::Answered, &rules(), at(1));
        circuit.settle(false, End::Failed, &rules(), at(9));
        assert_eq!(circuit, before);
        assert_eq!(circuit.admit(at(10)), Ok(true));
        circuit.settle(false, End::Answered, &rules(), at(10));
        assert_eq!(circuit.admit(at(10)), Err(SHORTLY), "still being tried");
    }

    #[test]
    fn a_try_that_says_nothing_lets_the_next_one_try() {
        let mut circuit = opened();
        assert_eq!(circuit.admit(at(10)), Ok(true));
        circuit.settle(true, End::Unsaid, &rules(), at(11));
        assert_eq!(circuit.admit(at(11)), Ok(true));
    }
}
