//! Policy: how old a credential may get, when it may be replaced, and how long an old one goes on beside the new one (INT-5).
//!
//! Invariants: of several policies the shortest age and the shortest overlap hold, whoever set them; a limit goes before a window: what
//! has reached its limit is rotated at once.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::{
    id::{InstallationId, TenantId},
    time::Timestamp,
};

/// The shortest maximum age: below it a host would do little else.
pub const SHORTEST_AGE: Duration = Duration::from_secs(3_600);

/// The longest overlap: an old secret is not to live on for ever.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 86_400);

/// The overlap where no policy says one.
pub const OVERLAP: Duration = Duration::from_secs(86_400);

/// The most windows of one policy.
pub const MOST_WINDOWS: usize = 16;

/// Whose policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Of the whole host.
    Host,
    /// Of one tenant.
    Tenant(TenantId),
    /// Of one installation.
    Installation(InstallationId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Tenant(id) => write!(f, "tenant:{id}"),
            Self::Installation(id) => write!(f, "installation:{id}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is neither 'host', nor 'tenant:' or 'installation:' and an id");
        match text.split_once(':') {
            None if text == "host" => Ok(Self::Host),
            Some(("tenant", id)) => id.parse().map(Self::Tenant).map_err(|_| wrong()),
            Some(("installation", id)) => id.parse().map(Self::Installation).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// A policy. What is absent is left to the wider ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// How old a credential may get, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// How long an old signing key or secret goes on beside the new one, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u64>,
    /// When credentials may be rotated; empty: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
}

impl Policy {
    /// Says what is wrong with it, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.max_age.is_some_and(|age| age < SHORTEST_AGE.as_secs()) {
            return Err(format!("max-age: at least {} s", SHORTEST_AGE.as_secs()));
        }
        if self.overlap.is_some_and(|overlap| overlap > LONGEST_OVERLAP.as_secs()) {
            return Err(format!("overlap: at most {} s", LONGEST_OVERLAP.as_secs()));
        }
        if self.windows.len() > MOST_WINDOWS {
            return Err(format!("windows: at most {MOST_WINDOWS}"));
        }
        Ok(())
    }

    /// What holds under several, the widest first: the shortest age and overlap, and the windows of the narrowest that has any.
    pub fn meet<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |met, one| Self {
            max_age: [met.max_age, one.max_age].into_iter().flatten().min(),
            overlap: [met.overlap, one.overlap].into_iter().flatten().min(),
            windows: if one.windows.is_empty() { met.windows } else { one.windows.clone() },
        })
    }

    /// How long an old secret goes on.
    pub fn overlap(&self) -> Duration {
        self.overlap.map_or(OVERLAP, Duration::from_secs)
    }

    /// When what was issued then is to be rotated; `None` where nothing limits its age.
    pub fn due(&self, issued: Timestamp) -> Option<Due> {
        let limit = issued.plus(Duration::from_secs(self.max_age?));
        // The last window that opens before the limit; where none does in all that time, the limit itself.
        let before = Timestamp(limit.0.saturating_sub(1));
        let opening = self.windows.iter().filter_map(|window| window.opening(before)).max();
        let at = match (opening, self.windows.is_empty()) {
            (Some(at), _) if at > issued => at,
            (_, true) => Timestamp(limit.0 - limit.0.saturating_sub(issued.0) / 20),
            _ => limit,
        };
        Some(Due { limit, at })
    }

    /// Whether something with this due time is to be rotated now.
    pub fn is_due(&self, due: Due, now: Timestamp) -> bool {
        let open = self.windows.is_empty() || self.windows.iter().any(|window| window.is_open(now));
        now >= due.limit || (now >= due.at && open)
    }
}

/// When a credential is to be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Due {
    /// When it is as old as it may get.
    pub limit: Timestamp,
    /// When it is to be rotated: in the last window before that, or, without windows, when a twentieth of its age is left.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn policy(days: u64, windows: &[&str]) -> Policy {
        Policy {
            max_age: Some(days * DAY),
            windows: windows.iter().map(|text| text.parse().unwrap()).collect(),
            ..Policy::default()
        }
    }

    #[test]
    fn the_shortest_holds_and_the_narrowest_windows() {
        let host = Policy { overlap: Some(60), ..policy(90, &["01:00-02:00"]) };
        let tenant = Policy { overlap: Some(600), ..policy(30, &[]) };
        let installation = policy(60, &["sun 00:00-24:00"]);
        let met = Policy::meet([&host, &tenant, &installation]);
        assert_eq!((met.max_age, met.overlap), (Some(30 * DAY), Some(60)));
        assert_eq!(met.windows, installation.windows);
        assert_eq!(Policy::meet([&host, &tenant]).windows, host.windows);
        assert_eq!(Policy::default().due(Timestamp(0)), None);
    }

    #[test]
    fn it_is_rotated_in_the_last_window_before_its_limit() {
        let weekly = policy(30, &["sun 02:00-04:00"]);
        // The limit is Sunday 2026-12-20, half past three; the last window before it opens at two on that day.
        let due = weekly.due(at("2026-11-20T03:30:00Z")).unwrap();
        assert_eq!((due.limit, due.at), (at("2026-12-20T03:30:00Z"), at("2026-12-20T02:00:00Z")));
        for (now, is) in [
            ("2026-12-13T03:00:00Z", false),
            ("2026-12-20T01:59:00Z", false),
            ("2026-12-20T02:00:00Z", true),
            ("2026-12-21T12:00:00Z", true),
        ] {
            assert_eq!(weekly.is_due(due, at(now)), is, "{now}");
        }
        // A window that was slept through: nothing outside of one, until the limit.
        let due = weekly.due(at("2026-11-23T03:30:00Z")).unwrap();
        assert_eq!(due.at, at("2026-12-20T02:00:00Z"));
        assert!(!weekly.is_due(due, at("2026-12-20T05:00:00Z")) && weekly.is_due(due, at("2026-12-23T03:30:00Z")));
    }

    #[test]
    fn without_a_window_in_time_the_limit_goes_first() {
        let rare = policy(1, &["sun 02:00-04:00"]);
        let due = rare.due(at("2026-11-23T00:00:00Z")).unwrap();
        assert_eq!(due.at, due.limit);
        let free = policy(20, &[]);
        let due = free.due(Timestamp(0)).unwrap();
        assert_eq!(due.limit.0 - due.at.0, i64::try_from(DAY).unwrap() * 1_000);
        assert!(free.is_due(due, due.at));
    }

    #[test]
    fn scopes_read_what_they_print() {
        for text in ["host", "tenant:acme", "installation:ins_1"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        assert!("tenants:acme".parse::<Scope>().is_err() && "tenant:".parse::<Scope>().is_err());
    }

    #[test]
    fn what_would_harm_is_refused() {
        assert!(Policy { max_age: Some(60), ..Policy::default() }.check().is_err());
        assert!(Policy { overlap: Some(31 * DAY), ..Policy::default() }.check().is_err());
        assert_eq!(policy(90, &["01:00-02:00"]).check(), Ok(()));
    }
}
