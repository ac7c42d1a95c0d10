//! `/console/posture/{tenant}/{profile}`: what turning a profile on or off would do, before anybody does it: what each installation
//! loses, how the tenant stands before and after, and who would have to do what.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{
    installation::at,
    posture::{Counts, HOME, Line, Move, Profiles, lines, moves},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush,
        form::{Text, form},
        notice,
        table::{number, table, text},
    },
    shell::Page,
    strings::{Place, UNCHANGED},
    visit::{Sent, Shown, Visit, escaped},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Turned {
    on: bool,
    changes: Vec<Change>,
    before: Counts,
    after: Counts,
    lines: Vec<Line>,
    opens: Vec<Move>,
    closes: Vec<Move>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    installation: String,
    plugin: String,
    what: String,
}

fn of(tenant: &str, profile: &str) -> String {
    format!("/tenants/{}/profiles/{}", escaped(tenant), escaped(profile))
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path((tenant, profile)): Path<(String, String)>) -> Shown {
    let known: Profiles = visit.get(&format!("/profiles?tenant={}", escaped(&tenant))).await?;
    let one = known.items.iter().find(|one| one.profile == profile);
    // The other way round than it is now.
    let on = one.is_none_or(|one| one.on.is_empty());
    let told: Turned = visit.get(&format!("{}/plan?on={on}", of(&tenant, &profile))).await?;
    let way = if told.on { "on" } else { "off" };
    let body = html! {
        (losses(&told))
        (card_flush("Before and after", &html! {}, &both(&told)))
        @if !told.opens.is_empty() { (moves("What somebody would have to do", &told.opens, &tenant)) }
        @if !told.closes.is_empty() { (moves("What nobody would have to do any more", &told.closes, &tenant)) }
        @if !told.lines.is_empty() { (card_flush("Its lines, as they would stand", &html! {}, &lines(&profile, &told.lines.iter().collect::<Vec<_>>()))) }
        (card(&format!("Turn it {way}"), &html! {}, &form(&format!("{HOME}/{}/{}/turn", escaped(&tenant), escaped(&profile)), visit.token(), &html! {
            p { "In force from the next call on. It takes your second factor." }
            input type="hidden" name="on" value=(if told.on { "yes" } else { "no" });
            (Text { name: "reason", label: "Why", hint: "Stands in the log: ten characters at least.", ..Text::default() }.show())
            div class="row" {
                button type="submit" class="primary" { "Turn '" (profile) "' " (way) }
                a class="button" href={ (HOME) "?tenant=" (escaped(&tenant)) } { "Not now" }
            }
        })))
    };
    visit.show(Page {
        title: &format!("Turn '{profile}' {way}"),
        lead: html! { "In " strong { (tenant) } ". " (one.map(|one| one.words.as_str()).unwrap_or_default()) " " (UNCHANGED) },
        place: Place::Posture,
        above: vec![(HOME.into(), "Posture".into())],
        acts: html! {},
        body,
    })
}

/// How many changes are named.
const NAMED: usize = 100;

fn losses(told: &Turned) -> Markup {
    if told.changes.is_empty() {
        let words = html! { p { "Each of them may do just what it does today." } };
        return notice(Tone::Good, "Nothing would be different for any installation", &words);
    }
    let rows = told
        .changes
        .iter()
        .take(NAMED)
        .map(|one| vec![html! { a href=(at(&one.installation)) { (one.plugin) } }, html! { (one.what) }]);
    let columns = [text("Installation"), text("What would be different")];
    card_flush(
        "What would be different for installations",
        &badge(Tone::Warn, &told.changes.len().to_string()),
        &html! {
            (table("What would be different for installations", &columns, rows.collect()))
            @if told.changes.len() > NAMED { p class="inset quiet" { "And " (told.changes.len() - NAMED) " others." } }
        },
    )
}

fn both(told: &Turned) -> Markup {
    let row = |name: &str, of: fn(&Counts) -> u64| {
        vec![html! { (name) }, html! { (of(&told.before)) }, html! { (of(&told.after)) }]
    };
    let rows = vec![row("Hold", |c| c.holds), row("Open", |c| c.open), row("Accepted as a risk", |c| c.accepted)];
    table("How the tenant stands", &[text("Lines"), number("Now"), number("Then")], rows)
}

/// What the form holds.
#[derive(Deserialize)]
pub(crate) struct Turning {
    on: String,
    #[serde(default)]
    reason: String,
}

/// Turns it.
pub(crate) async fn turn(Path((tenant, profile)): Path<(String, String)>, Sent(visit, sent): Sent<Turning>) -> Shown {
    let body = json!({ "on": sent.on == "yes", "reason": sent.reason });
    visit
        .then(Ask::with(Method::PUT, of(&tenant, &profile), body), &format!("{HOME}?tenant={}", escaped(&tenant)))
        .await
}
