//! The scope of triggers: which events an installation is called for. No import goes with it: an event is data that
//! the host hands over, and its content is narrowed by the scopes of what it is about.

use std::{collections::BTreeSet, fmt};

use super::{Allows, Grant, Risk, Scope, ScopeError, ScopeText};
use crate::class::Class;

/// `events:receive types=...`, with `data=full` where events of a form that the host cannot narrow (GitHub's, plain
/// CloudEvents) are to carry their data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventsScope {
    pattern: Pattern,
    full: bool,
}

/// The act of handing an event to an installation.
#[derive(Clone, Debug)]
pub struct Subscribe<'a> {
    /// The event's type.
    pub kind: &'a str,
    /// Whether its data goes along unnarrowed.
    pub full: bool,
}

/// An exact type, or all types that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Pattern {
    fn matches(&self, kind: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == kind,
            Self::Prefix(prefix) => kind.starts_with(prefix.as_str()),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Exact(a), b) | (b, Self::Exact(a)) => b.matches(a).then(|| Self::Exact(a.clone())),
            (Self::Prefix(a), Self::Prefix(b)) if a.starts_with(b.as_str()) => Some(self.clone()),
            (Self::Prefix(a), Self::Prefix(b)) if b.starts_with(a.as_str()) => Some(other.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(kind) => f.write_str(kind),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Scope for EventsScope {
    const CAPABILITY: &'static str = "events";
    const EXAMPLES: &'static [&'static str] =
        &["events:receive types=zen:event-type:ticket.*", "events:receive types=com.github.* data=full"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        if text.action() != "receive" {
            return Err(text.unknown_action(&["receive"]));
        }
        let full = match text.values("data") {
            [] => false,
            [one] if one == "full" => true,
            _ => return Err(text.error("'data' can only be 'full'")),
        };
        text.expect_keys(if full { &["types", "data"] } else { &["types"] })?;
        let one = |value: &String| match value.strip_suffix('*') {
            Some(prefix) if !prefix.contains('*') => Ok(Pattern::Prefix(prefix.to_owned())),
            None if !value.contains('*') => Ok(Pattern::Exact(value.clone())),
            _ => Err(text.error("'*' stands only at the end of a type")),
        };
        text.values("types").iter().map(|v| Ok(Self { pattern: one(v)?, full })).collect()
    }

    fn text(&self) -> ScopeText {
        let text = ScopeText::new("events", "receive").with("types", [self.pattern.to_string()]);
        if self.full { text.with("data", ["full".to_owned()]) } else { text }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        let pattern = self.pattern.meet(&other.pattern)?;
        Some(Self { pattern, full: self.full && other.full })
    }

    fn describe(&self) -> String {
        let with = if self.full { ", with all of their data" } else { "" };
        format!("is called for events of type {}{with}", self.pattern)
    }

    fn risk(&self) -> Risk {
        if self.full { Risk::High } else { Risk::Low }
    }

    fn classes(&self) -> BTreeSet<Class> {
        // Nobody knows what is in data that the host cannot narrow.
        if self.full { [Class::Internal, Class::Personal].into() } else { BTreeSet::new() }
    }
}

impl Allows<Subscribe<'_>> for EventsScope {
    fn needed(act: &Subscribe<'_>) -> ScopeText {
        let pattern = Pattern::Exact(act.kind.to_owned());
        Self { pattern, full: act.full }.text()
    }

    fn decide(grant: &Grant<Self>, act: &Subscribe<'_>) -> Result<(), String> {
        let covers = |scope: &Self| scope.pattern.matches(act.kind) && (scope.full || !act.full);
        match grant.scopes().any(covers) {
            true => Ok(()),
            false => Err(format!("events of type {} are not granted", act.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scope::grant::check_meet_laws;

    fn scopes() -> impl Strategy<Value = Vec<EventsScope>> {
        let one = ("[ab]{0,3}", any::<bool>(), any::<bool>()).prop_map(|(text, prefix, full)| EventsScope {
            pattern: if prefix || text.is_empty() { Pattern::Prefix(text) } else { Pattern::Exact(text) },
            full,
        });
        proptest::collection::vec(one, 0..5)
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
            check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
        }

        #[test]
        fn meet_allows_what_both_allow(a in scopes(), b in scopes(), kind in "[ab]{0,4}", full in any::<bool>()) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let act = Subscribe { kind: &kind, full };
            let both = EventsScope::decide(&a, &act).is_ok() && EventsScope::decide(&b, &act).is_ok();
            prop_assert_eq!(EventsScope::decide(&a.meet(&b), &act).is_ok(), both);
        }
    }
}
