//! What the audit log must always say about acts (ideas 2 and 6).

use std::collections::BTreeMap;

use portcullis_model::audit::{Entry, Kind};

/// The acts of a log, by name, each with how often.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Acts {
    /// Permitted, and how they ended.
    pub permitted: BTreeMap<String, usize>,
    /// Denied.
    pub denied: BTreeMap<String, usize>,
    /// Permitted, and nobody knows how they ended.
    pub unknown: usize,
}

impl Acts {
    /// How often this act was permitted.
    pub fn permitted(&self, act: &str) -> usize {
        self.permitted.get(act).copied().unwrap_or_default()
    }

    /// How often this act was denied.
    pub fn denied(&self, act: &str) -> usize {
        self.denied.get(act).copied().unwrap_or_default()
    }
}

/// Checks that every act stands in the log once, that each permit is older than its one end, and that each denial says
/// what was needed and who can change that. Gives what there was, so that a test can see that there was something.
pub fn acts(entries: &[Entry]) -> Acts {
    let mut acts = Acts::default();
    let mut open: BTreeMap<&str, (&str, Option<&str>)> = BTreeMap::new();
    let mut seen: BTreeMap<&str, Kind> = BTreeMap::new();
    for entry in entries {
        let text = |name: &str| entry.text(name).unwrap_or_else(|| panic!("no '{name}' in {entry:?}"));
        match entry.kind {
            Kind::ActPermitted => {
                assert!(seen.insert(text("id"), entry.kind).is_none(), "twice: {entry:?}");
                assert!(!text("scope").is_empty() && entry.resource.is_some(), "{entry:?}");
                open.insert(text("id"), (text("act"), entry.resource.as_deref()));
                *acts.permitted.entry(text("act").to_owned()).or_default() += 1;
            }
            Kind::ActDenied => {
                assert!(seen.insert(text("id"), entry.kind).is_none(), "twice: {entry:?}");
                assert!(text("scope").contains(':') && !text("reason").is_empty(), "{entry:?}");
                let grantors = ["developer", "admin", "reviewer", "platform"];
                assert!(grantors.contains(&text("grantor")) && !text("layer").is_empty(), "{entry:?}");
                *acts.denied.entry(text("act").to_owned()).or_default() += 1;
            }
            Kind::ActOutcome | Kind::ActUnknown => {
                let permit = open.remove(text("id"));
                let permit = permit.unwrap_or_else(|| panic!("ends without an open permit before it: {entry:?}"));
                assert_eq!(permit, (text("act"), entry.resource.as_deref()), "{entry:?}");
                acts.unknown += usize::from(entry.kind == Kind::ActUnknown);
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "permitted, and no word of how they ended: {open:?}");
    acts
}
