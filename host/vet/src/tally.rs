//! Adding up: from the outcomes of calls, in the order of their inputs, to what a report says of a pass.

use std::collections::BTreeMap;

use portcullis_model::{
    behaviour::{
        ActUse, Breakage, Broke, Family, Granted, HostUse, MAX_ENTRIES, Needed, Pass, Peaks, Shape, ShapeUse, Tried,
    },
    invoke::CallEnd,
    scope::ScopeText,
};

use crate::{
    outcome::{LOG, Outcome},
    stage::tape::{Request, What},
};

/// Lists under way: what is looked up by its key, in the order in which it was first seen.
#[derive(Default)]
struct Act {
    all: ActUse,
    needed: BTreeMap<ScopeText, usize>,
    shapes: BTreeMap<Shape, usize>,
}

/// The sum of a pass so far.
pub(crate) struct Tally {
    pass: Pass,
    acts: BTreeMap<String, Act>,
    hosts: BTreeMap<Request, usize>,
    breakages: BTreeMap<(Broke, String, Option<String>), usize>,
}

impl Tally {
    pub fn new(granted: Granted, scopes: &[ScopeText]) -> Self {
        let pass = Pass {
            granted,
            scopes: scopes.to_vec(),
            unloadable: None,
            calls: 0,
            left_out: 0,
            ends: BTreeMap::new(),
            acts: BTreeMap::new(),
            hosts: Vec::new(),
            hosts_left_out: 0,
            denials_unlisted: 0,
            breakages: Vec::new(),
            breakages_left_out: 0,
            peaks: Peaks::default(),
        };
        Self { pass, acts: BTreeMap::new(), hosts: BTreeMap::new(), breakages: BTreeMap::new() }
    }

    /// A pass that could not begin.
    pub fn unloadable(granted: Granted, scopes: &[ScopeText], why: String) -> Pass {
        Pass { unloadable: Some(why), ..Self::new(granted, scopes).pass }
    }

    /// Adds a call.
    pub fn add(&mut self, outcome: &Outcome) {
        self.pass.calls += 1;
        *self.pass.ends.entry(outcome.ended()).or_default() += 1;
        self.acts(outcome);
        self.requests(outcome);
        self.breakage(outcome);
        if !outcome.cut_off() {
            self.pass.denials_unlisted += u64::from(outcome.usage.denials_unlisted);
            self.peaks(outcome);
        }
    }

    fn acts(&mut self, outcome: &Outcome) {
        let mut counts: BTreeMap<(&str, &What), u64> = BTreeMap::new();
        for asked in &outcome.asked {
            *counts.entry((&asked.act, &asked.what)).or_default() += 1;
        }
        for ((name, what), times) in counts {
            let times = if outcome.cut_off() { 1 } else { times };
            let fresh = || Act { all: ActUse { first: outcome.number, ..ActUse::default() }, ..Act::default() };
            let act = self.acts.entry(name.to_owned()).or_insert_with(fresh);
            match what {
                What::Permitted(shape) => act.permitted(shape, times, outcome.number),
                What::Denied(scope) => act.denied(scope, times, outcome.number),
            }
        }
    }

    fn requests(&mut self, outcome: &Outcome) {
        let mut counts: BTreeMap<&Request, u64> = BTreeMap::new();
        for request in &outcome.requests {
            *counts.entry(request).or_default() += 1;
        }
        for (request, times) in counts {
            let times = if outcome.cut_off() { 1 } else { times };
            let Pass { hosts, hosts_left_out, .. } = &mut self.pass;
            match (self.hosts.get(request), hosts.len()) {
                (Some(at), _) => hosts[*at].requests += times,
                (None, MAX_ENTRIES) => *hosts_left_out += times,
                (None, at) => {
                    self.hosts.insert(request.clone(), at);
                    hosts.push(host(request, times, outcome.number));
                }
            }
        }
    }

    fn breakage(&mut self, outcome: &Outcome) {
        let (how, kind) = match &outcome.end {
            CallEnd::Trapped(why) => (Broke::Trap, why.chars().take(120).collect()),
            CallEnd::Limit(name) => (Broke::Limit, (*name).to_owned()),
            _ => return,
        };
        let place = if how == Broke::Trap { outcome.place() } else { None };
        let key = (how, kind, place);
        let Pass { breakages, breakages_left_out, .. } = &mut self.pass;
        let at = match (self.breakages.get(&key), breakages.len()) {
            (Some(at), _) => *at,
            (None, MAX_ENTRIES) => {
                *breakages_left_out += 1;
                return;
            }
            (None, at) => {
                let (how, kind, place) = key.clone();
                breakages.push(Breakage { how, kind, place, calls: BTreeMap::new(), first: outcome.number });
                self.breakages.insert(key, at);
                at
            }
        };
        *breakages[at].calls.entry(outcome.family).or_default() += 1;
    }

    fn peaks(&mut self, outcome: &Outcome) {
        let (number, usage, peaks) = (outcome.number, &outcome.usage, &mut self.pass.peaks);
        let acts = outcome.asked.iter().filter(|asked| !asked.id.is_empty()).count() as u64;
        let sent = outcome.requests.iter().filter(|request| request.tried == Tried::Permitted).count();
        let logged = outcome.asked.iter().filter(|asked| asked.act == LOG).count();
        let bytes: usize = outcome.log.iter().map(|(_, line)| line.len()).sum();
        peaks.memory.see(usage.memory, number);
        peaks.host_calls.see(usage.host_calls.into(), number);
        peaks.acts.see(acts + u64::from(usage.denials_unlisted), number);
        peaks.requests.see(sent as u64, number);
        peaks.log_lines.see(logged as u64, number);
        peaks.log_bytes.see(bytes as u64, number);
        peaks.log_dropped.see(usage.log_dropped.into(), number);
    }

    /// The pass, with so many inputs left out.
    pub fn end(mut self, left_out: u64) -> Pass {
        self.pass.left_out = left_out;
        self.pass.hosts.sort();
        self.pass.acts = self.acts.into_iter().map(|(name, act)| (name, act.all)).collect();
        for act in self.pass.acts.values_mut() {
            act.needed.sort_by(|a, b| a.scope.cmp(&b.scope));
            act.shapes.sort_by(|a, b| a.shape.cmp(&b.shape));
        }
        self.pass.breakages.sort_by_key(|breakage| breakage.first);
        self.pass
    }
}

impl Act {
    fn permitted(&mut self, shape: &Shape, times: u64, first: u64) {
        self.all.permitted += times;
        let shapes = &mut self.all.shapes;
        match (self.shapes.get(shape), shapes.len()) {
            (Some(at), _) => shapes[*at].acts += times,
            (None, MAX_ENTRIES) => self.all.left_out += times,
            (None, at) => {
                self.shapes.insert(shape.clone(), at);
                shapes.push(ShapeUse { shape: shape.clone(), acts: times, first });
            }
        }
    }

    fn denied(&mut self, scope: &ScopeText, times: u64, first: u64) {
        self.all.denied += times;
        let needed = &mut self.all.needed;
        match (self.needed.get(scope), needed.len()) {
            (Some(at), _) => needed[*at].denied += times,
            (None, MAX_ENTRIES) => self.all.left_out += times,
            (None, at) => {
                self.needed.insert(scope.clone(), at);
                needed.push(Needed { scope: scope.clone(), denied: times, first });
            }
        }
    }
}

fn host(request: &Request, requests: u64, first: u64) -> HostUse {
    let Request { host, port, method, tried, problem } = request.clone();
    HostUse { host, port, method, tried, problem, requests, first }
}

/// How many inputs of each family there are.
pub(crate) fn families(count: impl Fn(Family) -> u64) -> BTreeMap<Family, u64> {
    let all = [Family::Sample, Family::Given, Family::Generated, Family::Hostile, Family::Mutated];
    all.into_iter().map(|family| (family, count(family))).filter(|(_, inputs)| *inputs > 0).collect()
}
