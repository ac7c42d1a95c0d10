//! Pictures on an installation's page: what it did day by day, what is left of its budgets, and where it sent data to.

use maud::{Markup, html};
use serde::Deserialize;

use super::view::Egress;
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card,
        chart::{Bar, Series, bars, columns, short},
    },
    visit::{Visit, escaped},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Activity {
    more: bool,
    days: Vec<Day>,
    destinations: Vec<Destination>,
    budgets: Vec<Budget>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Day {
    day: String,
    permitted: u64,
    denied: u64,
    failures: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination {
    host: String,
    requests: u64,
    bytes_out: u64,
    bytes_in: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Budget {
    name: String,
    words: String,
    used: u64,
    limit: u64,
}

/// The pictures of one installation, whose release says this of its destinations; nothing where nothing is known.
pub(crate) async fn pictures(visit: &Visit, id: &str, said: &[Egress]) -> Markup {
    let asked = Ask::get(format!("/installations/{}/activity?days=30", escaped(id)));
    let Ok(found) = visit.ask(asked).await.read::<Activity>() else { return html! {} };
    if found.days.is_empty() && found.budgets.is_empty() && found.destinations.is_empty() {
        return html! {};
    }
    html! { div class="grid" {
        @if !found.days.is_empty() { (card("Day by day", &badge(Tone::Accent, "30 days"), &drawn(&found))) }
        @if !found.budgets.is_empty() { (card("Budgets", &badge(Tone::Accent, "the last hour"), &left(&found.budgets))) }
        @if !found.destinations.is_empty() { (card("Where data went", &badge(Tone::Accent, if found.more { "the last 500 requests" } else { "30 days" }), &sent(&found.destinations, said))) }
    } }
}

fn drawn(found: &Activity) -> Markup {
    let steps: Vec<String> = found.days.iter().map(|day| day.day.get(5..).unwrap_or(&day.day).to_owned()).collect();
    let series = |name: &str, colour, of: fn(&Day) -> u64| Series {
        name: name.to_owned(),
        colour,
        values: found.days.iter().map(of).collect(),
    };
    let all = [
        series("Permitted", 1, |day| day.permitted),
        series("Denied", 3, |day| day.denied),
        series("Failed", 0, |day| day.failures),
    ];
    let all: Vec<Series> = all.into_iter().filter(|one| one.values.iter().any(|count| *count > 0)).collect();
    columns("Acts a day; days without any are left out", &steps, &all)
}

fn left(budgets: &[Budget]) -> Markup {
    let bar = |one: &Budget| Bar {
        name: html! { (one.words) span class="small quiet" { " " code { (one.name) } } },
        words: format!("{} of {}", short(one.used), short(one.limit)),
        value: one.used,
        of: one.limit,
        limit: true,
    };
    bars(&budgets.iter().map(bar).collect::<Vec<_>>())
}

fn sent(all: &[Destination], said: &[Egress]) -> Markup {
    let most = all.iter().map(|one| one.bytes_out + one.bytes_in).max().unwrap_or(0);
    let bar = |one: &Destination| Bar {
        name: html! { code { (one.host) } " " (region(&one.host, said)) },
        words: format!(
            "{} B out, {} B back, {} requests",
            short(one.bytes_out),
            short(one.bytes_in),
            short(one.requests)
        ),
        value: one.bytes_out + one.bytes_in,
        of: most,
        limit: false,
    };
    bars(&all.iter().map(bar).collect::<Vec<_>>())
}

/// The region of a host, as the release says it.
fn region(host: &str, said: &[Egress]) -> Markup {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_it = |one: &&Egress| one.host == name || one.host.strip_prefix('*').is_some_and(|end| name.ends_with(end));
    match said.iter().find(is_it) {
        Some(one) => badge(Tone::Accent, &one.region),
        None => badge(Tone::Warn, "region not declared"),
    }
}
