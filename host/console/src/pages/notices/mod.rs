//! `/console/notices`: what needs somebody, the most urgent first, and where it is done (MON-1, MON-4).
//!
//! Invariants: a notice leads to the page where it is done, where there is one, and to its entry in the log otherwise; what there is a
//! name for is called by it.

mod kinds;

use axum::extract::Query;
use maud::{Markup, html};
use portcullis_model::time::Timestamp;
use serde::Deserialize;

use super::{
    installation,
    tenants::{alone, filter},
    view::{Items, moment, sentence},
};
use crate::{
    kit::{
        Tone, badge, card_flush, empty,
        form::select,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};
use kinds::Urgency;

pub(crate) const HOME: &str = "/console/notices";
const DAY: i64 = 86_400_000;
/// How far back the log is looked at: in days, and in words.
const SPANS: [(&str, &str); 3] = [("", "One day"), ("7", "Seven days"), ("30", "Thirty days")];

/// The groups, the most urgent first.
const GROUPS: [(Urgency, Tone, &str, &str); 3] = [
    (Urgency::Now, Tone::Bad, "Look at these first", "Stands still, or may be in the wrong hands"),
    (Urgency::Soon, Tone::Warn, "To be done soon", "Waits for somebody, or ends"),
    (Urgency::Known, Tone::Plain, "Good to know", "Nothing has to be done"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Notice {
    index: Option<u64>,
    time: String,
    kind: String,
    what: String,
    help: String,
    about: About,
}

/// What one is about, by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    tenant: Option<String>,
    installation: Option<String>,
    plugin: Option<String>,
    family: Option<String>,
    name: Option<String>,
    component: Option<String>,
    manifest: Option<String>,
    rotation: Option<String>,
    delivery: Option<String>,
    client: Option<String>,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    days: String,
    cursor: String,
}

impl Wanted {
    /// From which day on: the same on each page of a list. Nothing where the API's own span is meant.
    fn since(&self, now: Timestamp) -> String {
        match self.days.parse::<i64>() {
            Ok(days) if (2..=90).contains(&days) => {
                Timestamp(now.0 - days * DAY).to_string().chars().take(10).collect()
            }
            _ => String::new(),
        }
    }
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let (tenant, since) = (with("tenant", &wanted.tenant), with("since", &wanted.since(visit.now())));
    let asked = format!("/notices?limit=100{tenant}{since}{}", with("cursor", &wanted.cursor));
    let found: Items<Notice> = visit.get(&asked).await?;
    let days = with("days", &wanted.days);
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}{tenant}{days}", escaped(&cursor)));
    let is_part = next.is_some() || !wanted.cursor.is_empty();
    let body = html! {
        form class="filters" method="get" action=(HOME) {
            (select("days", "Of the log", &wanted.days, &SPANS))
            (filter(&visit, &wanted.tenant))
            button type="submit" { "Show" }
        }
        (alone(&visit, &wanted.tenant, HOME))
        @if is_part { p class="quiet" { "These are not all: each page has the most urgent of its own first, and the first page what is so at the moment." } }
        @if found.items.is_empty() { section class="card flush" { (nothing(&wanted)) } }
        @for group in GROUPS { (of_group(&found.items, group, visit.is_of_platform())) }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Notices",
        lead: html! { "What needs somebody, the most urgent first, and where it is done." },
        place: Place::Notices,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

fn nothing(wanted: &Wanted) -> Markup {
    let body = html! {
        p { "What was suspended, refused or given up, what waits for somebody and what ends soon stands here, with the page where it is done." }
        @if wanted.days.is_empty() { p { a href={ (HOME) "?days=7" (with("tenant", &wanted.tenant)) } { "Look at seven days of the log" } } }
    };
    empty("Nothing needs you", &body)
}

/// Those that are as urgent; nothing where there are none.
fn of_group(all: &[Notice], group: (Urgency, Tone, &str, &str), of_platform: bool) -> Markup {
    let (urgency, tone, title, says) = group;
    let rows: Vec<Vec<Markup>> =
        all.iter().filter(|one| one.urgency() == urgency).map(|one| row(one, of_platform)).collect();
    if rows.is_empty() {
        return html! {};
    }
    let columns = [text("What"), text("About"), text("When"), text("What helps")];
    let aside = html! { span class="small quiet" { (says) } (badge(tone, &rows.len().to_string())) };
    card_flush(title, &aside, &table(title, &columns, rows))
}

fn row(one: &Notice, of_platform: bool) -> Vec<Markup> {
    vec![
        html! {
            @match one.page(of_platform) {
                Some(page) => { a href=(page) { (one.title()) } }
                None => { (one.title()) }
            }
            span class="small" { (sentence(&one.words())) }
        },
        about(&one.about),
        html! {
            (moment(&one.time))
            span class="small quiet" {
                @match one.index {
                    Some(index) => { a href={ "/console/audit/" (index) } { "Entry " (index) } }
                    None => { "So at the moment" }
                }
            }
        },
        helps(&one.help),
    ]
}

impl Notice {
    /// What happened, with the plugin's name in the place of its installation's id.
    fn words(&self) -> String {
        match (&self.about.installation, &self.about.plugin) {
            (Some(id), Some(plugin)) => self.what.replace(&format!("installation:{id}"), plugin).replace(id, plugin),
            _ => self.what.clone(),
        }
    }
}

fn about(one: &About) -> Markup {
    html! {
        @match (&one.installation, &one.plugin) {
            (Some(id), plugin) => { a href=(installation::at(id)) { (plugin.as_deref().unwrap_or(id)) } }
            (None, Some(plugin)) => { (plugin) }
            (None, None) => { (one.name.as_deref().unwrap_or_default()) }
        }
        span class="small quiet" {
            @match (&one.tenant, &one.component) {
                (Some(tenant), _) => { (tenant) }
                // A release is nobody's: whoever runs it is told.
                (None, Some(_)) => { "" }
                (None, None) => { "The platform" }
            }
        }
    }
}

/// What helps: words, or behind a line to unfold the commands for whoever has a keyboard on the host.
fn helps(help: &str) -> Markup {
    html! {
        @if help.starts_with("portcullis ") {
            details class="small" { summary { "At the command line" } code { (help) } }
        } @else if !help.is_empty() { p { (sentence(help)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: &str, about: About) -> Notice {
        Notice { index: Some(7), kind: kind.to_owned(), about, ..Notice::default() }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn each_leads_to_where_it_is_done() {
        let credential = |family: &str| About {
            tenant: some("acme"),
            installation: some("ins_1"),
            family: some(family),
            name: some("desk"),
            ..About::default()
        };
        let release = || About { component: some("c"), manifest: some("m"), ..About::default() };
        let own = || About { installation: some("ins_1"), ..About::default() };
        let delivery = About { delivery: some("7"), ..About::default() };
        let rotation = About { rotation: some("rot_1"), ..About::default() };
        let client = About { client: some("cli_1"), ..own() };
        let all = [
            ("plugin.suspended", own(), "/console/installations/ins_1"),
            ("plugin.upgrade-waits", own(), "/console/installations/ins_1/upgrade"),
            ("rotation.needed", credential("connection"), "/console/connections/ins_1/desk"),
            ("rotation.needed", credential("source"), "/console/sources/desk"),
            ("rotation.needed", credential("alert-endpoint"), "/console/alerts/endpoints/acme"),
            ("backend.failing", credential("backend"), "/console/installations/ins_1/backend"),
            ("delivery.dead", own(), "/console/installations/ins_1/backend"),
            ("delivery.dead", delivery, "/console/deliveries/7"),
            ("rotation.ended", rotation, "/console/rotations/rot_1"),
            ("code.misused", client, "/console/clients/cli_1"),
            ("release.vulnerable", release(), "/console/releases/c/m"),
            ("freeze.added", About::default(), "/console/audit/7"),
        ];
        for (kind, about, page) in all {
            assert_eq!(notice(kind, about).page(false).as_deref(), Some(page), "{kind}");
        }
        assert_eq!(notice("review.ends", release()).page(true).as_deref(), Some("/console/reviews/c/m"));
        let root = || notice("root.expires", About::default());
        assert_eq!(root().page(true).as_deref(), Some("/console/trust"));
        assert_eq!(root().page(false).as_deref(), Some("/console/audit/7"), "that is not a tenant's to do");
        let nowhere = Notice { index: None, ..notice("freeze.added", About::default()) };
        assert_eq!(nowhere.page(true), None);
    }

    #[test]
    fn what_is_over_is_not_urgent_and_what_is_new_here_is_not_lost() {
        let budget = notice("capability.suspended", About::default());
        assert_eq!(budget.urgency(), Urgency::Now);
        assert_eq!(Notice { help: "over: nothing to do".to_owned(), ..budget }.urgency(), Urgency::Known);
        let other = notice("moon.rose", About::default());
        assert_eq!((other.urgency(), other.title()), (Urgency::Soon, "moon.rose"));
    }

    #[test]
    fn a_list_goes_back_to_the_beginning_of_a_day() {
        let wanted = |days: &str| Wanted { days: days.to_owned(), ..Wanted::default() };
        let now = Timestamp(1_795_000_000_000);
        assert_eq!(wanted("7").since(now), Timestamp(now.0 - 7 * DAY).to_string()[..10]);
        for usual in ["", "1", "-3", "1000", "x"] {
            assert_eq!(wanted(usual).since(now), "", "{usual}");
        }
    }
}
