//! `GET /installations/{id}/activity`: what an installation did, day by day, and where it sent to: for pictures.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use portcullis_model::{
    audit::{
        Entry, Kind,
        query::{Field, Filter, Terms},
        reader::Window,
    },
    budget::Resource,
    installation::Installation,
    people::{Resource as Named, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, given::wrong, unavailable},
    problem::Problem,
};

/// How many days are looked at where nobody says, and at most.
const USUAL: u32 = 30;
const MOST: u32 = 90;
/// Of how many requests bytes are added up, at most: the newest.
const LOOKED_AT: usize = 500;
/// The act that sends something.
const SEND: &str = "http.send";
/// How many destinations are named.
const DESTINATIONS: usize = 50;
/// Milliseconds of a day, and how many characters of a time are its day.
const DAY_MS: i64 = 86_400_000;
const DAY: usize = "2026-11-01".len();

/// Says what an installation did.
pub struct Activity;

/// How far back.
#[derive(Deserialize, IntoParams)]
pub struct Span {
    /// How many days are looked at: 1 to 90.
    #[param(minimum = 1, maximum = 90, default = 30)]
    days: Option<u32>,
}

/// What an installation did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct Done {
    /// Which.
    installation: String,
    /// From when on it was looked.
    #[schema(format = DateTime)]
    since: String,
    /// Whether more requests were sent in this time than the 500 newest, which `destinations` are of.
    more: bool,
    /// Days on which it did anything, the oldest first, in UTC.
    days: Vec<Day>,
    /// Where its newest 500 requests went, by bytes, at most 50.
    destinations: Vec<Destination>,
    /// What it used of its budgets in the last hour, as far as it used any.
    budgets: Vec<BudgetUse>,
}

/// What was used of a budget.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BudgetUse {
    /// The name of its limit, such as `calls-per-hour`.
    name: &'static str,
    /// What is used up, in words.
    words: &'static str,
    /// How much was used, in what the limit counts.
    used: u64,
    /// The installation's own limit. Others may be lower: its tenant's, or the host's.
    limit: u64,
}

fn said(resource: Resource) -> &'static str {
    match resource {
        Resource::Calls => "Calls",
        Resource::Cpu => "CPU time, in milliseconds",
        Resource::Wall => "Time in calls, in milliseconds",
        Resource::HostCalls => "Calls into the host",
        Resource::Log => "Its own log, in KiB",
        Resource::HttpRequests => "Requests sent",
        Resource::HttpOut => "Sent, in KiB",
        Resource::HttpIn => "Received, in KiB",
        Resource::RecordsRead => "Records read",
        Resource::RecordsWritten => "Records written",
    }
}

/// What an installation used of its budgets in the last hour.
async fn budgets(ports: &Ports, of: &Installation, now: Timestamp) -> Result<Vec<BudgetUse>, Problem> {
    // The last sixty minutes, the one that has begun included.
    let since = now.0.div_euclid(60_000) - 59;
    let used = ports.budgets.used_by(&of.tenant, &of.id, since).await.map_err(|error| unavailable(&error))?;
    let one = |(resource, used): (Resource, u64)| BudgetUse {
        name: resource.hourly(),
        words: said(resource),
        used: used.div_ceil(resource.unit().max(1)),
        limit: resource.in_hour(&of.limits),
    };
    Ok(used.into_iter().filter(|(_, used)| *used > 0).map(one).collect())
}

/// A day.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = ActivityDay)]
pub struct Day {
    /// Which, such as `2026-11-01`.
    #[schema(format = Date)]
    day: String,
    /// Acts that were permitted.
    permitted: u64,
    /// Acts that were denied.
    denied: u64,
    /// Calls that ended.
    calls: u64,
    /// Those of them that did not end well, and permitted acts that did not.
    failures: u64,
}

/// A host that was sent to.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = ActivityDestination)]
pub struct Destination {
    /// Its name, with the port where that is not the usual one.
    host: String,
    /// How many requests were answered.
    requests: u64,
    /// What was sent in their bodies.
    bytes_out: u64,
    /// What came back in bodies.
    bytes_in: u64,
}

impl Operation for Activity {
    type Ports = Ports;
    type Path = Which;
    type Query = Span;
    type Body = Nothing;
    type Answer = Done;

    const ABOUT: About =
        About::get(actions::INSTALLATIONS_USE_GET, "/installations/{id}/activity", "Show what an installation did")
            .id("installations.activity")
            .text("Counted from the index of the audit log, day by day; where data went is of its newest 500 requests.")
            .on(On::Installation);

    async fn resource(ports: &Ports, path: &Which, _: &Span, _: &Nothing) -> Result<Named, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        let days = call.query.days.unwrap_or(USUAL);
        if !(1..=MOST).contains(&days) {
            return Err(wrong(format!("days: expected 1 to {MOST}.")));
        }
        let installation = ports.find(&call.path.id).await?;
        let span = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let since = Timestamp(call.now().0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
        let of = |kind: Kind| {
            Filter::default()
                .and(Field::Kind, kind.name())
                .and(Field::Installation, installation.id.as_str())
                .and(Field::Tenant, installation.tenant.as_str())
                .within(Some(since), None)
        };
        let days = by_day(ports, of).await?;
        let (found, more) = sent(ports, &of(Kind::ActOutcome).and(Field::Act, SEND)).await?;
        let mut destinations: Vec<Destination> = found.into_values().collect();
        destinations
            .sort_by(|a, b| (b.bytes_out + b.bytes_in).cmp(&(a.bytes_out + a.bytes_in)).then(a.host.cmp(&b.host)));
        destinations.truncate(DESTINATIONS);
        Ok(Reply::json(Done {
            installation: installation.id.to_string(),
            since: since.to_string(),
            more,
            days,
            destinations,
            budgets: budgets(ports, &installation, call.now()).await?,
        }))
    }
}

async fn count(ports: &Ports, filter: Filter) -> Result<BTreeMap<i64, u64>, Problem> {
    ports.reader.per_day(&filter).await.map_err(|error| unavailable(&error))
}

/// What was done, day by day.
async fn by_day(ports: &Ports, of: impl Fn(Kind) -> Filter) -> Result<Vec<Day>, Problem> {
    let ok = |kind: Kind| of(kind).and(Field::Outcome, "ok");
    let (permitted, denied) = (count(ports, of(Kind::ActPermitted)).await?, count(ports, of(Kind::ActDenied)).await?);
    let (calls, calls_ok) = (count(ports, of(Kind::CallEnded)).await?, count(ports, ok(Kind::CallEnded)).await?);
    let (acts, acts_ok) = (count(ports, of(Kind::ActOutcome)).await?, count(ports, ok(Kind::ActOutcome)).await?);
    let all: BTreeSet<i64> =
        [&permitted, &denied, &calls, &acts].into_iter().flat_map(BTreeMap::keys).copied().collect();
    let on = |counts: &BTreeMap<i64, u64>, day: i64| counts.get(&day).copied().unwrap_or_default();
    let one = |day: i64| Day {
        day: Timestamp(day * DAY_MS).to_string().chars().take(DAY).collect(),
        permitted: on(&permitted, day),
        denied: on(&denied, day),
        calls: on(&calls, day),
        failures: (on(&calls, day) + on(&acts, day)).saturating_sub(on(&calls_ok, day) + on(&acts_ok, day)),
    };
    Ok(all.into_iter().map(one).collect())
}

/// Where the newest requests that a filter means went, and whether there are others.
async fn sent(ports: &Ports, filter: &Filter) -> Result<(BTreeMap<String, Destination>, bool), Problem> {
    let reader = ports.reader.as_ref();
    let to = reader.written().await.map_err(|error| unavailable(&error))?;
    let window = Window { from: 0, to, backwards: true, most: LOOKED_AT };
    let found = reader.search(filter, window).await.map_err(|error| unavailable(&error))?;
    let mut destinations = BTreeMap::new();
    found.entries.iter().filter_map(|shown| shown.entry.as_ref()).for_each(|entry| add(&mut destinations, entry));
    Ok((destinations, found.next.is_some()))
}

fn add(destinations: &mut BTreeMap<String, Destination>, entry: &Entry) {
    let number = |name: &str| entry.detail.get(name).and_then(Value::as_u64);
    let (Some(sent), Some(SEND)) = (number("bytes-out"), entry.text("act")) else { return };
    let terms = Terms::of(entry);
    // With its port, where that is not the usual one.
    let Some(host) = terms.all(Field::Host).max_by_key(|host| host.len()) else { return };
    let named = || Destination { host: host.to_owned(), ..Destination::default() };
    let destination = destinations.entry(host.to_owned()).or_insert_with(named);
    destination.requests += 1;
    destination.bytes_out += sent;
    destination.bytes_in += number("bytes-in").unwrap_or(0);
}
