//! `/console/install`: the consent: what a plugin asks for and why, narrowed by hand, tried out, and only then installed (INT-9).

use axum::extract::Query;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    installation::at,
    release::{destinations, sentences},
    view::{Installation, Plan, PlannedScope, outside, risk, sentence},
};
use crate::{
    host::Ask,
    kit::{
        Mark, Tone, badge, card,
        form::{Text, form},
        notice, ticks,
    },
    shell::Page,
    strings::Place,
    visit::{Instead, Sent, Shown, Visit, escaped, to},
};

/// Which release.
#[derive(Clone, Deserialize)]
pub(crate) struct Which {
    component: String,
    manifest: String,
}

/// What the form holds.
#[derive(Clone, Deserialize)]
pub(crate) struct Wanted {
    component: String,
    manifest: String,
    #[serde(default)]
    tenant: String,
    /// The numbers of the scopes that are ticked.
    #[serde(default)]
    ticked: Vec<usize>,
    /// All scopes as they are written now, ticked or not.
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    step: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    name: String,
    version: String,
    cannot: Vec<String>,
    plan: Plan,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tried {
    plan: Plan,
    installation: Option<Installation>,
}

impl Wanted {
    fn new(which: &Which, plan: &Plan, tenant: String) -> Self {
        let ticked =
            plan.scopes.iter().enumerate().filter(|(_, one)| !one.optional).map(|(number, _)| number).collect();
        let scope = plan.scopes.iter().map(|one| one.scope.clone()).collect();
        let Which { component, manifest } = which.clone();
        Self { component, manifest, tenant, ticked, scope, step: String::new() }
    }

    fn grant(&self) -> Vec<&str> {
        self.ticked.iter().filter_map(|number| self.scope.get(*number)).map(|scope| scope.trim()).collect()
    }

    fn body(&self) -> Value {
        json!({ "tenant": self.tenant.trim(), "component": self.component, "manifest": self.manifest, "grant": self.grant() })
    }

    fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="component" value=(self.component);
            input type="hidden" name="manifest" value=(self.manifest);
        }
    }
}

async fn detail(visit: &Visit, component: &str, manifest: &str) -> Result<Detail, Instead> {
    visit.get(&format!("/releases/{}/{}", escaped(component), escaped(manifest))).await
}

/// Asks.
pub(crate) async fn ask(visit: Visit, Query(which): Query<Which>) -> Shown {
    let found = detail(&visit, &which.component, &which.manifest).await?;
    let wanted = Wanted::new(&which, &found.plan, visit.only_tenant());
    consent(&visit, &found, &wanted, &html! {})
}

fn consent(visit: &Visit, found: &Detail, wanted: &Wanted, said: &Markup) -> Shown {
    let plan = &found.plan;
    let title = format!("Install {}", found.name);
    let scopes = plan.scopes.iter().enumerate().map(|(number, one)| scope(number, one, wanted));
    let body = html! {
        (said)
        (form("/console/install", visit.token(), &html! {
            (wanted.hidden())
            (card("Where", &html! {}, &Text { name: "tenant", label: "Tenant", hint: "Whose data it works on.", value: &wanted.tenant, ..Text::default() }.show()))
            (card("What it may do", &html! { @if let Some(all) = &plan.risk { (risk(all)) } }, &html! {
                p class="quiet" { "Take the tick away to refuse a scope; change its text to narrow it: fewer fields, one host, a smaller budget." }
                @for scope in scopes { (scope) }
            }))
            (card("What it cannot do, whatever you grant", &html! {}, &ticks(Mark::No, &sentences(&found.cannot))))
            (destinations(&plan.egress))
            (card("Whose terms apply", &html! {}, &html! { p {
                "By " strong { (plan.publisher) } ": " (outside(&plan.terms, "terms")) ", " (outside(&plan.privacy, "privacy")) ", " (outside(&plan.support, "support")) "."
            } }))
            div class="row" {
                button type="submit" name="step" value="try" class="primary" { "Show what this would mean" }
                a class="button" href="/console/marketplace" { "Cancel" }
            }
        }))
    };
    visit.show(Page {
        title: &title,
        lead: html! { "Version " (found.version) ". Nothing is installed before you have seen what it would mean." },
        place: Place::Marketplace,
        above: vec![("/console/marketplace".into(), "Marketplace".into())],
        acts: html! {},
        body,
    })
}

fn scope(number: usize, one: &PlannedScope, wanted: &Wanted) -> Markup {
    let (tick, field) = (format!("ticked-{number}"), format!("scope-{number}"));
    let written = wanted.scope.get(number).map_or(one.scope.as_str(), String::as_str);
    html! {
        fieldset {
            legend class="hidden-visually" { (one.scope) }
            div class="choice" {
                input type="checkbox" id=(tick) name="ticked" value=(number) checked[wanted.ticked.contains(&number)];
                label for=(tick) {
                    @for words in &one.words { strong { (sentence(words)) } " " }
                    (risk(&one.risk)) @if one.optional { " " (badge(Tone::Plain, "optional")) }
                    span class="small quiet" { "Wanted for: " (one.purpose) }
                }
            }
            div class="field" {
                label for=(field) class="small" { "Scope" }
                input type="text" id=(field) name="scope" value=(written) class="mono" spellcheck="false";
            }
        }
    }
}

/// Shows what it would mean, or installs it.
pub(crate) async fn install(Sent(visit, wanted): Sent<Wanted>) -> Shown {
    let found = detail(&visit, &wanted.component, &wanted.manifest).await?;
    let does = wanted.step == "do";
    let path = if does { "/installations" } else { "/installations?dry_run=true" };
    let answer = visit.ask(Ask::with(Method::POST, path, wanted.body())).await;
    let tried: Tried = match answer.read() {
        Ok(tried) => tried,
        Err(refused) => return consent(&visit, &found, &wanted, &visit.said(&refused)?),
    };
    if let Some(installation) = tried.installation.filter(|_| does) {
        return Ok(to(&at(&installation.id)));
    }
    let plan = &tried.plan;
    let fine = plan.refusals.is_empty();
    let body = html! {
        @if !fine { (notice(Tone::Bad, "It would be refused", &html! { ul { @for why in &plan.refusals { li { (why) } } } })) }
        @if !plan.missing.is_empty() {
            (notice(Tone::Warn, "What is missing before it runs as it asks", &html! { ul { @for what in &plan.missing { li { (what) } } } }))
        }
        (card("You grant", &html! {}, &html! { ul class="plain mono" { @for scope in wanted.grant() { li class="added" { "+ " (scope) } } } }))
        (refused(&wanted))
        (form("/console/install", visit.token(), &html! {
            (wanted.hidden())
            input type="hidden" name="tenant" value=(wanted.tenant);
            @for number in &wanted.ticked { input type="hidden" name="ticked" value=(number); }
            @for scope in &wanted.scope { input type="hidden" name="scope" value=(scope); }
            div class="row" {
                @if fine { button type="submit" name="step" value="do" class="primary" { "Install in " (wanted.tenant) } }
                a class="button" href={ "/console/install?component=" (escaped(&wanted.component)) "&manifest=" (escaped(&wanted.manifest)) } { "Back" }
            }
        }))
    };
    visit.show(Page {
        title: "What this would mean",
        lead: html! { (found.name) " " (found.version) " in " strong { (wanted.tenant) } ". Nothing is installed yet." },
        place: Place::Marketplace,
        above: vec![("/console/marketplace".into(), "Marketplace".into())],
        acts: html! {},
        body,
    })
}

fn refused(wanted: &Wanted) -> Markup {
    let not: Vec<&String> = wanted
        .scope
        .iter()
        .enumerate()
        .filter(|(number, _)| !wanted.ticked.contains(number))
        .map(|(_, scope)| scope)
        .collect();
    html! { @if !not.is_empty() {
        (card("You refuse", &html! {}, &html! {
            p class="quiet" { "What needs these is denied to it, and stands in the log." }
            ul class="plain mono" { @for scope in not { li class="taken" { "− " (scope) } } }
        }))
    } }
}
