//! `/console/installations/{id}`: one installation: how it stands, what it may do beside what it uses, and what can be done to it.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    activity, backend,
    change::{Rehearsal, hidden},
    clients, deliveries,
    denials::{Denial, rows},
    leaving, own_log,
    release::destinations,
    report,
    rightsize::{Used, drawn, table_of},
    risks,
    view::{Changed, Installation, Items, Plan, digest, state},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, facts,
        form::{Text, form, press},
        notice, tile,
    },
    shell::Page,
    strings::{Place, SHOW_CHANGE},
    visit::{Sent, Shown, Visit, escaped},
};

/// What a release would mean.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Released {
    plan: Plan,
}

/// Where it is shown.
pub(crate) fn at(id: &str) -> String {
    format!("/console/installations/{}", escaped(id))
}

/// The pages above one that is about an installation.
pub(crate) fn above(one: &Installation) -> Vec<(String, String)> {
    vec![("/console/installations".into(), "Installations".into()), (at(&one.id), one.plugin.clone())]
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    let own = format!("/installations/{}", escaped(&id));
    let (one, version): (Installation, String) = visit.seen(&own).await?;
    // Pages stay useful where a part of them cannot be read: the plan of a release that is gone, say.
    let used: Option<Used> = visit.ask(Ask::get(format!("{own}/use"))).await.read().ok();
    let denied = visit.ask(Ask::get(format!("/denials?limit=10&installation={}", escaped(&id)))).await;
    let denied: Option<Items<Denial>> = denied.read().ok();
    let plan: Option<Released> = visit
        .ask(Ask::get(format!("/releases/{}/{}", escaped(&one.release), escaped(&one.manifest))))
        .await
        .read()
        .ok();
    let said = plan.as_ref().map(|found| found.plan.egress.as_slice()).unwrap_or_default();
    let (pictures, risks) = (activity::pictures(&visit, &id, said).await, risks::of_installation(&visit, &id).await);
    let unused = used.as_ref().map_or(0, Used::unused);
    let (log, leaving) = (own_log::part(&visit, &id).await, leaving::part(&visit, &one, &version).await);
    let report = report::part(&visit, &one).await;
    visit.show(Page {
        title: &one.plugin,
        lead: html! { "In " strong { (one.tenant) } " · version " (one.version) " · " (one.id) },
        place: Place::Installations,
        above: vec![("/console/installations".into(), "Installations".into())],
        acts: acts(&one, &version, visit.token()),
        body: html! {
            (notices(&one, unused))
            div class="tiles" {
                (tile("State", word(&one), one.reason.as_deref().unwrap_or("As its admin left it"), None))
                (tile("Scopes granted", &one.granted.len().to_string(), &format!("{unused} not used in 30 days"), Some(&format!("{}/right-size", at(&one.id)))))
                (tile("Denials", &denied.as_ref().map_or("–".into(), |d| if d.next.is_some() { "10+".to_owned() } else { d.items.len().to_string() }), "in 30 days", Some(&format!("/console/denials?installation={}", escaped(&one.id)))))
                (tile("Upgrades", policy(&one.upgrades), "which it takes by itself", None))
            }
            (pictures)
            @if let Some(used) = &used {
                @let picture = drawn(used);
                @if !picture.0.is_empty() { (card("Use, scope by scope", &badge(Tone::Accent, "30 days"), &picture)) }
                (card_flush("Grant against use", &badge(Tone::Accent, "30 days"), &table_of(used)))
            }
            @if let Some(found) = &plan { (destinations(&found.plan.egress)) }
            (risks)
            @if let Some(denied) = denied.filter(|denied| !denied.items.is_empty()) {
                (card_flush("What it was denied last", &html! {}, &rows(denied.items.get(..10).unwrap_or(&denied.items))))
            }
            (log)
            (card("Facts", &html! {}, &facts(&[
                ("Component", digest(&one.release)),
                ("Manifest", digest(&one.manifest)),
                ("Release", html! { "number " (one.number) }),
                ("Changes so far", html! { (one.generation) }),
            ])))
            (card("Read more", &html! {}, &elsewhere(&one)))
            (limits(&one))
            (report)
            @if one.state == "active" { (suspend(&one, &version, visit.token())) }
            (leaving)
        },
    })
}

fn word(one: &Installation) -> &str {
    match one.state.as_str() {
        "active" => "Active",
        "suspended" => "Suspended",
        "uninstalled" => "Uninstalled",
        "erased" => "Erased",
        other => other,
    }
}

fn policy(name: &str) -> &'static str {
    match name {
        "patch" => "Patches",
        "all" => "All",
        _ => "By hand",
    }
}

fn acts(one: &Installation, version: &str, token: &str) -> Markup {
    let own = at(&one.id);
    html! {
        @if one.state == "suspended" { (press(&format!("{own}/resume"), token, "primary", "Resume", &[("version", version)])) }
        @if matches!(one.state.as_str(), "active" | "suspended") {
            a class="button" href={ (own) "/grant" } { "Change the grant" }
            a class="button" href={ (own) "/upgrade" } { "Look for an upgrade" }
            a class="button" href={ (own) "/sheet" } { "Who answers for what" }
        }
    }
}

fn notices(one: &Installation, unused: usize) -> Markup {
    html! {
        (match &one.waiting {
            Some(waiting) => notice(Tone::Accent, &format!("Version {} waits for you", waiting.version), &html! {
                @for why in &waiting.why { p { (why) } }
                p { a href={ (at(&one.id)) "/upgrade" } { "See what is different" } }
            }),
            None => html! {},
        })
        @for held in &one.suspensions {
            (notice(Tone::Warn, &format!("{} is held back until {}", held.capability, held.until), &html! { p { (held.reason) } }))
        }
        @if unused > 0 && one.state == "active" {
            (notice(Tone::Warn, &format!("{unused} of its scopes were not used in 30 days"), &html! {
                p { a href={ (at(&one.id)) "/right-size" } { "Right-size the grant" } " – it goes on as it does today." }
            }))
        }
    }
}

/// The pages of what an installation has.
fn elsewhere(one: &Installation) -> Markup {
    html! { ul class="plain" {
        li { a href=(deliveries::of_installation(&one.id)) { "Deliveries" } ": events that were given up, and all others" }
        li { a href=(own_log::page(&one.id)) { "Its own log" } ": what the plugin wrote, in its own words" }
        li { a href=(backend::at(&one.id)) { "Back end" } ": where its signed messages go, and what became of them" }
        li { a href=(clients::of_tenant(&one.tenant)) { "OAuth clients" } " of its tenant: what asks this host for tokens in the name of an installation" }
        li { a href="/console/connections" { "Connections" } " of its tenant: credentials that the host adds to requests" }
        li { a href="/console/sources" { "Sources" } " of its tenant: who sends the events" }
    } }
}

fn limits(one: &Installation) -> Markup {
    let all: Vec<(&str, Markup)> = one.limits.iter().map(|(name, value)| (name.as_str(), html! { (value) })).collect();
    html! { details class="card" { summary { strong { "Limits and budgets" } } (facts(&all)) } }
}

fn suspend(one: &Installation, version: &str, token: &str) -> Markup {
    let body = html! {
        p { "It stops at once, calls under way included. Its events wait, and nothing is lost." }
        input type="hidden" name="version" value=(version);
        (Text { name: "reason", label: "Why", hint: "Stands in the log, and is shown to other admins.", ..Text::default() }.show())
        div { button type="submit" class="danger" { "Suspend it" } }
    };
    card("Suspend", &html! {}, &form(&format!("{}/suspend", at(&one.id)), token, &body))
}

/// What a form about an installation holds.
#[derive(Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    version: String,
    #[serde(default)]
    reason: String,
}

/// Suspends it.
pub(crate) async fn suspends(Path(id): Path<String>, Sent(visit, change): Sent<Change>) -> Shown {
    let path = format!("/installations/{}/suspend", escaped(&id));
    visit.then(Ask::with(Method::POST, path, json!({ "reason": change.reason })).of(&change.version), &at(&id)).await
}

/// Lets it run again.
pub(crate) async fn resumes(Path(id): Path<String>, Sent(visit, change): Sent<Change>) -> Shown {
    let path = format!("/installations/{}/resume", escaped(&id));
    let ask = Ask { method: Method::POST, ..Ask::get(path) };
    visit.then(ask.of(&change.version), &at(&id)).await
}

/// What a form with a grant holds.
#[derive(Deserialize)]
pub(crate) struct Granting {
    #[serde(default)]
    version: String,
    /// One a line.
    scopes: String,
    #[serde(default)]
    step: String,
}

/// The form for a grant.
pub(crate) async fn grant(visit: Visit, Path(id): Path<String>) -> Shown {
    let (one, version): (Installation, String) = visit.seen(&format!("/installations/{}", escaped(&id))).await?;
    let text = one.granted.join("\n");
    granting(&visit, &one, &version, &text, &html! {}).await
}

async fn granting(visit: &Visit, one: &Installation, version: &str, text: &str, said: &Markup) -> Shown {
    let path = format!("/releases/{}/{}", escaped(&one.release), escaped(&one.manifest));
    let detail: Released = visit.ask(Ask::get(path)).await.read().unwrap_or_default();
    let body = html! {
        (said)
        (card("Grant", &html! {}, &form(&format!("{}/grant", at(&one.id)), visit.token(), &html! {
            input type="hidden" name="version" value=(version);
            div class="field" {
                label for="scopes" { "Scopes, one a line" }
                span class="hint" id="scopes-hint" {
                    "Take a line away, or narrow it: fewer " code { "fields=" } ", a " code { "where=" } ", one " code { "to=" } " host, a smaller budget."
                }
                textarea id="scopes" name="scopes" rows="10" aria-describedby="scopes-hint" spellcheck="false" class="mono" { (text) }
            }
            div class="row" {
                button type="submit" name="step" value="try" class="primary" { (SHOW_CHANGE) }
                a class="button" href=(at(&one.id)) { "Cancel" }
            }
        })))
        @if !detail.plan.scopes.is_empty() {
            (card_flush("What the release asks for", &html! {}, &super::release::scopes(&detail.plan.scopes)))
        }
    };
    visit.show(Page {
        title: "Change the grant",
        lead: html! { "In force for every call that begins from then on." },
        place: Place::Installations,
        above: above(one),
        acts: html! {},
        body,
    })
}

/// Tries a grant out, or makes it so.
pub(crate) async fn grants(Path(id): Path<String>, Sent(visit, sent): Sent<Granting>) -> Shown {
    let scopes: Vec<&str> = sent.scopes.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let body = json!({ "scopes": scopes });
    let path = format!("/installations/{}/grant", escaped(&id));
    if sent.step == "do" {
        return visit.then(Ask::with(Method::PUT, path, body).of(&sent.version), &at(&id)).await;
    }
    let tried = visit.ask(Ask::with(Method::PUT, format!("{path}?dry_run=true"), body).of(&sent.version)).await;
    let changed: Changed = match tried.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            let (one, version): (Installation, String) =
                visit.seen(&format!("/installations/{}", escaped(&id))).await?;
            return granting(&visit, &one, &version, &sent.scopes, &said).await;
        }
    };
    let rehearsal = Rehearsal {
        lies: (Place::Installations, above(&changed.installation)),
        would: card("Changes", &html! {}, &changes(&changed)),
        action: &format!("{}/grant", at(&id)),
        sends: hidden(&[("version", &sent.version), ("scopes", &scopes.join("\n"))]),
        does: "Make it so",
        takes: false,
        back: &format!("{}/grant", at(&id)),
    };
    rehearsal.show(&visit)
}

/// What is different, field by field.
pub(crate) fn changes(changed: &Changed) -> Markup {
    if changed.changes.is_empty() {
        return html! { p class="quiet" { "Nothing would be different." } };
    }
    html! { div class="stack" { @for change in &changed.changes { div {
        h3 { (change.field) }
        ul class="plain mono" {
            @for gone in missing(&change.before, &change.after) { li class="taken" { "− " (gone) } }
            @for new in missing(&change.after, &change.before) { li class="added" { "+ " (new) } }
        }
    } } } }
}

/// The parts of a value that another one lacks.
fn missing(of: &Value, from: &Value) -> Vec<String> {
    let parts = |value: &Value| match value {
        Value::Null => Vec::new(),
        Value::Array(all) => all.iter().map(words).collect(),
        Value::Object(all) => all.iter().map(|(name, value)| format!("{name} = {}", words(value))).collect(),
        other => vec![words(other)],
    };
    let others = parts(from);
    parts(of).into_iter().filter(|part| !others.contains(part)).collect()
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Upgrade {
    words: Option<String>,
    refused: Vec<String>,
    plan: Option<UpgradePlan>,
    installation: Installation,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct UpgradePlan {
    waits_for: Vec<String>,
    to: Value,
}

/// Shows what an upgrade would change.
pub(crate) async fn upgrade(visit: Visit, Path(id): Path<String>) -> Shown {
    let (found, version): (Upgrade, String) = visit.seen(&format!("/installations/{}/upgrade", escaped(&id))).await?;
    let one = &found.installation;
    let body = html! {
        @for why in &found.refused { (notice(Tone::Warn, "A newer release may not run here", &html! { p { (why) } })) }
        @if let (Some(plan), Some(words)) = (&found.plan, &found.words) {
            @if !plan.waits_for.is_empty() {
                (notice(Tone::Accent, "It wants more than the one before", &html! { ul { @for what in &plan.waits_for { li { (what) } } } }))
            }
            (card("What is different", &state(one), &super::release::lines(words)))
            (form(&format!("{}/upgrade", at(&id)), visit.token(), &html! {
                input type="hidden" name="version" value=(version);
                input type="hidden" name="accept" value=(if plan.waits_for.is_empty() { "" } else { "yes" });
                div class="row" {
                    button type="submit" class="primary" { @if plan.waits_for.is_empty() { "Upgrade" } @else { "Agree to this, and upgrade" } }
                    a class="button" href=(at(&id)) { "Not now" }
                }
            }))
        } @else if found.refused.is_empty() {
            (notice(Tone::Good, "It runs the newest release that there is", &html! { p { "Version " (one.version) "." } }))
        }
    };
    visit.show(Page {
        title: "Upgrade",
        lead: html! { "A release that wants more than the one before is not applied before an admin agrees." },
        place: Place::Installations,
        above: above(one),
        acts: html! {},
        body,
    })
}

/// What the form of an upgrade holds.
#[derive(Deserialize)]
pub(crate) struct Agreed {
    #[serde(default)]
    version: String,
    #[serde(default)]
    accept: String,
}

/// Upgrades it.
pub(crate) async fn upgrades(Path(id): Path<String>, Sent(visit, sent): Sent<Agreed>) -> Shown {
    let path = format!("/installations/{}/upgrade", escaped(&id));
    let body = json!({ "accept": sent.accept == "yes" });
    visit.then(Ask::with(Method::POST, path, body).of(&sent.version), &at(&id)).await
}
