//! `/console/installations/{id}/report`: says to the platform, and to every tenant that runs the same release, that a plugin does what it
//! should not (INT-10).
//!
//! Invariant: what the platform reads of a report, and what others read of it, is on a page before it is sent.

use std::collections::BTreeSet;

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::actions::{INSTALLATIONS_SUSPEND, MISBEHAVIOUR_REPORT};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    audit::kind,
    change::{Lies, Rehearsal, hidden, would},
    installation::{above, at},
    view::{Installation, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, card,
        form::{Text, form, tick},
        notice,
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped},
};

const TITLE: &str = "Report misbehaviour";
/// How many of its newest acts can be ticked: as many as a report may name.
const ACTS: usize = 20;

fn page(id: &str) -> String {
    format!("{}/report", at(id))
}

/// What an installation's page has of this, for whoever may report it.
pub(super) async fn part(visit: &Visit, one: &Installation) -> Markup {
    if !visit.may_to(&MISBEHAVIOUR_REPORT, &one.tenant, "installation", &one.id).await {
        return html! {};
    }
    card(
        TITLE,
        &html! {},
        &html! {
            p { "Does it do what it should not? The platform looks into what you report, and every tenant that runs the same release reads that it was reported." }
            div { a class="button" href=(page(&one.id)) { "Report it" } }
        },
    )
}

/// What the form holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reporting {
    reason: String,
    /// Acts that were ticked.
    evidence: Vec<String>,
    /// Others, by their ids.
    others: String,
    suspend: String,
    step: String,
}

impl Reporting {
    fn suspends(&self) -> bool {
        self.suspend == "yes"
    }

    /// The acts that are named, ticked or not.
    fn named(&self) -> BTreeSet<&str> {
        self.evidence.iter().map(String::as_str).chain(self.others.split_whitespace()).collect()
    }

    /// Those of them that cannot be ticked, for there are newer ones.
    fn beside(&self, acts: &[Act]) -> String {
        let beside = self.named().into_iter().filter(|id| !acts.iter().any(|act| act.id == *id));
        beside.collect::<Vec<_>>().join(" ")
    }

    fn body(&self, id: &str) -> Value {
        json!({ "installation": id, "reason": self.reason.trim(), "evidence": self.named(), "suspend": self.suspends() })
    }
}

/// The form.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    asking(&visit, &id, &Reporting::default(), &html! {}).await
}

async fn asking(visit: &Visit, id: &str, sent: &Reporting, said: &Markup) -> Shown {
    let one: Installation = visit.get(&format!("/installations/{}", escaped(id))).await?;
    let acts = acts(visit, id).await;
    let suspends = one.state == "active" && visit.may_to(&INSTALLATIONS_SUSPEND, &one.tenant, "installation", id).await;
    let body = html! {
        (said)
        (notice(Tone::Accent, "Who reads what", &html! {
            p { "The platform reads who reports it, in which installation, what you write and the acts that you name. Other tenants that run the same "
                "release read that it was reported, and nothing else. The next page shows both before anything is sent." }
        }))
        (card("What it does", &html! {}, &form(&format!("{}/send", page(id)), visit.token(), &fields(sent, &acts, suspends))))
    };
    visit.show(Page {
        title: TITLE,
        lead: html! { (one.plugin) " " (one.version) " in " strong { (one.tenant) } ". To report it takes your second factor." },
        place: Place::Installations,
        above: above(&one),
        acts: html! {},
        body,
    })
}

fn fields(sent: &Reporting, acts: &[Act], suspends: bool) -> Markup {
    let reason = Text {
        name: "reason",
        label: "What it does that it should not",
        hint: "One line, at most 500 characters.",
        value: &sent.reason,
        ..Text::default()
    };
    let (named, beside) = (sent.named(), sent.beside(acts));
    let others = Text {
        name: "others",
        label: "Other acts",
        hint: "Their ids, with blanks between them. An act's id is among the details of its entry in the audit log.",
        value: &beside,
        optional: true,
        ..Text::default()
    };
    html! {
        (reason.show())
        @if !acts.is_empty() {
            fieldset {
                legend { "Acts that show it" }
                @for act in acts { (tick("evidence", &act.id, named.contains(act.id.as_str()), &act.words())) }
            }
        }
        (others.show())
        @if suspends {
            (tick("suspend", "yes", sent.suspends(), &html! {
                "Suspend it at once, too" span class="small quiet" { "Calls under way are stopped. Its events wait, and nothing is lost." }
            }))
        }
        div { button type="submit" class="primary" { "Show who would read what" } }
    }
}

/// An act of the installation, out of the log.
struct Act {
    id: String,
    entry: Entry,
}

impl Act {
    fn words(&self) -> Markup {
        html! {
            (kind(&self.entry.kind)) " " code { (self.entry.detail["act"].as_str().unwrap_or_default()) }
            span class="small quiet" { (moment(&self.entry.time)) " " (self.entry.resource.as_deref().unwrap_or_default()) }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    entries: Vec<Row>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    entry: Option<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    time: String,
    kind: String,
    resource: Option<String>,
    detail: Value,
}

/// Its newest acts; none where its reader does not read the log.
async fn acts(visit: &Visit, id: &str) -> Vec<Act> {
    let filter = format!("installation={id} kind=act.permitted kind=act.denied");
    let asked = format!("/audit/entries?limit={ACTS}&filter={}", escaped(&filter));
    let found: Found = visit.ask(Ask::get(asked)).await.read().unwrap_or_default();
    let entries = found.entries.into_iter().filter_map(|row| row.entry);
    entries
        .filter_map(|entry| {
            let id = entry.detail["id"].as_str()?.to_owned();
            Some(Act { id, entry })
        })
        .collect()
}

/// A report that was taken, or would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Reported {
    report: Report,
    others_read: String,
    suspended: bool,
    stopped: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    id: String,
    plugin: String,
    version: String,
    number: u64,
    tenant: String,
    installation: String,
    by: String,
    reason: String,
    evidence: Vec<String>,
}

/// Shows who would read what, or sends it.
pub(crate) async fn sends(Path(id): Path<String>, Sent(visit, sent): Sent<Reporting>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "?dry_run=true" };
    let ask = Ask::with(Method::POST, format!("/misbehaviour{rehearsal}"), sent.body(&id));
    match visit.ask(ask).await.read::<Reported>() {
        Ok(done) if does => taken(&visit, &id, &done),
        Ok(tried) => considered(&visit, &id, &tried),
        Err(refused) => {
            let said = visit.said(&refused)?;
            asking(&visit, &id, &sent, &said).await
        }
    }
}

fn lies(id: &str, plugin: &str) -> Lies {
    let all = ("/console/installations".to_owned(), "Installations".to_owned());
    (Place::Installations, vec![all, (at(id), plugin.to_owned()), (page(id), TITLE.to_owned())])
}

fn considered(visit: &Visit, id: &str, tried: &Reported) -> Shown {
    let report = &tried.report;
    let platform = [
        ("Plugin", html! { (report.plugin) " " (report.version) ", release " (report.number) }),
        ("Where it was seen", html! { "In " strong { (report.tenant) } " (" (report.installation) ")" }),
        ("Who reports it", html! { (report.by) }),
        ("What it does", html! { (report.reason) }),
        ("Acts that show it", listed(&report.evidence)),
    ];
    let mut sends: Vec<(&str, &str)> = report.evidence.iter().map(|act| ("evidence", act.as_str())).collect();
    sends.push(("reason", report.reason.as_str()));
    if tried.suspended {
        sends.push(("suspend", "yes"));
    }
    let rehearsal = Rehearsal {
        lies: lies(id, &report.plugin),
        would: html! {
            (would("What the platform reads", &platform))
            (card("What every other tenant that runs it reads", &html! {}, &html! {
                p { q { (tried.others_read) } }
                p class="quiet" { "Not who reports it, nor where, nor why. When the platform has looked into it, they read what came of it, too." }
            }))
            @if tried.suspended {
                (notice(Tone::Warn, "It is suspended at once", &html! { p { "Calls under way are stopped. Its events wait until somebody resumes it." } }))
            }
        },
        action: &format!("{}/send", page(id)),
        sends: hidden(&sends),
        does: if tried.suspended { "Send the report, and suspend it" } else { "Send the report" },
        takes: tried.suspended,
        back: &page(id),
    };
    rehearsal.show(visit)
}

fn listed(acts: &[String]) -> Markup {
    html! {
        @if acts.is_empty() { "None is named" }
        @else { ul class="plain" { @for act in acts { li { code { (act) } } } } }
    }
}

/// How the release was stopped everywhere, for whoever looks after the platform.
fn stopped(how: &Value) -> Option<String> {
    match how.as_str() {
        Some("already") => Some("The release was quarantined before.".to_owned()),
        Some("quarantined") => Some("The release is quarantined: it runs nowhere until that is lifted.".to_owned()),
        _ => how["suspended"].as_u64().map(|count| format!("Installations of it that were suspended: {count}.")),
    }
}

fn taken(visit: &Visit, id: &str, done: &Reported) -> Shown {
    let (place, above) = lies(id, &done.report.plugin);
    visit.show(Page {
        title: "Reported",
        lead: html! { (done.report.plugin) " " (done.report.version) ", as report " code { (done.report.id) } },
        place,
        above,
        acts: html! {},
        body: html! {
            (notice(Tone::Good, "The platform has your report", &html! {
                p { "What comes of it is told to every tenant that runs the release." }
                @if done.suspended { p { "This installation is suspended until somebody resumes it." } }
                @if let Some(words) = stopped(&done.stopped) { p { (words) } }
            }))
            div { a class="button" href=(at(id)) { "Back to the installation" } }
        },
    })
}
