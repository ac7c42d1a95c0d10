//! `/console/people/{place}`: who has a role in a tenant, or, where the place is `_`, on the platform itself; who was invited; and the
//! pages below it for one person, roles, support access and limits of access (ACC-1 to ACC-7).
//!
//! Invariants: a link for somebody is on one page, once; what takes rights away or gives them is shown before it is done.

pub(crate) mod automation;
pub(crate) mod limits;
pub(crate) mod person;
pub(crate) mod roles;
pub(crate) mod sign_in;
pub(crate) mod support;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query},
    routing::{get, post},
};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::view::{Items, moment};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, card, card_flush, empty,
        form::{Text, once, press, select},
        notice,
        table::{more, table, text},
    },
    shell::Page,
    strings::{LINK_SHOWN_ONCE, MORE, Place},
    visit::{Sent, Shown, Visit, escaped, to},
};

const HOME: &str = "/console/people";
/// The place that is no tenant.
pub(crate) const PLATFORM: &str = "_";

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let under = |rest: &str| format!("{HOME}/{{place}}/{rest}");
    Router::new()
        .route(HOME, get(anywhere))
        .route(&format!("{HOME}/{{place}}"), get(list))
        .route(&under("invite"), post(invites))
        .route(&under("uninvite"), post(uninvites))
        .route(&under("roles"), get(roles::list).post(roles::write))
        .route(&under("roles/{name}"), get(roles::one))
        .route(&under("roles/{name}/remove"), post(roles::removes))
        .route(&under("support"), get(support::list))
        .route(&under("support/grant"), post(support::grants))
        .route(&under("support/end"), post(support::ends))
        .route(&under("automation"), get(automation::list))
        .route(&under("automation/add"), post(automation::adds))
        .route(&under("automation/rotate"), post(automation::rotates))
        .route(&under("automation/remove"), post(automation::removes))
        .route(&under("limits"), get(limits::show))
        .route(&under("limits/set"), post(limits::sets))
        .route(&under("sign-in"), get(sign_in::show))
        .route(&under("sign-in/set"), post(sign_in::sets))
        .route(&under("sign-in/remove"), post(sign_in::removes))
        .route(&under("{id}"), get(person::show))
        .route(&under("{id}/{change}"), post(person::changes))
}

/// A place's path.
pub(crate) fn at(place: &str) -> String {
    format!("{HOME}/{}", escaped(place))
}

/// A path of the API, at a place: `more` follows the place in the query.
pub(crate) fn api(path: &str, place: &str, more: &str) -> String {
    match place {
        PLATFORM => format!("{path}?{}", more.trim_start_matches('&')),
        tenant => format!("{path}?tenant={}{more}", escaped(tenant)),
    }
}

/// What a place is called.
pub(crate) fn named(place: &str) -> &str {
    if place == PLATFORM { "the platform" } else { place }
}

/// The pages above one of a place.
pub(crate) fn above(place: &str) -> Vec<(String, String)> {
    vec![(at(place), format!("People of {}", named(place)))]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Person {
    id: String,
    email: String,
    name: String,
    role: String,
    since: String,
    until: Option<String>,
    over: bool,
    suspended: bool,
    break_glass: bool,
    version: u64,
    factors: Vec<Factor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Factor {
    kind: String,
    label: String,
    created: String,
    used: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Invitation {
    id: String,
    email: String,
    name: String,
    role: String,
    expires: String,
    known: bool,
}

/// A role, as far as it is chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

/// Where somebody looks whose place is not known: their one tenant, or the platform.
pub(crate) async fn anywhere(visit: Visit) -> Shown {
    let place = visit.tenants().first().cloned().unwrap_or_else(|| PLATFORM.to_owned());
    Ok(to(&at(&place)))
}

fn standing(one: &Person) -> Markup {
    match (one.suspended, one.over) {
        (true, _) => badge(Tone::Bad, "suspended"),
        (false, true) => badge(Tone::Warn, "role over"),
        (false, false) => badge(Tone::Good, "active"),
    }
}

/// The roles that somebody can be given at a place.
async fn roles_at(visit: &Visit, place: &str) -> Vec<String> {
    let built_in = ["admin", "reviewer", "developer", "auditor", "owner"].map(str::to_owned);
    if place == PLATFORM {
        return built_in.into_iter().chain(["support".to_owned()]).collect();
    }
    let found: Option<Items<Named>> = visit.ask(Ask::get(api("/roles", place, "&limit=200"))).await.read().ok();
    let own = found.map(|found| found.items).unwrap_or_default().into_iter().map(|role| role.name);
    let own = own.filter(|name| !built_in.contains(name) && name != "support");
    built_in.iter().cloned().chain(own).collect()
}

fn roles_field(roles: &[String], chosen: &str) -> Markup {
    let options: Vec<(&str, &str)> = roles.iter().map(|role| (role.as_str(), role.as_str())).collect();
    select("role", "Role", chosen, &options)
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: Option<String>,
}

/// Lists people and invitations.
pub(crate) async fn list(visit: Visit, Path(place): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    show(&visit, &place, wanted.cursor.as_deref(), &Invited::default(), &html! {}).await
}

async fn show(visit: &Visit, place: &str, cursor: Option<&str>, filled: &Invited, said: &Markup) -> Shown {
    let cursor = cursor.map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let people: Items<Person> = visit.get(&api("/people", place, &format!("&limit=50{cursor}"))).await?;
    let waiting: Items<Invitation> = visit.get(&api("/people/invitations", place, "&limit=200")).await?;
    let next = people.cursor().map(|cursor| format!("{}?cursor={}", at(place), escaped(&cursor)));
    let roles = roles_at(visit, place).await;
    let rows = people.items.iter().map(|one| {
        let until = one.until.as_deref();
        vec![
            html! { a href={ (at(place)) "/" (escaped(&one.id)) } { (one.name) } span class="small quiet" { (one.email) } },
            html! { (one.role) @if one.break_glass { span class="small quiet" { "also without single sign-on" } } },
            standing(one),
            moment(&one.since),
            html! { @if let Some(until) = until { (moment(until)) } @else { "–" } },
        ]
    });
    let columns = [text("Person"), text("Role"), text("State"), text("Since"), text("Until")];
    let title = format!("People of {}", named(place));
    let body = html! {
        (said)
        (places(visit, place))
        section class="card flush" {
            @if people.items.is_empty() {
                (empty("Nobody has a role here yet", &html! { p { "Invite somebody: the link makes the account." } }))
            } @else { (table("People and their roles", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
        @if !waiting.items.is_empty() {
            (card_flush("Invited", &html! {}, &invitations(visit, place, &waiting.items)))
        }
        (card("Invite somebody", &html! {}, &inviting(visit, place, &roles, filled)))
    };
    visit.show(Page {
        title: &title,
        lead: html! { "Who may do what here, and from where they are signed in. Each change is in the log." },
        place: Place::People,
        above: Vec::new(),
        acts: html! {
            @if place != PLATFORM {
                a class="button" href={ (at(place)) "/roles" } { "Roles" }
                a class="button" href={ (at(place)) "/automation" } { "Automation" }
                a class="button" href={ (at(place)) "/support" } { "Support access" }
                a class="button" href={ (at(place)) "/sign-in" } { "Sign-in provider" }
            }
            a class="button" href={ (at(place)) "/limits" } { "Sign-in limits" }
        },
        body,
    })
}

/// The other places whose people this reader could look at.
fn places(visit: &Visit, here: &str) -> Markup {
    let mut all: Vec<String> = visit.tenants();
    if visit.is_of_platform() {
        all.push(PLATFORM.to_owned());
    }
    let others: Vec<&String> = all.iter().filter(|place| *place != here).collect();
    html! { @if !others.is_empty() {
        nav class="row" aria-label="Other places" { span class="quiet" { "Also:" }
            @for place in others { a href=(at(place)) { "People of " (named(place)) } }
        }
    } }
}

fn invitations(visit: &Visit, place: &str, waiting: &[Invitation]) -> Markup {
    let rows = waiting.iter().map(|one| {
        vec![
            html! { (one.name) span class="small quiet" { (one.email) } },
            html! { (one.role) @if one.known { span class="small quiet" { "has an account here" } } },
            moment(&one.expires),
            press(&format!("{}/uninvite", at(place)), visit.token(), "danger", "Take it back", &[("id", &one.id)]),
        ]
    });
    table("Invitations that wait", &[text("For"), text("As"), text("Good until"), text("")], rows.collect())
}

fn inviting(visit: &Visit, place: &str, roles: &[String], filled: &Invited) -> Markup {
    let role = if filled.role.is_empty() { "auditor" } else { &filled.role };
    once(
        &format!("{}/invite", at(place)),
        visit.token(),
        &visit.fresh(),
        &html! {
            div class="grid" {
                (Text { name: "name", label: "Name", value: &filled.name, ..Text::default() }.show())
                (Text { name: "email", label: "Address", kind: "email", value: &filled.email, hint: "Nobody proves that it is theirs: the link does.", ..Text::default() }.show())
                (roles_field(roles, role))
                (Text { name: "until", label: "Until", kind: "date", value: &filled.until, optional: true, hint: "The role ends by itself. Empty: when somebody takes it away.", ..Text::default() }.show())
            }
            div { button type="submit" class="primary" { "Make a link" } }
        },
    )
}

/// Whom somebody invites.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Invited {
    name: String,
    email: String,
    role: String,
    until: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Linked {
    link: Option<String>,
    expires: String,
    role: String,
}

/// Makes a link, and shows it: here, and never again.
pub(crate) async fn invites(Path(place): Path<String>, Sent(visit, sent): Sent<Invited>) -> Shown {
    let mut body = json!({ "name": sent.name, "email": sent.email, "role": sent.role });
    if !sent.until.is_empty() {
        body["until"] = Value::from(sent.until.clone());
    }
    let made = visit.ask(Ask::with(Method::POST, api("/people/invitations", &place, ""), body)).await;
    match made.read::<Linked>() {
        Ok(linked) => handed_over(&visit, &place, &sent.name, &linked),
        Err(refused) => {
            let said = visit.said(&refused)?;
            show(&visit, &place, None, &sent, &said).await
        }
    }
}

/// The page with a link.
fn handed_over(visit: &Visit, place: &str, name: &str, linked: &Linked) -> Shown {
    let link = linked.link.as_deref().unwrap_or_default();
    let body = html! {
        (notice(Tone::Warn, LINK_SHOWN_ONCE, &html! {
            p { "Whoever opens it first is " (name) ". Hand it over by a way that you trust, and by no other." }
        }))
        (card("The link", &html! {}, &html! {
            p { code class="mono" data-link { (link) } }
            p class="quiet" { "Good once, until " (moment(&linked.expires)) ". It gives the role " strong { (linked.role) } " at " (named(place)) "." }
            div { a class="button" href=(at(place)) { "Back to people" } }
        }))
    };
    visit.show(Page {
        title: &format!("A link for {name}"),
        lead: html! { "It opens a page where a passkey is registered." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

/// Which invitation.
#[derive(Deserialize)]
pub(crate) struct Link {
    id: String,
}

/// Takes a link back.
pub(crate) async fn uninvites(Path(place): Path<String>, Sent(visit, sent): Sent<Link>) -> Shown {
    let path = api(&format!("/people/invitations/{}", escaped(&sent.id)), &place, "");
    visit.then(Ask { method: Method::DELETE, ..Ask::get(path) }, &at(&place)).await
}
