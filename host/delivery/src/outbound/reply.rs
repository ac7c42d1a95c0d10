//! What a back end's answer means (Standard Webhooks 1.0.0, "Delivery success and failure").
//!
//! Invariants: only 2xx is success; a redirect is not followed, it is a failure; what is not understood is a failure; nobody is told
//! to wait for longer than a day.

use std::time::Duration;

use portcullis_model::{egress::Answer, time::Timestamp, webhook::http_date};

/// The longest that a back end can put us off.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The message was accepted.
    Accepted,
    /// The back end wants no more messages at all.
    Gone,
    /// Again, and not before that long.
    Failed {
        /// What it answered, in words.
        why: String,
        /// What it asked for, in `retry-after`.
        wait: Option<Duration>,
    },
}

impl Reply {
    /// Reads an answer. Its body is not looked at.
    pub fn read(answer: &Answer, now: Timestamp) -> Self {
        Self::of(answer.status, retry_after(answer, now))
    }

    /// What a status means, with the wait that was asked for.
    pub fn of(status: u16, wait: Option<Duration>) -> Self {
        let wait = wait.map(|wait| wait.min(LONGEST));
        let failed = |why: String| Self::Failed { why, wait };
        match status {
            200..=299 => Self::Accepted,
            410 => Self::Gone,
            300..=399 => failed(format!("it answered {status}, a redirect, which is not followed: set its new URL")),
            429 => failed("it answered 429: it asks for fewer messages".to_owned()),
            _ => failed(format!("it answered {status}")),
        }
    }
}

/// `retry-after` of RFC 9110, 10.2.3: seconds, or a date.
fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let (_, value) = answer.headers.iter().find(|(name, _)| name == "retry-after")?;
    let value = value.trim();
    let wait = match value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        true => value.parse().map_or(LONGEST, Duration::from_secs),
        false => {
            let at = http_date(value)?;
            if at <= now { Duration::ZERO } else { at.distance(now) }
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, after: Option<&str>) -> Answer {
        let headers = after.map(|after| ("retry-after".to_owned(), after.to_owned())).into_iter().collect();
        Answer { status, headers, body: b"ignored".to_vec(), sent: 0, plaintext: false }
    }

    fn read(status: u16, after: Option<&str>) -> Reply {
        Reply::read(&answer(status, after), Timestamp(784_111_777_000))
    }

    fn wait(after: &str) -> Option<u64> {
        let Reply::Failed { wait, .. } = read(503, Some(after)) else { panic!() };
        wait.map(|wait| wait.as_secs())
    }

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(read(status, None), Reply::Accepted, "{status}");
        }
        for status in [100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 404, 429, 500, 502, 503, 504, 599, 999] {
            assert!(matches!(read(status, None), Reply::Failed { wait: None, .. }), "{status}");
        }
        assert_eq!(read(410, None), Reply::Gone);
    }

    #[test]
    fn a_wait_is_read_in_both_forms_and_is_never_longer_than_a_day() {
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait("86401"), Some(86_400));
        assert_eq!(wait("99999999999999999999999"), Some(86_400));
        // 1994-11-06T08:49:37Z is the present moment here.
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(wait("Sun, 06 Nov 2094 08:49:37 GMT"), Some(86_400));
        for bad in
            ["", "-1", "soon", "1.5", "Sun, 06 Nov 1994", "1994-11-06T08:50:37Z", "Sun, 06 Nov 1994 08:50:37 +0000"]
        {
            assert_eq!(wait(bad), None, "{bad:?}");
        }
    }
}
