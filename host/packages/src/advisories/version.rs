//! Versions in the order of their ecosystem, and whether one lies in a range: OSV's algorithm
//! (<https://ossf.github.io/osv-schema/#evaluation>).
//!
//! Invariant: what cannot be compared is said to be so.

use std::cmp::Ordering;

use super::record::{Event, Range, RangeKind};
use crate::inspect::dependencies::Ecosystem;

/// A version that can be compared with others of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Before all others.
    First,
    /// After all others.
    Last,
    Semantic(semver::Version),
    Python(pep440_rs::Version),
}

/// Whether a version is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    No,
    /// Its version, or one of the range's, cannot be compared.
    Unclear,
    Yes,
}

impl Version {
    /// Reads a version. Semantic ones may leave the last numbers out, and begin with a `v`.
    pub(super) fn read(ecosystem: Ecosystem, kind: RangeKind, text: &str) -> Option<Self> {
        if ecosystem == Ecosystem::PyPi && kind == RangeKind::Ecosystem {
            return text.parse().ok().map(Self::Python);
        }
        let text = text.strip_prefix('v').unwrap_or(text);
        let longer = [text.to_owned(), format!("{text}.0"), format!("{text}.0.0")];
        longer.iter().find_map(|text| semver::Version::parse(text).ok()).map(Self::Semantic)
    }

    fn of_event(ecosystem: Ecosystem, kind: RangeKind, event: &Event) -> Option<Self> {
        match event {
            Event::Introduced(version) if version == "0" => Some(Self::First),
            Event::Limit(version) if version == "*" => Some(Self::Last),
            other => Self::read(ecosystem, kind, other.version()),
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Semantic(a), Self::Semantic(b)) => Some(a.cmp_precedence(b)),
            (Self::Python(a), Self::Python(b)) => Some(a.cmp(b)),
            (Self::First, Self::First) | (Self::Last, Self::Last) => Some(Ordering::Equal),
            (Self::First, _) | (_, Self::Last) => Some(Ordering::Less),
            (_, Self::First) | (Self::Last, _) => Some(Ordering::Greater),
            _ => None,
        }
    }
}

/// Whether the version lies in the range; and if it does, the first version after it that is said to be fixed.
pub(super) fn within(ecosystem: Ecosystem, range: &Range, version: Option<&str>) -> (Verdict, Option<String>) {
    let Some(version) = version.and_then(|text| Version::read(ecosystem, range.kind, text)) else {
        return (Verdict::Unclear, None);
    };
    let read = |event| Some((Version::of_event(ecosystem, range.kind, event)?, event));
    let Some(mut events) = range.events.iter().map(read).collect::<Option<Vec<(Version, &Event)>>>() else {
        return (Verdict::Unclear, None);
    };
    events.sort_by(|a, b| a.0.order(&b.0).unwrap_or(Ordering::Equal));
    if !before_limits(&version, &events) {
        return (Verdict::No, None);
    }
    let mut affected = false;
    for (at, event) in &events {
        let order = version.order(at);
        match event {
            Event::Introduced(_) if order != Some(Ordering::Less) => affected = true,
            Event::Fixed(_) if order != Some(Ordering::Less) => affected = false,
            Event::LastAffected(_) if order == Some(Ordering::Greater) => affected = false,
            _ => {}
        }
    }
    let later = events
        .iter()
        .filter(|(at, event)| matches!(event, Event::Fixed(_)) && version.order(at) == Some(Ordering::Less));
    let fixed = later.map(|(_, event)| event.version().to_owned()).next();
    if affected { (Verdict::Yes, fixed) } else { (Verdict::No, None) }
}

/// Without a limit there is none; with several, being before one of them is enough.
fn before_limits(version: &Version, events: &[(Version, &Event)]) -> bool {
    let mut limits = events.iter().filter(|(_, event)| matches!(event, Event::Limit(_))).peekable();
    limits.peek().is_none() || limits.any(|(at, _)| version.order(at) == Some(Ordering::Less))
}
