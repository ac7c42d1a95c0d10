//! One guest, run: installed as its header says, called, and held against what must happen.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use attacks::header::{Expect, Header, Who};
use portcullis_e2e::{Acts, Package, acts};
use portcullis_model::{
    audit::Entry,
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use serde_json::json;

use crate::{
    guest::{Guest, Source},
    rogue::Arrived,
    world::{World, event_for, forbidden},
};

/// What every guest may be called for, as its manifest asks.
const EVENTS: [&str; 2] = ["events:receive types=test.* data=full", "events:receive types=zen:event-type:*"];

/// What a guest asks for that says nothing of it: on a loaded machine it must come to its end before the time does.
const ROOM: [(&str, u32); 2] = [("cpu-ms", 5_000), ("wall-ms", 60_000)];

/// A guest that was run.
pub struct Ran<'a> {
    /// The world that it ran in.
    pub world: &'a World,
    /// The installations that it has: its own, the sibling, the stranger.
    pub installations: Vec<(Who, Installation)>,
    /// Its calls, in order.
    pub reports: Vec<CallReport>,
    /// Why it was not installed.
    pub refusals: Vec<String>,
    /// What arrived at the server meanwhile.
    pub arrived: Vec<Arrived>,
    /// What stands in the audit log about it.
    pub entries: Vec<Entry>,
    /// What its calls ended as: the last of them, or what became of many.
    pub outcome: String,
    /// How long its calls took together.
    pub lived: Duration,
    /// Of many components the one that took longest, and its number.
    pub slowest: (Duration, usize),
}

impl Ran<'_> {
    /// Lines that its calls logged.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.reports.iter().flat_map(|report| report.log.iter().map(|(_, line)| line.as_str()))
    }

    /// What the audit log has of its acts.
    pub fn acts(&self) -> Acts {
        acts(&self.entries)
    }

    /// How its calls ended, or why they were not made, each with how often.
    pub fn ends(&self) -> impl Iterator<Item = (usize, String)> {
        let mut ends = BTreeMap::<String, usize>::new();
        let called = self.reports.iter().map(|report| report.end.to_string());
        for end in called.chain(self.refusals.iter().cloned()) {
            *ends.entry(end).or_default() += 1;
        }
        ends.into_iter().map(|(end, count)| (count, end))
    }

    /// The first installation.
    pub fn own(&self) -> &Installation {
        &self.installations[0].1
    }
}

/// Runs it. An error says what should not have happened.
pub async fn run<'a>(world: &'a World, guest: &Guest) -> (Ran<'a>, Result<(), String>) {
    let header = guest.header();
    world.rogue.take();
    let before = world.lab.stored_entries().await.len();
    let mut ran = Ran {
        world,
        installations: Vec::new(),
        reports: Vec::new(),
        refusals: Vec::new(),
        arrived: Vec::new(),
        entries: Vec::new(),
        outcome: String::new(),
        lived: Duration::ZERO,
        slowest: (Duration::ZERO, 0),
    };
    let mut result = match &guest.source {
        Source::Made(make) => many(&mut ran, guest, &header, make(&world.base)).await,
        _ => one(&mut ran, guest, &header).await,
    };
    ran.arrived = world.rogue.take();
    ran.entries = about(world.lab.entries().await.split_off(before), &ran.installations);
    result = result.and_then(|()| always(&ran, &header));
    if let (Ok(()), Some(afterwards)) = (&result, guest.afterwards) {
        result = afterwards(&ran).await;
    }
    (ran, result)
}

/// Installs a guest of one component in a tenant of its own, where it can be installed.
pub async fn installed(world: &World, guest: &Guest) -> Option<Installation> {
    if matches!(guest.source, Source::Made(_)) {
        return None;
    }
    let (header, tenant) = (guest.header(), tenant(guest.name));
    world.lab.seed(&tenant).await;
    let package = package(&header, guest.name, world.base.guest(guest.name));
    let installation = world.install(&tenant, &package, granted(&header).as_deref()).await.ok()?;
    if header.connects {
        world.connect(&installation).await;
    }
    Some(installation)
}

/// The entries about these installations' tenants, which they have to themselves.
fn about(entries: Vec<Entry>, installations: &[(Who, Installation)]) -> Vec<Entry> {
    let ours = |entry: &Entry| installations.iter().any(|(_, one)| Some(&one.tenant) == entry.tenant.as_ref());
    entries.into_iter().filter(ours).collect()
}

async fn one(ran: &mut Ran<'_>, guest: &Guest, header: &Header) -> Result<(), String> {
    let package = package(header, guest.name, ran.world.base.guest(guest.name));
    let tenant = tenant(guest.name);
    let mut seeded = Vec::new();
    for who in [Who::Own, Who::Sibling, Who::Stranger] {
        if who != Who::Own && !header.calls.contains(&who) {
            continue;
        }
        let tenant = if who == Who::Stranger { format!("{tenant}-2") } else { tenant.clone() };
        if !seeded.contains(&tenant) {
            ran.world.lab.seed(&tenant).await;
            seeded.push(tenant.clone());
        }
        match ran.world.install(&tenant, &package, granted(header).as_deref()).await {
            Ok(installation) => ran.installations.push((who, installation)),
            Err(error) => return refused(ran, header, &error.to_string()),
        }
    }
    if header.connects {
        for (_, installation) in &ran.installations {
            ran.world.connect(installation).await;
        }
    }
    call_all(ran, guest, header).await
}

async fn call_all(ran: &mut Ran<'_>, guest: &Guest, header: &Header) -> Result<(), String> {
    for (number, who) in header.calls.iter().enumerate() {
        let Some((_, installation)) = ran.installations.iter().find(|(one, _)| one == who) else {
            return Err(format!("it has no installation for call {}", number + 1));
        };
        let loot: Vec<&str> = ran.lines().collect();
        let data = json!({ "call": number + 1, "loot": loot, "installation": installation.id });
        let event = event_for(installation, header.zendesk, data);
        let began = Instant::now();
        let report = ran.world.lab.handle(installation, &event, 1).await;
        ran.lived += began.elapsed();
        ran.outcome = outcome(&report.end);
        let held = holds(header.expected(number), &report.end);
        let end = format!("call {}: {}", number + 1, report.end);
        let log = format!("{:?}", report.log);
        ran.reports.push(report);
        if !held {
            return Err(format!("{end} {log:.600}"));
        }
        if number == 0 {
            crate::files::between(ran, guest.name);
        }
    }
    Ok(())
}

fn refused(ran: &mut Ran<'_>, header: &Header, reason: &str) -> Result<(), String> {
    ran.outcome = "refused".to_owned();
    ran.refusals.push(reason.to_owned());
    match header.expected(0) {
        Expect::Refused(part) if reason.contains(part.as_str()) => Ok(()),
        _ => Err(format!("refused: {reason}")),
    }
}

/// Each of many components: refused, or called once.
async fn many(ran: &mut Ran<'_>, guest: &Guest, header: &Header, components: Vec<Vec<u8>>) -> Result<(), String> {
    if components.len() < 2 {
        return Err("it makes nothing".to_owned());
    }
    let (mut refused, mut called) = (0, 0);
    for (number, component) in components.into_iter().enumerate() {
        let package = package(header, guest.name, component.into());
        let began = Instant::now();
        let installed = ran.world.install(&tenant(guest.name), &package, granted(header).as_deref()).await;
        let end = match installed {
            Err(error) => {
                ran.refusals.push(error.to_string());
                CallEnd::Refused(error.to_string())
            }
            Ok(installation) => {
                let event = event_for(&installation, false, json!({ "call": 1 }));
                let report = ran.world.lab.handle(&installation, &event, 1).await;
                ran.installations.push((Who::Own, installation));
                let end = report.end.clone();
                ran.reports.push(report);
                end
            }
        };
        ran.lived += began.elapsed();
        ran.slowest = ran.slowest.max((began.elapsed(), number));
        let is_refused = matches!(end, CallEnd::Refused(_));
        (refused, called) = (refused + usize::from(is_refused), called + usize::from(!is_refused));
        if !holds(header.expected(0), &end) {
            return Err(format!("number {number}: {end}"));
        }
    }
    ran.outcome = if called == 0 {
        format!("refused, all {refused}")
    } else {
        format!("contained: {refused} refused, {called} called")
    };
    Ok(())
}

fn package(header: &Header, name: &str, component: Arc<[u8]>) -> Package {
    let mut scopes: Vec<&str> = header.asks.iter().map(String::as_str).collect();
    if !scopes.contains(&"log:write") {
        scopes.push("log:write");
    }
    let mut limits = header.limits.clone();
    for (name, value) in ROOM {
        if !limits.iter().any(|limit| limit.starts_with(&format!("{name} ="))) {
            limits.push(format!("{name} = {value}"));
        }
    }
    Package::of(component, name, &scopes, &limits.join("\n"))
}

fn granted(header: &Header) -> Option<Vec<String>> {
    let grants = header.grants.as_ref()?;
    Some(EVENTS.iter().map(|scope| (*scope).to_owned()).chain(grants.iter().cloned()).collect())
}

/// Each guest has a tenant of its own.
fn tenant(name: &str) -> String {
    name.replace('_', "-").chars().take(50).collect()
}

fn outcome(end: &CallEnd) -> String {
    match end {
        CallEnd::Limit(name) => format!("limit {name}"),
        CallEnd::Failed { error, .. } => format!("failed {error}"),
        other => other.name().to_owned(),
    }
}

fn holds(expected: &Expect, end: &CallEnd) -> bool {
    match (expected, end) {
        (Expect::Ok, CallEnd::Ok) | (Expect::Held, CallEnd::Held { .. }) => true,
        (Expect::Limit(name), CallEnd::Limit(reached)) => name == reached,
        (Expect::Trapped(part), CallEnd::Trapped(why)) => why.contains(part.as_str()),
        (Expect::Failed(kind, part), CallEnd::Failed { error, message }) => {
            kind == error && message.contains(part.as_str()) && !message.contains("ESCAPED")
        }
        (Expect::Refused(part), CallEnd::Refused(why)) => why.contains(part.as_str()),
        // A host's own failure is no containment, and whoever says that it escaped did.
        (Expect::Contained, CallEnd::HostFailed(_)) => false,
        (Expect::Contained, CallEnd::Failed { message, .. }) => !message.contains("ESCAPED"),
        (Expect::Contained, _) => true,
        _ => false,
    }
}

/// What must be true of every guest, whatever it tries.
fn always(ran: &Ran<'_>, header: &Header) -> Result<(), String> {
    let seen = format!("{:?} {:?}", ran.reports, ran.entries);
    for text in forbidden() {
        if seen.contains(text) {
            return Err(format!("{text} is in its log, its errors or the audit log"));
        }
    }
    if let Some(line) = ran.lines().find(|line| line.contains(crate::logs::is_unfit)) {
        return Err(format!("a line of its log is not escaped: {:?}", line.escape_unicode().to_string()));
    }
    if let Some(report) = ran.reports.iter().find(|report| report.end.to_string().contains(crate::logs::is_unfit)) {
        return Err(format!("its error is not escaped: {:?}", report.end.to_string()));
    }
    let acts = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ran.acts()));
    let acts = acts.map_err(|_| "its acts do not stand well in the audit log".to_owned())?;
    if let Some(act) = header.denies.iter().find(|act| acts.denied(act) == 0) {
        return Err(format!("no denial of {act} stands in the audit log: {acts:?}"));
    }
    if !ran.world.victim_is_well() {
        return Err("the victim's data has changed".to_owned());
    }
    Ok(())
}
