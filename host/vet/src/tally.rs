//! Adding up: from the outcomes of calls, in the order of their inputs, to what a report says of a pass.

use std::collections::BTreeMap;

use portcullis_model::{
    behaviour::{
        ActUse, Breakage, Broke, Family, Granted, HostUse, MAX_ENTRIES, MAX_SHAPES, Needed, Pass, Peaks, Shape,
        ShapeUse, Tried,
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
    /// How many shapes and missing scopes may still be listed.
    room: usize,
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
        Self { pass, acts: BTreeMap::new(), hosts: BTreeMap::new(), breakages: BTreeMap::new(), room: MAX_SHAPES }
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
                What::Permitted(shape) => act.permitted(shape, times, outcome.number, &mut self.room),
                What::Denied(scope) => act.denied(scope, times, outcome.number, &mut self.room),
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
    fn permitted(&mut self, shape: &Shape, times: u64, first: u64, room: &mut usize) {
        self.all.permitted += times;
        let shapes = &mut self.all.shapes;
        match (self.shapes.get(shape), *room) {
            (Some(at), _) => shapes[*at].acts += times,
            (None, 0) => self.all.left_out += times,
            (None, _) => {
                let at = shapes.len();
                *room -= 1;
                self.shapes.insert(shape.clone(), at);
                shapes.push(ShapeUse { shape: shape.clone(), acts: times, first });
            }
        }
    }

    fn denied(&mut self, scope: &ScopeText, times: u64, first: u64, room: &mut usize) {
        self.all.denied += times;
        let needed = &mut self.all.needed;
        match (self.needed.get(scope), *room) {
            (Some(at), _) => needed[*at].denied += times,
            (None, 0) => self.all.left_out += times,
            (None, _) => {
                let at = needed.len();
                *room -= 1;
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

#[cfg(test)]
mod tests {
    use portcullis_model::{
        behaviour::{MAX_REPORT, MAX_WORDS},
        id::Digest,
        invoke::Usage,
    };

    use super::*;
    use crate::stage::tape::Asked;

    fn outcome(number: u64) -> Outcome {
        let long = |name: &str| (name.to_owned(), format!("{number} {}", "w".repeat(MAX_WORDS - 8)));
        let shape: Shape = ["to", "method", "headers", "body", "length", "path", "query", "carries"].map(long).into();
        let needed: ScopeText =
            format!("http:send to=https://h{number}.{}.example/* methods=POST", "d".repeat(60)).parse().unwrap();
        let asked = |what| Asked {
            id: "call.1".into(),
            act: format!("act.{}", number % 28),
            what,
            arguments: Digest::of(b""),
            words: None,
            outcome: None,
        };
        let host = |tried| Request {
            host: format!("{number}.{}", "h".repeat(250)),
            port: Some(443),
            method: "DELETE".into(),
            tried,
            problem: Some("url: must begin with 'https://'".into()),
        };
        Outcome {
            number,
            family: Family::Mutated,
            input: Digest::of(b""),
            end: CallEnd::Trapped(format!("{number} {}", "t".repeat(300))),
            usage: Usage::default(),
            asked: vec![asked(What::Permitted(shape)), asked(What::Denied(needed))],
            requests: vec![host(Tried::Denied), host(Tried::Refused)],
            log: vec![("error", format!("panicked at src/{number}{}.rs:1:2: on purpose", "x".repeat(80)))],
            stack: Vec::new(),
        }
    }

    #[test]
    fn whatever_a_plugin_does_the_report_stays_one_that_can_be_read() {
        let mut tally = Tally::new(Granted::All, &[]);
        (0..2_000).for_each(|number| tally.add(&outcome(number)));
        let pass = tally.end(0);
        assert_eq!((pass.calls, pass.hosts.len(), pass.breakages.len()), (2_000, MAX_ENTRIES, MAX_ENTRIES));
        assert_eq!(pass.hosts_left_out, 4_000 - MAX_ENTRIES as u64);
        let listed: usize = pass.acts.values().map(|act| act.shapes.len() + act.needed.len()).sum();
        let left_out: u64 = pass.acts.values().map(|act| act.left_out).sum();
        assert_eq!((listed, left_out), (MAX_SHAPES, 4_000 - MAX_SHAPES as u64));
        let bytes = serde_json::to_vec(&pass).unwrap().len();
        // Two such passes, two copies of the largest manifest's scopes, and the rest.
        assert!(2 * bytes + 2 * 64 * 1024 + 64 * 1024 < MAX_REPORT, "{bytes}");
    }

    #[test]
    fn what_time_cut_off_counts_once_and_has_no_peaks() {
        let looping = |number| {
            let asked = outcome(0).asked.remove(0);
            let usage = Usage { memory: 1 << 20, host_calls: 9, ..Usage::default() };
            Outcome { end: CallEnd::Limit("cpu-ms"), usage, asked: vec![asked; 7], ..outcome(number) }
        };
        let mut tally = Tally::new(Granted::All, &[]);
        tally.add(&looping(1));
        tally.add(&Outcome { end: CallEnd::Ok, ..looping(2) });
        let pass = tally.end(3);
        assert_eq!((pass.acts["act.0"].permitted, pass.left_out), (1 + 7, 3));
        assert_eq!((pass.peaks.memory.input, pass.peaks.acts.most, pass.peaks.host_calls.most), (2, 7, 9));
        assert_eq!(pass.ends, [("limit cpu-ms".to_owned(), 1), ("ok".to_owned(), 1)].into());
        assert_eq!(pass.breakages.len(), 1);
    }
}
