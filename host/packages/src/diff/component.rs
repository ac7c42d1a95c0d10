//! What two components are: imports, exports, what they are made of, how large they are.
//!
//! Invariant: an import allows nothing by itself, so that no change here needs consent; a scope does.

use std::collections::{BTreeMap, BTreeSet};

use super::{Area, Change, Effect, Side};
use crate::inspect::Extern;

pub(super) fn changes(old: &Side<'_>, new: &Side<'_>) -> Vec<Change> {
    let (was, is) = (old.inspection, new.inspection);
    let mut changes = names(Area::Imports, Effect::Wider, &was.imports, &is.imports);
    changes.extend(names(Area::Exports, Effect::Other, &was.exports, &is.exports));
    if let (Some(was), Some(is)) = (old.dependencies, new.dependencies) {
        changes.extend(dependencies(was, is));
    }
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

fn names(area: Area, added: Effect, old: &[Extern], new: &[Extern]) -> Vec<Change> {
    let set = |all: &[Extern]| -> BTreeSet<String> { all.iter().map(|one| one.name.clone()).collect() };
    let (was, is) = (set(old), set(new));
    let came = is.difference(&was).map(|name| Change::new(area, added, "new").to(name));
    let went = was.difference(&is).map(|name| Change::new(area, Effect::Narrower, "gone").from(name));
    came.chain(went).collect()
}

/// By name: what came, what went, and what has another version. A name may have several versions at once.
fn dependencies(old: &BTreeSet<(String, String)>, new: &BTreeSet<(String, String)>) -> Vec<Change> {
    let by_name = |all: &BTreeSet<(String, String)>| {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, version) in all {
            names.entry(name.clone()).or_default().push(version.clone());
        }
        names
    };
    let (was, is) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let change = |name: &String| {
        let versions = |side: &BTreeMap<String, Vec<String>>| side.get(name).map(|all| all.join(", "));
        let (before, after) = (versions(&was), versions(&is));
        (before != after).then(|| Change {
            before: before.as_deref().map(portcullis_model::audit::plain),
            after: after.as_deref().map(portcullis_model::audit::plain),
            ..Change::new(Area::Dependencies, Effect::Other, name)
        })
    };
    names.into_iter().filter_map(change).collect()
}
