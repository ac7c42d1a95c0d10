//! `/console/installations/{id}/right-size`: what is asked for, imported, granted and used, and one press to narrow the grant to it.

use axum::extract::Path;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    installation::{above, at},
    view::{Installation, moment},
};
use crate::{
    kit::{
        Tone, badge, card, card_flush,
        chart::{Bar, bars, short},
        form::form,
        notice,
        table::{number, table, text},
    },
    shell::Page,
    strings::{Place, SHOW_CHANGE},
    visit::{Shown, Visit, escaped},
};

/// What of a grant was used.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Used {
    scopes: Vec<ScopeUse>,
    suggested: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeUse {
    scope: String,
    granted: bool,
    purpose: Option<String>,
    imported: bool,
    recorded: bool,
    uses: u64,
    last_used: Option<String>,
}

impl Used {
    /// How many granted scopes were not used, of those whose use is recorded.
    pub fn unused(&self) -> usize {
        self.scopes.iter().filter(|one| one.granted && one.recorded && one.uses == 0).count()
    }
}

/// Scopes, each with its use.
pub(crate) fn table_of(used: &Used) -> Markup {
    let rows = used.scopes.iter().map(|one| {
        let uses = match (one.granted, one.recorded) {
            (false, _) => html! { span class="quiet" { "–" } },
            (true, false) => html! { span class="quiet" { "not counted" } },
            (true, true) => html! { (one.uses) },
        };
        let granted = match one.granted {
            true => badge(Tone::Good, "granted"),
            false => badge(Tone::Plain, "asked for"),
        };
        let imported = if one.imported { html! { "yes" } } else { badge(Tone::Warn, "no") };
        let last = one.last_used.as_deref().map_or(html! { span class="quiet" { "never" } }, moment);
        vec![
            html! { code { (one.scope) } @if let Some(purpose) = &one.purpose { span class="small quiet" { (purpose) } } },
            granted,
            imported,
            uses,
            last,
        ]
    });
    let columns = [text("Scope"), text("Granted"), text("Imported"), number("Used"), text("Last use")];
    table("Scopes: asked for, imported, granted, used", &columns, rows.collect())
}

/// How often each scope was used, as bars. Nothing where nothing was.
pub(crate) fn drawn(used: &Used) -> Markup {
    let counted = || used.scopes.iter().filter(|one| one.granted && one.recorded);
    let most = counted().map(|one| one.uses).max().unwrap_or(0);
    if most == 0 {
        return html! {};
    }
    let all: Vec<Bar> = counted()
        .map(|one| Bar {
            name: html! { code { (one.scope) } },
            words: format!("{} uses", short(one.uses)),
            value: one.uses,
            of: most,
            limit: false,
        })
        .collect();
    bars(&all)
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    let own = format!("/installations/{}", escaped(&id));
    let (one, version): (Installation, String) = visit.seen(&own).await?;
    let used: Used = visit.get(&format!("{own}/use?days=30")).await?;
    let gone: Vec<&String> = one.granted.iter().filter(|scope| !used.suggested.contains(scope)).collect();
    let proposal = html! {
        @if gone.is_empty() {
            (notice(Tone::Good, "The grant fits", &html! { p { "Everything that is granted was used, or is not counted." } }))
        } @else {
            (card("Take away what was not used", &html! {}, &html! {
                ul class="plain mono" { @for scope in &gone { li class="taken" { "− " (scope) } } }
                (form(&format!("{}/grant", at(&id)), visit.token(), &html! {
                    input type="hidden" name="version" value=(version);
                    input type="hidden" name="scopes" value=(used.suggested.join("\n"));
                    div class="row" {
                        button type="submit" name="step" value="do" class="primary" { "Narrow the grant to what was used" }
                        button type="submit" name="step" value="try" { (SHOW_CHANGE) }
                    }
                }))
            }))
        }
    };
    visit.show(Page {
        title: "Right-size",
        lead: html! { "What the plugin asks for, what its code imports, what you granted, and what it used in 30 days." },
        place: Place::Installations,
        above: above(&one),
        acts: html! {},
        body: html! {
            (proposal)
            @let picture = drawn(&used);
            @if !picture.0.is_empty() { (card("Use, scope by scope", &badge(Tone::Accent, "30 days"), &picture)) }
            (card_flush("Scope by scope", &badge(Tone::Accent, "30 days"), &table_of(&used)))
        },
    })
}
