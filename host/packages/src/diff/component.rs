//! What two components are: imports, exports, what they are made of, how large they are.
//!
//! Invariant: an import allows nothing by itself, so that no change here needs consent; a scope does.

use std::collections::{BTreeMap, BTreeSet};

use super::{Area, Change, Effect, Side};
use crate::inspect::{
    Extern,
    dependencies::{Dependency, Source},
};

pub(super) fn changes(old: &Side<'_>, new: &Side<'_>) -> Vec<Change> {
    let (was, is) = (old.inspection, new.inspection);
    let mut changes = names(Area::Imports, Effect::Wider, &was.imports, &is.imports);
    changes.extend(names(Area::Exports, Effect::Other, &was.exports, &is.exports));
    changes.extend(dependencies(&was.dependencies, &is.dependencies));
    let number = |what: &str, before: u64, after: u64| {
        (before != after).then(|| Change::new(Area::Component, Effect::Other, what).from(before).to(after))
    };
    changes.extend(number("bytes", was.size as u64, is.size as u64));
    changes.extend(number(
        "modules with code that runs before a handler is called",
        u64::from(was.start_functions),
        u64::from(is.start_functions),
    ));
    for url in is.urls.iter().filter(|url| !was.urls.contains(url)) {
        changes.push(Change::new(Area::Component, Effect::Other, "has another URL in its data").to(url));
    }
    changes
}

/// Interfaces; of those that are on both sides, functions.
fn names(area: Area, added: Effect, old: &[Extern], new: &[Extern]) -> Vec<Change> {
    let called = |all: &[Extern]| -> BTreeMap<String, BTreeSet<String>> {
        all.iter().map(|one| (one.name.clone(), one.functions.iter().cloned().collect())).collect()
    };
    let (was, is) = (called(old), called(new));
    let beyond = |all: &BTreeMap<String, BTreeSet<String>>, than: &BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        let one = |(name, functions): (&String, &BTreeSet<String>)| match than.get(name) {
            None => vec![name.clone()],
            Some(known) => functions.difference(known).map(|function| format!("{name} {function}")).collect(),
        };
        all.iter().flat_map(one).collect()
    };
    let came = beyond(&is, &was).into_iter().map(|name| Change::new(area, added, "new").to(name));
    let went = beyond(&was, &is).into_iter().map(|name| Change::new(area, Effect::Narrower, "gone").from(name));
    came.chain(went).collect()
}

/// By name: what came, what went, and what has another version or source. A name may have several versions at once. The plugin
/// itself is left out.
fn dependencies(old: &[Dependency], new: &[Dependency]) -> Vec<Change> {
    if old.is_empty() != new.is_empty() {
        let which = if new.is_empty() { "no longer says" } else { "now says" };
        let what = format!("it {which} what it was made of: {} packages", old.len().max(new.len()));
        return vec![Change::new(Area::Dependencies, Effect::Other, what)];
    }
    let by_name = |all: &[Dependency]| {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for one in all.iter().filter(|one| !one.root) {
            names.entry(format!("{} {}", one.ecosystem.name(), one.name)).or_default().insert(version(one));
        }
        names
    };
    let (was, is) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let change = |name: &String| {
        let versions = |side: &BTreeMap<String, BTreeSet<String>>| {
            side.get(name).map(|all| all.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        let (before, after) = (versions(&was), versions(&is));
        (before != after).then(|| Change {
            before: before.as_deref().map(portcullis_model::audit::plain),
            after: after.as_deref().map(portcullis_model::audit::plain),
            ..Change::new(Area::Dependencies, Effect::Other, name)
        })
    };
    names.into_iter().filter_map(change).collect()
}

fn version(one: &Dependency) -> String {
    let from = match one.source {
        Source::Registry => "",
        Source::OtherRegistry => " (another registry)",
        Source::Git => " (git)",
        Source::Local => " (the maker's own disk)",
    };
    let building = if one.build_only { " (for building only)" } else { "" };
    format!("{}{from}{building}", one.version.as_deref().unwrap_or("without a version"))
}
