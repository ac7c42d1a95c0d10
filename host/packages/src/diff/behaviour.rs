//! What two releases did when they were run in a recording sandbox.
//!
//! Invariants: a report is evidence and no promise, so that no change here needs consent; reports that were not made from the
//! same inputs are said to be so.

use std::collections::BTreeSet;

use portcullis_model::behaviour::{Granted, Pass, Report, Tried};

use super::{Area, Change, Effect};

pub(super) fn changes(old: Option<&Report>, new: Option<&Report>) -> Vec<Change> {
    let (old, new) = match (old, new) {
        (None, None) => return Vec::new(),
        (Some(old), Some(new)) => (old, new),
        (was, _) => {
            let which = if was.is_some() { "newer" } else { "older" };
            let what = format!("there is no report of the {which} one: nothing can be compared");
            return vec![Change::new(Area::Behaviour, Effect::Other, what)];
        }
    };
    let mut changes = Vec::new();
    if (old.corpus.digest, &old.tool) != (new.corpus.digest, &new.tool) {
        changes.push(Change::new(Area::Behaviour, Effect::Other, "the two were run on other inputs or by other tools"));
    }
    if let (Some(was), Some(is)) = (old.pass(Granted::All), new.pass(Granted::All)) {
        changes.extend(passes(was, is));
    }
    let (was, is) = (old.determinism.differing, new.determinism.differing);
    if was != is {
        let what = "inputs at which it did not do the same twice";
        changes.push(Change::new(Area::Behaviour, direction(was, is), what).from(was).to(is));
    }
    changes
}

/// Evidence goes two ways only: more is worth a look.
fn direction(was: u64, is: u64) -> Effect {
    if is > was { Effect::Wider } else { Effect::Narrower }
}

fn passes(old: &Pass, new: &Pass) -> Vec<Change> {
    let mut changes = sets("asked the host for", &acts(old), &acts(new));
    changes.extend(sets("tried to send to", &hosts(old), &hosts(new)));
    changes.extend(sets("broke by", &breakages(old), &breakages(new)));
    for (what, was, is) in [
        ("most memory in one call, in bytes", old.peaks.memory.most, new.peaks.memory.most),
        ("most calls into the host in one call", old.peaks.host_calls.most, new.peaks.host_calls.most),
        ("most requests in one call", old.peaks.requests.most, new.peaks.requests.most),
    ] {
        if was != is {
            changes.push(Change::new(Area::Behaviour, direction(was, is), what).from(was).to(is));
        }
    }
    changes
}

fn sets(verb: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<Change> {
    let came = new.difference(old).map(|one| Change::new(Area::Behaviour, Effect::Wider, format!("now {verb} {one}")));
    let went = old
        .difference(new)
        .map(|one| Change::new(Area::Behaviour, Effect::Narrower, format!("no longer seen: {verb} {one}")));
    came.chain(went).collect()
}

fn acts(pass: &Pass) -> BTreeSet<String> {
    let used = pass.acts.iter().filter(|(_, used)| used.permitted + used.denied > 0);
    used.map(|(name, used)| if used.permitted == 0 { format!("{name} (denied)") } else { name.clone() }).collect()
}

fn hosts(pass: &Pass) -> BTreeSet<String> {
    let words = |tried: Tried| match tried {
        Tried::Permitted => "",
        Tried::Denied => " (denied)",
        Tried::Refused => " (refused)",
    };
    pass.hosts.iter().map(|one| format!("{} {}{}", one.method, one.host, words(one.tried))).collect()
}

fn breakages(pass: &Pass) -> BTreeSet<String> {
    pass.breakages.iter().map(|one| one.kind.clone()).collect()
}
