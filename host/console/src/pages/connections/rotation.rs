//! Rotations: what was ordered and what became of it, credential by credential, and the order of a new one.

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HOME, ROTATIONS, Wanted};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, empty, facts,
        form::{Text, form, once, press, select},
        notice,
        table::{more, number, table, text},
        tile,
    },
    pages::view::{Items, moment},
    shell::Page,
    strings::{MORE, Place, UNCHANGED},
    visit::{Sent, Shown, Visit, escaped, with},
};

/// How something can be rotated.
pub(super) const MODES: &[(&str, &str)] = &[
    ("planned", "In good order: nothing is frozen, the old one ends by itself"),
    ("emergency", "After a breach: frozen and revoked first, then minted anew"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Rotation {
    id: String,
    mode: String,
    reaches: String,
    reason: String,
    by: String,
    started: String,
    ended: Option<String>,
    whole: bool,
    reach_ms: Option<u64>,
    totals: Totals,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Totals {
    items: u64,
    outcomes: BTreeMap<String, u64>,
    took_ms: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    rotation: Rotation,
    lines: Vec<Line>,
    next: Option<String>,
}

/// Which page of its lines.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Turn {
    pub(super) cursor: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Line {
    family: String,
    tenant: String,
    installation: Option<String>,
    name: String,
    provider: Option<String>,
    old_generation: u64,
    new_generation: Option<u64>,
    outcome: String,
    revocation: String,
    why: Option<String>,
}

/// What became of a credential, in words.
pub(super) fn outcome(outcome: &str) -> Markup {
    let (tone, words) = match outcome {
        "renewed" => (Tone::Good, "minted anew"),
        "ended" => (Tone::Good, "ended"),
        "person-needed" => (Tone::Warn, "a person is needed"),
        "left-as-it-was" => (Tone::Plain, "left as it was"),
        "failed" => (Tone::Bad, "failed"),
        "gone" => (Tone::Plain, "no longer there"),
        "open" => (Tone::Accent, "under way"),
        other => (Tone::Plain, other),
    };
    badge(tone, words)
}

/// What became of the old one, in words.
pub(super) fn ending<'a>(revocation: &'a str, mode: &str) -> &'a str {
    match (revocation, mode) {
        ("not", "planned") => "left to end by itself",
        ("not", _) => "not revoked",
        ("confirmed", _) => "revoked",
        ("replaced", _) => "ended by the renewal",
        ("not-offered", _) => "cannot be revoked there",
        ("failed", _) => "revocation failed",
        (other, _) => other,
    }
}

fn state(one: &Rotation) -> Markup {
    match (&one.ended, one.whole) {
        (None, _) => badge(Tone::Accent, "under way, or cut off"),
        (Some(_), true) => badge(Tone::Good, "whole"),
        (Some(_), false) => badge(Tone::Bad, "not whole"),
    }
}

fn above() -> Vec<(String, String)> {
    vec![(HOME.to_owned(), "Connections".to_owned()), (ROTATIONS.to_owned(), "Rotations".to_owned())]
}

/// Lists them, with the order of a new one.
pub(super) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let cursor = wanted.cursor.as_deref().map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<Rotation> = visit.get(&format!("/rotations?limit=50{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{ROTATIONS}?cursor={}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href={ (ROTATIONS) "/" (escaped(&one.id)) } { (one.reason) } span class="small quiet" { (one.reaches) ", by " (one.by) } },
            html! { (one.mode) },
            moment(&one.started),
            html! { (one.totals.items) },
            state(one),
        ]
    });
    let columns = [text("Why"), text("How"), text("Began"), number("Credentials"), text("State")];
    let kinds = [
        ("tenant", "All of a tenant"),
        ("installation", "One installation"),
        ("provider", "All of a provider"),
        ("plugin", "All of a plugin"),
        ("publisher", "All of a publisher"),
        ("all", "Everything of every tenant"),
    ];
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() { (empty("Nothing was rotated yet", &html! { p { "What is due by policy is rotated by itself." } })) }
            @else { (table("Rotations, the latest first", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
        (card("Rotate many at once", &html! {}, &form("/console/rotations/order", visit.token(), &html! {
            div class="grid" {
                (select("of", "What", "tenant", &kinds))
                (Text { name: "id", label: "Which", value: &visit.only_tenant(), optional: true, hint: "The tenant, installation, provider, plugin or publisher.", ..Text::default() }.show())
                (select("mode", "How", "planned", MODES))
                (Text { name: "reason", label: "Why", hint: "Stands in the log and in the report.", ..Text::default() }.show())
            }
            div { button type="submit" class="primary" { "Show how it would go" } }
        })))
    };
    visit.show(Page {
        title: "Rotations",
        lead: html! { "What was minted anew, and what became of the old ones." },
        place: Place::Connections,
        above: vec![(HOME.to_owned(), "Connections".to_owned())],
        acts: html! {},
        body,
    })
}

fn lines(report: &Report) -> Markup {
    let rows = report.lines.iter().map(|line| {
        let whose = line.installation.as_deref().unwrap_or(&line.tenant);
        let new = line.new_generation.map(|new| format!(" to {new}")).unwrap_or_default();
        vec![
            html! { (line.name) span class="small quiet" { (line.family) " of " (whose) " · " (line.tenant) } },
            html! { (line.provider.as_deref().unwrap_or("this host")) },
            html! { (outcome(&line.outcome)) @if let Some(why) = &line.why { span class="small quiet" { (why) } } },
            html! { (line.old_generation) (new) },
            html! { (ending(&line.revocation, &report.rotation.mode)) },
        ]
    });
    let columns = [text("Credential"), text("Issued by"), text("Outcome"), text("Generation"), text("The old one")];
    table("What became of each credential", &columns, rows.collect())
}

/// The address of the next page, out of what the API gives as the next.
pub(super) fn next_of(link: Option<&str>, own: &str) -> Option<String> {
    let page = Items::<Value> { items: Vec::new(), next: link.map(str::to_owned) };
    page.cursor().map(|cursor| format!("{own}?cursor={}", escaped(&cursor)))
}

fn totals(one: &Rotation) -> Markup {
    let count = |name: &str| one.totals.outcomes.get(name).copied().unwrap_or_default();
    html! { div class="tiles" {
        (tile("Credentials", &one.totals.items.to_string(), &format!("{} ms in all", one.totals.took_ms), None))
        (tile("Minted anew", &count("renewed").to_string(), "in use now", None))
        (tile("A person is needed", &count("person-needed").to_string(), "nothing mints them", None))
        (tile("Failed", &count("failed").to_string(), "to be gone on with", None))
    } }
}

/// Shows one: its report.
pub(super) async fn show(visit: Visit, Path(id): Path<String>, Query(turn): Query<Turn>) -> Shown {
    shown(&visit, &id, &turn.cursor, &html! {}).await
}

async fn shown(visit: &Visit, id: &str, cursor: &str, said: &Markup) -> Shown {
    let report: Report = visit.get(&format!("/rotations/{}?limit=200{}", escaped(id), with("cursor", cursor))).await?;
    let (one, own) = (&report.rotation, format!("{ROTATIONS}/{}", escaped(id)));
    let mut known = vec![
        ("Why", html! { (one.reason) }),
        ("Reaches", html! { (one.reaches) }),
        ("Ordered by", html! { (one.by) ", at " (moment(&one.started)) }),
        ("Through at", html! { @if let Some(ended) = &one.ended { (moment(ended)) } @else { "–" } }),
    ];
    if let Some(reach) = one.reach_ms {
        known.push(("Nothing went out any more", html! { (reach) " ms after the order" }));
    }
    let body = html! {
        (said)
        (card("Order", &state(one), &facts(&known)))
        (totals(one))
        (card_flush("Credential by credential", &html! {}, &lines(&report)))
        (more(MORE, next_of(report.next.as_deref(), &own).as_deref()))
        div class="row" {
            @if one.ended.is_some() { (press(&format!("{own}/report"), visit.token(), "", "Take the signed report", &[])) }
            @if !one.whole { (press(&format!("{own}/resume"), visit.token(), "primary", "Go on with it", &[])) }
        }
    };
    visit.show(Page {
        title: "Rotation",
        lead: html! { code { (one.id) } ", " (one.mode) },
        place: Place::Connections,
        above: above(),
        acts: html! { a class="button" href=(own) { "Look again" } },
        body,
    })
}

/// Goes on with it.
pub(super) async fn resumes(Path(id): Path<String>, Sent(visit, _): Sent<Order>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(format!("/rotations/{}/resume", escaped(&id))) };
    let answer = visit.ask(ask).await;
    let said = if answer.status.is_success() {
        html! {}
    } else {
        visit.said(&answer.refused())?
    };
    shown(&visit, &id, "", &said).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signed {
    envelope: String,
    digest: String,
    key: String,
}

/// Takes the signed report.
pub(super) async fn reports(Path(id): Path<String>, Sent(visit, _): Sent<Order>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(format!("/rotations/{}/report", escaped(&id))) };
    let signed: Signed = match visit.ask(ask).await.read() {
        Ok(signed) => signed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &id, "", &said).await;
        }
    };
    let body = html! {
        (card("Proof", &html! {}, &facts(&[
            ("Digest, as the log has it", html! { code { (signed.digest) } }),
            ("Signed by", html! { code { (signed.key) } }),
            ("How it is checked", html! { "Keep what stands below in a file and run " code { "portcullis rotate verify FILE --key KEY" } ", on any machine." }),
        ])))
        (card("The report", &html! {}, &html! {
            div class="field" { label for="envelope" { "A signed statement (DSSE)" }
                textarea id="envelope" rows="12" readonly class="mono" spellcheck="false" { (signed.envelope) } }
        }))
    };
    visit.show(Page {
        title: "Signed report",
        lead: html! { "Of " code { (id) } },
        place: Place::Connections,
        above: above(),
        acts: html! { a class="button" href={ (ROTATIONS) "/" (escaped(&id)) } { "Back" } },
        body,
    })
}

/// What is to be rotated.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Order {
    pub of: String,
    pub id: String,
    pub mode: String,
    pub reason: String,
    pub step: String,
}

impl Order {
    fn body(&self) -> Value {
        let extent =
            if self.of == "all" { json!({ "of": "all" }) } else { json!({ "of": self.of, "id": self.id.trim() }) };
        json!({ "mode": self.mode, "extent": extent, "reason": self.reason })
    }
}

/// Shows how one would go, or orders it.
pub(super) async fn orders(Sent(visit, sent): Sent<Order>) -> Shown {
    considered(&visit, &sent, "/console/rotations/order", ROTATIONS).await
}

/// The same, for a form at `own`, whose page is `back`.
pub(super) async fn considered(visit: &Visit, order: &Order, own: &str, back: &str) -> Shown {
    let does = order.step == "do";
    let path = if does { "/rotations" } else { "/rotations?dry_run=true" };
    let report: Report = match visit.ask(Ask::with(Method::POST, path, order.body())).await.read() {
        Ok(report) => report,
        Err(refused) => return Err(refused_at(visit, &refused, back)?),
    };
    if does {
        return Ok(crate::visit::to(&format!("{ROTATIONS}/{}", escaped(&report.rotation.id))));
    }
    if report.lines.is_empty() {
        return nothing(visit, back);
    }
    let emergency = order.mode == "emergency";
    let body = html! {
        @if emergency {
            (notice(Tone::Bad, "What it reaches is frozen at once", &html! {
                p { "Requests under way end, and each credential goes on as soon as it is through. One whose provider does not answer stays frozen." }
            }))
        }
        (totals(&report.rotation))
        (card_flush("Credential by credential", &html! {}, &lines(&report)))
        (once(own, visit.token(), &visit.fresh(), &html! {
            @for (name, value) in [("of", &order.of), ("id", &order.id), ("mode", &order.mode), ("reason", &order.reason)] {
                input type="hidden" name=(name) value=(value);
            }
            div class="row" {
                button type="submit" name="step" value="do" class=(if emergency { "danger" } else { "primary" }) { "Rotate now" }
                a class="button" href=(back) { "Cancel" }
            }
        }))
    };
    visit.show(Page {
        title: "How it would go",
        lead: html! { "A rehearsal against stand-ins as quick as the providers were. " (UNCHANGED) },
        place: Place::Connections,
        above: above(),
        acts: html! {},
        body,
    })
}

/// The page that says that there is nothing to order.
fn nothing(visit: &Visit, back: &str) -> Shown {
    let body = html! {
        (notice(Tone::Warn, "Nothing would be rotated", &html! {
            p { "Nothing of it can be minted anew in good order: what it reaches is not there, or a person must replace it." }
        }))
        div { a class="button" href=(back) { "Back" } }
    };
    visit.show(Page {
        title: "How it would go",
        lead: html! { "Nothing has changed." },
        place: Place::Connections,
        above: above(),
        acts: html! {},
        body,
    })
}

/// The page that says why a rotation is not ordered.
fn refused_at(
    visit: &Visit,
    refused: &crate::host::Refused,
    back: &str,
) -> Result<crate::visit::Instead, crate::visit::Instead> {
    let said = visit.said(refused)?;
    let page = visit.show(Page {
        title: "It was not ordered",
        lead: html! { "Nothing has changed." },
        place: Place::Connections,
        above: above(),
        acts: html! { a class="button" href=(back) { "Back" } },
        body: said,
    })?;
    Ok(page.into())
}
