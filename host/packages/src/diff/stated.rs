//! What a publisher states in the manifest beside scopes: destinations, classes of data, AI, retention, limits, promises.
//!
//! Invariant: a statement that is missing counts as the widest one where it bounds something (retention), and as "none" where
//! it admits something (destinations, AI), as everywhere else.

use std::fmt::Display;

use portcullis_model::class::Class;

use super::{Area, Change, Effect};
use crate::manifest::{AiUse, Egress, Manifest, Outside, Retention, Storage};

/// The region that stands for every other.
const ANYWHERE: &str = "GLOBAL";

pub(super) fn changes(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.id != new.id {
        changes.push(Change::more(Area::Publisher, "another plugin").from(&old.id).to(&new.id));
    }
    if old.publisher != new.publisher {
        changes.push(Change::more(Area::Publisher, "another publisher").from(&old.publisher).to(&new.publisher));
    }
    changes.extend(destinations(&old.egress, &new.egress));
    changes.extend(classes(Area::DataClasses, "touches", &old.data_classes, &new.data_classes));
    changes.extend(ai(old.ai.as_ref(), new.ai.as_ref()));
    changes.extend(retention(old.retention.as_ref(), new.retention.as_ref()));
    changes.extend(limits(old, new));
    changes.extend(schedules(old, new));
    let promise = |manifest: &Manifest| manifest.maintenance.as_ref().map_or("none".to_owned(), ToString::to_string);
    changes.extend(other(Area::Maintenance, "another promise", &promise(old), &promise(new)));
    for (what, before, after) in [
        ("name", &old.name, &new.name),
        ("summary", &old.summary, &new.summary),
        ("terms", &old.terms, &new.terms),
        ("privacy", &old.privacy, &new.privacy),
        ("support", &old.support, &new.support),
    ] {
        changes.extend(other(Area::Documents, what, before, after));
    }
    changes
}

fn other<T: PartialEq + Display>(area: Area, what: &str, before: &T, after: &T) -> Option<Change> {
    (before != after).then(|| Change::new(area, Effect::Other, what).from(before).to(after))
}

fn classes(area: Area, verb: &str, old: &[Class], new: &[Class]) -> Vec<Change> {
    let mut changes = Vec::new();
    for class in new.iter().filter(|class| !old.contains(class)) {
        changes.push(Change::more(area, format!("{verb} {class} data")));
    }
    for class in old.iter().filter(|class| !new.contains(class)) {
        changes.push(Change::new(area, Effect::Narrower, format!("no longer {verb} {class} data")));
    }
    changes
}

fn destinations(old: &[Egress], new: &[Egress]) -> Vec<Change> {
    let mut changes = Vec::new();
    for entry in new {
        match old.iter().find(|before| before.host.covers(&entry.host)) {
            None => changes.push(Change::more(Area::Egress, "sends to another host").to(entry)),
            Some(before) => changes.extend(destination(before, entry)),
        }
    }
    for entry in old {
        if !new.iter().any(|after| after.host.covers(&entry.host)) {
            changes.push(Change::new(Area::Egress, Effect::Narrower, "no longer sends to all of").from(entry));
        }
    }
    changes
}

/// The same host, with other words about it.
fn destination(old: &Egress, new: &Egress) -> Vec<Change> {
    let host = &new.host;
    let mut changes = Vec::new();
    if old.region != new.region {
        let what = format!("{host} is in another region");
        let change = match old.region.as_str() {
            ANYWHERE => Change::new(Area::Egress, Effect::Narrower, what),
            _ => Change::more(Area::Egress, what),
        };
        changes.push(change.from(old.region.as_str()).to(new.region.as_str()));
    }
    if old.operator != new.operator {
        changes.push(
            Change::more(Area::Egress, format!("{host} is run by another company"))
                .from(&old.operator)
                .to(&new.operator),
        );
    }
    match (old.sub_processor, new.sub_processor) {
        (false, true) => changes.push(Change::more(Area::Egress, format!("{host} is run by a sub-processor"))),
        (true, false) => {
            changes.push(Change::new(Area::Egress, Effect::Narrower, format!("{host} is no sub-processor's any more")));
        }
        _ => {}
    }
    changes.extend(classes(Area::Egress, &format!("sends {host}"), &old.data, &new.data));
    changes.extend(other(Area::Egress, &format!("another purpose of {host}"), &old.purpose, &new.purpose));
    changes
}

fn ai(old: Option<&AiUse>, new: Option<&AiUse>) -> Vec<Change> {
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(new)) => return vec![Change::more(Area::Ai, "uses generative AI").to(new)],
        (Some(old), None) => {
            return vec![Change::new(Area::Ai, Effect::Narrower, "no longer uses generative AI").from(old)];
        }
        (Some(old), Some(new)) => (old, new),
    };
    let mut changes = Vec::new();
    if old.provider != new.provider {
        changes.push(Change::more(Area::Ai, "another provider").from(&old.provider).to(&new.provider));
    }
    changes.extend(classes(Area::Ai, "gives the model", &old.data, &new.data));
    for (what, before, after) in [
        ("a model is trained with the data", old.trains, new.trains),
        ("it can give medical advice", old.medical_advice, new.medical_advice),
    ] {
        match (before, after) {
            (false, true) => changes.push(Change::more(Area::Ai, what)),
            (true, false) => changes.push(Change::new(Area::Ai, Effect::Narrower, format!("not any more: {what}"))),
            _ => {}
        }
    }
    changes.extend(other(Area::Ai, "another purpose", &old.purpose, &new.purpose));
    changes
}

/// Days; what nobody promises to end has no end.
fn stored(retention: Option<&Retention>) -> u32 {
    match retention.map(|one| one.storage) {
        Some(Storage::None) => 0,
        Some(Storage::Days(days)) => days.count(),
        Some(Storage::UntilUninstalled) => u32::MAX - 1,
        None => u32::MAX,
    }
}

fn outside(retention: Option<&Retention>) -> u32 {
    match retention.map(|one| one.outside) {
        Some(Outside::None) => 0,
        Some(Outside::Days(days)) => days.count(),
        None => u32::MAX,
    }
}

fn retention(old: Option<&Retention>, new: Option<&Retention>) -> Option<Change> {
    if old == new {
        return None;
    }
    let longer = stored(new) > stored(old) || outside(new) > outside(old);
    let shorter = stored(new) < stored(old) || outside(new) < outside(old);
    let words = |one: Option<&Retention>| one.map_or("it does not say".to_owned(), ToString::to_string);
    let change = match (longer, shorter) {
        (true, _) => Change::more(Area::Retention, "data can be kept longer"),
        (false, true) => Change::new(Area::Retention, Effect::Narrower, "data is kept for less long"),
        (false, false) => Change::new(Area::Retention, Effect::Other, "kept for another purpose"),
    };
    Some(change.from(words(old)).to(words(new)))
}

fn limits(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let pairs = old.limits.entries().into_iter().zip(new.limits.entries());
    let changed = pairs.filter(|((_, before), (_, after))| before != after);
    changed
        .map(|((name, before), (_, after))| {
            let change = match after > before {
                true => Change::more(Area::Limits, name),
                false => Change::new(Area::Limits, Effect::Narrower, name),
            };
            change.from(before).to(after)
        })
        .collect()
}

fn schedules(old: &Manifest, new: &Manifest) -> Vec<Change> {
    let change = |what: &str, one: &crate::manifest::Schedule| {
        Change::new(Area::Schedules, Effect::Other, format!("{what} {}", one.name))
    };
    let came = new.schedules.iter().filter(|one| !old.schedules.contains(one)).map(|one| change("has", one));
    let went = old.schedules.iter().filter(|one| !new.schedules.contains(one)).map(|one| change("no longer has", one));
    came.chain(went).collect()
}
