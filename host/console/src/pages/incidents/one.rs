//! One incident: its containment, who must be told, what was found, what the log has of it, and how it ends.

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Containment, HOME, Telling, View, at, severity, standing};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, facts,
        form::{Text, form, press, select},
        notice,
        table::{table, text},
    },
    pages::view::moment,
    shell::Page,
    strings::Place,
    visit::{Instead, Shown, Visit, escaped},
};

/// What else is shown.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    plan: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Done {
    words: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    entries: Vec<Row>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    index: u64,
    entry: Option<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    time: String,
    kind: String,
    tenant: Option<String>,
    resource: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    findings: Vec<Finding>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Finding {
    what: String,
    count: u64,
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    let one: View = visit.get(&format!("/incidents/{}", escaped(&id))).await?;
    let (own, token) = (at(&id), visit.token());
    let plan = plan(&visit, &id, wanted.plan == "yes").await?;
    let open = one.state != "closed";
    let body = html! {
        (containment(&one, &own, token, &plan))
        (telling(&one, &own, token))
        div class="grid" {
            (card("What it is", &html! { (severity(&one.incident.severity)) " " (standing(&one)) }, &facts(&[
                ("About", html! { (one.reaches) }),
                ("Opened", html! { (moment(&one.incident.opened)) " by " (one.incident.by) }),
                ("From", html! { (origin(&one.incident.origin)) }),
                ("Personal data", html! { @if one.incident.personal_data { "May be concerned" } @else { "Is not concerned" } }),
            ])))
            (notes(&one, &own, token))
        }
        (log(&visit, &one).await)
        @if let Some(closed) = &one.incident.closed {
            (card("How it ended", &html! {}, &facts(&[
                ("Closed", html! { (moment(&closed.at)) " by " (closed.by) }),
                ("Cause", html! { (closed.cause) }),
                ("What prevents another", html! { (closed.prevention) }),
            ])))
        } @else if open {
            (card("Close it", &html! {}, &form(&format!("{own}/close"), token, &html! {
                (Text { name: "cause", label: "What the cause was", ..Text::default() }.show())
                (Text { name: "prevention", label: "What prevents another", ..Text::default() }.show())
                (Text { name: "untold", label: "Why those who were not told need not be", optional: true, ..Text::default() }.show())
                div { button type="submit" { "Close" } }
            })))
        }
    };
    visit.show(Page {
        title: &one.incident.title,
        lead: html! { (one.incident.id) },
        place: Place::Incidents,
        above: vec![(HOME.into(), "Incidents".into())],
        acts: html! {},
        body,
    })
}

fn origin(origin: &Value) -> Markup {
    match (origin["alert"].as_str(), origin["report"].as_str()) {
        (Some(alert), _) => html! { a href={ "/console/alerts/" (escaped(alert)) } { (alert) } },
        (_, Some(report)) => html! { "Report " (report) },
        _ => html! { "By hand" },
    }
}

/// What containing it would do, where that was asked for.
async fn plan(visit: &Visit, id: &str, wanted: bool) -> Result<Option<Vec<String>>, Instead> {
    if !wanted {
        return Ok(None);
    }
    let path = format!("/incidents/{}/contain?dry_run=true", escaped(id));
    let answer = visit.ask(Ask::with(Method::POST, path, json!({}))).await;
    let done: Done = answer.read().map_err(|refused| Instead::from(visit.refused(&refused)))?;
    Ok(Some(done.words))
}

fn containment(one: &View, own: &str, token: &str, plan: &Option<Vec<String>>) -> Markup {
    let held = one.incident.containment.as_ref();
    if let Some(held) = held {
        return contained(one, held, own, token);
    }
    if one.state == "closed" {
        return html! {};
    }
    card(
        "Contain it",
        &html! {},
        &html! {
            p { "All that it is about is suspended and frozen in one transaction, its credentials are revoked and minted anew. "
                "Nothing of it starts again before somebody lifts that." }
            @match plan {
                Some(lines) => {
                    ul { @for line in lines { li { (line.trim()) } } }
                    (press(&format!("{own}/contain"), token, "danger", "Contain it now", &[]))
                }
                None => { p { a class="button" href={ (own) "?plan=yes" } { "See what that does" } } }
            }
        },
    )
}

fn contained(one: &View, held: &Containment, own: &str, token: &str) -> Markup {
    let reach = match (&held.reach, one.reached) {
        (Some(reach), true) => html! {
            (badge(Tone::Good, "nothing runs, nothing goes out")) " "
            @if let Some(took) = one.took_ms { (took) " ms after its entry; " }
            (reach.calls_ended) " calls were ended (" a href={ "/console/audit/" (reach.log_index) } { "log " (reach.log_index) } ")"
        },
        (Some(reach), false) if reach.calls_left > 0 => {
            html! { (badge(Tone::Bad, "not ended")) " " (reach.calls_left) " calls go on" }
        }
        _ => {
            html! { (badge(Tone::Bad, "not confirmed")) " The running host has not said that nothing runs and nothing goes out." }
        }
    };
    let credentials = match &held.through {
        Some(at) => html! { "Revoked and rotated, " (moment(at)) },
        None => html! { (badge(Tone::Warn, "under way")) },
    };
    card(
        "Contained",
        &html! {},
        &html! {
            (facts(&[
                ("Since", html! { (moment(&held.at)) " by " (held.by) " (" a href={ "/console/audit/" (held.log_index) } { "log " (held.log_index) } ")" }),
                ("Reach", reach),
                ("Suspended", html! { (held.suspended) ", and " (held.already) " that did not run" }),
                ("Freezes", html! { (held.freezes.len()) }),
                ("Credentials", credentials),
            ]))
            @if let Some(lifted) = &held.lifted {
                (notice(Tone::Plain, "Lifted", &html! { p { (moment(&lifted.at)) " by " (lifted.by) ": " (lifted.text) } }))
            } @else {
                (form(&format!("{own}/lift"), token, &html! {
                    (Text { name: "reason", label: "Why it may go on", hint: "What was suspended stays so until its admin resumes it.", ..Text::default() }.show())
                    div { button type="submit" { "Lift" } }
                }))
            }
        },
    )
}

fn telling(one: &View, own: &str, token: &str) -> Markup {
    let rows = one.incident.tell.iter().map(|line| {
        vec![
            html! { (line.whom) span class="small quiet" { (line.rule) } },
            html! { (line.by) },
            due(line, one),
            told(line),
        ]
    });
    let columns = [text("Who, and what"), text("Told by"), text("By when"), text("Told")];
    let keys: Vec<(&str, &str)> = one.incident.tell.iter().map(|line| (line.key.as_str(), line.key.as_str())).collect();
    html! {
        (card_flush("Who must be told", &html! {}, &table("Who must be told of it", &columns, rows.collect())))
        @if !keys.is_empty() {
            (card("Say that somebody was told", &html! {}, &form(&format!("{own}/told"), token, &html! {
                (select("who", "Who", "", &keys))
                (Text { name: "to", label: "Whom exactly, and how", ..Text::default() }.show())
                (Text { name: "tenant", label: "Of this tenant", hint: "Empty: of all that it reaches", optional: true, ..Text::default() }.show())
                div { button type="submit" { "Keep" } }
            })))
        }
    }
}

fn due(line: &Telling, one: &View) -> Markup {
    let when = match &line.due {
        Some(due) => moment(due),
        None => html! { "Without undue delay" },
    };
    html! { (when) @if one.overdue.contains(&line.key) { " " (badge(Tone::Bad, "overdue")) } }
}

fn told(line: &Telling) -> Markup {
    html! {
        @if line.told.is_empty() { (badge(Tone::Warn, "not yet")) }
        @for told in line.told.iter().take(5) {
            div { (moment(&told.at)) " " (told.to)
                @if let Some(tenant) = &told.tenant { " (" (tenant) ")" }
                span class="small quiet" { (told.by) } }
        }
        @if line.tenants.len() > 1 { span class="small quiet" { (line.tenants.len()) " tenants" } }
    }
}

fn notes(one: &View, own: &str, token: &str) -> Markup {
    card(
        "What was found and done",
        &html! {},
        &html! {
            @for note in &one.incident.notes {
                p { (note.text) span class="small quiet" { (moment(&note.at)) " " (note.by) } }
            }
            (form(&format!("{own}/note"), token, &html! {
                (Text { name: "text", label: "Write down", ..Text::default() }.show())
                div { button type="submit" { "Keep" } }
            }))
        },
    )
}

/// The newest entries about it, and what it touched.
async fn log(visit: &Visit, one: &View) -> Markup {
    let Some(filter) = &one.filter else { return html! {} };
    let path = format!("/audit/entries?limit=25&filter={}", escaped(filter));
    let found: Found = visit.ask(Ask::get(path)).await.read().unwrap_or_default();
    let all = format!("/console/audit?q={}", escaped(filter));
    let rows = found.entries.iter().map(|row| {
        let Some(entry) = &row.entry else { return vec![html! { (row.index) }, html! {}, html! {}, html! {}] };
        vec![
            html! { a href={ "/console/audit/" (row.index) } { (moment(&entry.time)) } },
            html! { @if is_act(&entry.kind) { (entry.kind) } @else { strong { (entry.kind) } } },
            html! { (entry.tenant.as_deref().unwrap_or("–")) },
            html! { (entry.resource.as_deref().unwrap_or("–")) },
        ]
    });
    let columns = [text("When"), text("What"), text("Tenant"), text("About")];
    let touched = touched(visit, filter).await;
    html! {
        (card_flush("In the log, the newest first", &html! { a href=(all) { "All of it" } }, &table("Entries about it", &columns, rows.collect())))
        (touched)
    }
}

/// What a plugin's every act leaves in the log, beside what happened to the plugin.
fn is_act(kind: &str) -> bool {
    matches!(kind, "act.permitted" | "act.outcome" | "call.ended" | "event.received" | "visit.began" | "visit.ended")
}

async fn touched(visit: &Visit, filter: &str) -> Markup {
    // A question is about a plugin or an installation: the filter's own words.
    let part = |name: &str| filter.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let whose =
        ["plugin", "installation"].into_iter().find_map(|name| Some(format!("{name}={}", escaped(part(name)?))));
    let (Some(whose), false) = (whose, filter.contains('*')) else { return html! {} };
    let since = part("since").map(|since| format!("&since={}", escaped(since))).unwrap_or_default();
    let ask = |question: &str| Ask::get(format!("/audit/questions/{question}?{whose}{since}"));
    let data: Answer = visit.ask(ask("touched")).await.read().unwrap_or_default();
    let left: Answer = visit.ask(ask("left")).await.read().unwrap_or_default();
    let rows = |answer: &Answer| -> Vec<Vec<Markup>> {
        answer.findings.iter().take(50).map(|one| vec![html! { (one.what) }, html! { (one.count) }]).collect()
    };
    let columns = [text("What"), text("Times")];
    html! {
        div class="grid" {
            (card_flush("Data that it touched", &html! {}, &table("Data that it touched", &columns, rows(&data))))
            (card_flush("Where that went", &html! {}, &table("What left for which host", &columns, rows(&left))))
        }
    }
}
