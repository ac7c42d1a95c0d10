//! What of a report a reviewer should read first, in a few lines. Computed from the report alone, so that whoever shows it says
//! the same.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ActUse, Breakage, Broke, Family, Granted, HostUse, Pass, Report, Tried};
use crate::audit::plain;

/// How much a finding should weigh with a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Speaks against the release as it is.
    Grave,
    /// To be asked about.
    Notable,
    /// To be known.
    Plain,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its weight.
    pub weight: Weight,
    /// What it is, in one sentence without a full stop.
    pub words: String,
}

/// The most names that one finding lists.
const NAMES: usize = 5;

/// Capabilities that have no acts of their own, or none that a run would show.
const WITHOUT_ACTS: [&str; 2] = ["events", "log"];

impl Report {
    /// The findings, the gravest first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for pass in &self.passes {
            match pass.granted {
                Granted::All => under_all(pass, &mut found),
                Granted::Required => under_required(pass, self.pass(Granted::All), &mut found),
            }
        }
        self.steady(&mut found);
        found.sort_by_key(|finding| finding.weight);
        found
    }

    fn steady(&self, found: &mut Vec<Finding>) {
        let all = &self.determinism;
        let by_itself = all.differing.saturating_sub(all.by_time_or_chance);
        if by_itself > 0 {
            add(
                found,
                Weight::Notable,
                format!("does different things on the same input, on {}", of(by_itself, all.inputs)),
            );
        }
        if all.by_time_or_chance > 0 {
            let how = of(all.by_time_or_chance, all.inputs);
            add(found, Weight::Plain, format!("what it does depends on the time of day or on random bytes, on {how}"));
        }
        if all.inputs > 0 && all.differing == 0 {
            add(found, Weight::Plain, format!("did the same again on each of {} inputs", all.inputs));
        }
    }
}

fn add(found: &mut Vec<Finding>, weight: Weight, words: String) {
    found.push(Finding { weight, words });
}

fn of(some: u64, all: u64) -> String {
    format!("{some} of {all} inputs")
}

/// A few of many, in their order.
fn some(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let shown = names.iter().take(NAMES).map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn under_all(pass: &Pass, found: &mut Vec<Finding>) {
    if let Some(why) = &pass.unloadable {
        return add(found, Weight::Grave, format!("could not be run: {}", plain(why)));
    }
    hosts(pass, found);
    denials(&pass.acts, found);
    if pass.denials_unlisted > 0 {
        add(
            found,
            Weight::Grave,
            format!("goes on asking after 20 denials in one call: {} more", pass.denials_unlisted),
        );
    }
    for breakage in &pass.breakages {
        add(found, weight_of(breakage), broke(breakage));
    }
    if pass.left_out > 0 {
        let words = format!("{} inputs were left out: too many calls before were cut off by time", pass.left_out);
        add(found, Weight::Grave, words);
    }
    unused(pass, found);
}

fn hosts(pass: &Pass, found: &mut Vec<Finding>) {
    let to = |tried: Tried| some(pass.hosts.iter().filter(|host| host.tried == tried).map(place));
    for (tried, weight, words) in [
        (Tried::Denied, Weight::Grave, "tries to send where it does not ask to"),
        (Tried::Refused, Weight::Grave, "tries to send where nobody may"),
        (Tried::Permitted, Weight::Plain, "sends to"),
    ] {
        let places = to(tried);
        if !places.is_empty() {
            add(found, weight, format!("{words}: {places}"));
        }
    }
    let carried = pass.acts.get("http.send").into_iter().flat_map(|act| &act.shapes);
    let carried =
        some(carried.filter_map(|one| one.shape.get("carries")).flat_map(|all| all.split(", ").map(str::to_owned)));
    if !carried.is_empty() {
        add(found, Weight::Notable, format!("what it sends carries: {carried}"));
    }
}

/// Host, and port where it is not the usual one.
fn place(host: &HostUse) -> String {
    match host.port {
        Some(443) | None => host.host.clone(),
        Some(port) => format!("{}:{port}", host.host),
    }
}

fn denials<'a>(acts: impl IntoIterator<Item = (&'a String, &'a ActUse)>, found: &mut Vec<Finding>) {
    for (name, act) in acts {
        if act.denied > 0 {
            let needed = some(act.needed.iter().map(|needed| needed.scope.to_string()));
            let words =
                format!("{} was denied {} times; its manifest does not ask for: {needed}", plain(name), act.denied);
            add(found, Weight::Grave, words);
        }
    }
}

/// What breaks on events as they are every day is worse than what breaks on events that nobody sends.
fn weight_of(breakage: &Breakage) -> Weight {
    let everyday = [Family::Sample, Family::Given, Family::Generated];
    match breakage.calls.keys().any(|family| everyday.contains(family)) {
        true => Weight::Grave,
        false => Weight::Notable,
    }
}

fn broke(breakage: &Breakage) -> String {
    let calls: Vec<String> =
        breakage.calls.iter().map(|(family, calls)| format!("{calls} {}", named(*family))).collect();
    let place = breakage.place.as_ref().map(|place| format!(" at {}", plain(place))).unwrap_or_default();
    let (calls, kind, first) = (calls.join(", "), plain(&breakage.kind), breakage.first);
    match breakage.how {
        Broke::Trap => format!("crashes ({kind}{place}) on {calls} inputs, first on {first}"),
        Broke::Limit => format!("reaches the limit {kind} on {calls} inputs, first on {first}"),
    }
}

fn named(family: Family) -> &'static str {
    match family {
        Family::Sample => "sample",
        Family::Given => "given",
        Family::Generated => "generated",
        Family::Hostile => "hostile",
        Family::Mutated => "mutated",
    }
}

/// Capabilities that it asks for, and did not use in any call.
fn unused(pass: &Pass, found: &mut Vec<Finding>) {
    let used: BTreeSet<&str> = pass.acts.keys().filter_map(|act| act.split('.').next()).collect();
    let asked: BTreeSet<&str> = pass.scopes.iter().map(|scope| scope.capability()).collect();
    let unused = asked.into_iter().filter(|name| !used.contains(name) && !WITHOUT_ACTS.contains(name));
    let unused = some(unused.map(str::to_owned));
    if !unused.is_empty() {
        add(found, Weight::Notable, format!("asks for and never used, on this corpus: {unused}"));
    }
    if pass.ends.keys().all(|end| end == "refused") {
        add(found, Weight::Grave, "was never called: it asks for no event that could be made".to_owned());
    }
}

fn under_required(pass: &Pass, all: Option<&Pass>, found: &mut Vec<Finding>) {
    if let Some(why) = &pass.unloadable {
        let words = format!("does not load without its optional scopes: {}", plain(why));
        return add(found, Weight::Notable, words);
    }
    let ended = |pass: &Pass, how: &str| pass.ends.get(how).copied().unwrap_or_default();
    let (crashing, failing) = (ended(pass, "trap"), ended(pass, "failed denied"));
    if crashing > 0 && all.is_some_and(|all| ended(all, "trap") == 0) {
        add(found, Weight::Notable, format!("crashes where its optional scopes are not granted, in {crashing} calls"));
    } else if failing > 0 {
        let words =
            format!("without its optional scopes {failing} of {} calls fail because something is denied", pass.calls);
        add(found, Weight::Plain, words);
    }
}
