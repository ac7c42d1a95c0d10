//! Pieces that all pages are made of: one way to show a state, a list of facts, a table, a form, a picture.
//!
//! Invariants: no piece says anything by colour alone; every text goes through maud's escaping; no piece has a style of its own, so
//! that the pages' policy can forbid inline styles.

pub mod chart;
pub mod form;
pub mod table;

use maud::{Markup, html};

/// How something stands, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to say about it.
    Plain,
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Something is wrong, or dangerous.
    Bad,
    /// Worth seeing.
    Accent,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Accent => "accent",
        }
    }
}

/// A word about a state.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// A message to whoever reads the page.
pub fn notice(tone: Tone, title: &str, body: &Markup) -> Markup {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    html! { div class={ "notice " (tone.class()) } role=(role) { strong { (title) } (body) } }
}

/// What stands where a list has nothing in it: what would be there, and how it gets there.
pub fn empty(title: &str, body: &Markup) -> Markup {
    html! { div class="empty" { h2 { (title) } div { (body) } } }
}

/// One number that matters, and where to see more of it.
pub fn tile(name: &str, value: &str, note: &str, link: Option<&str>) -> Markup {
    let inner = html! {
        span class="quiet small" { (name) }
        b { (value) }
        span class="quiet small" { (note) }
    };
    match link {
        Some(link) => html! { a class="tile" href=(link) { (inner) } },
        None => html! { div class="tile" { (inner) } },
    }
}

/// Names and what stands behind them.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl class="facts" { @for (name, value) in facts { dt { (name) } dd { (value) } } } }
}

/// A card with a heading.
pub fn card(title: &str, aside: &Markup, body: &Markup) -> Markup {
    html! { section class="card" { header { h2 { (title) } (aside) } (body) } }
}

/// A card whose body reaches to its edges: a table.
pub fn card_flush(title: &str, aside: &Markup, body: &Markup) -> Markup {
    html! { section class="card flush" { header { h2 { (title) } (aside) } (body) } }
}

/// Which mark stands before a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It can, or it holds.
    Yes,
    /// It cannot.
    No,
    /// Look at it.
    Mind,
}

/// Sentences, each with its mark.
pub fn ticks(mark: Mark, sentences: &[Markup]) -> Markup {
    html! { ul class="ticks" { @for sentence in sentences { li { (mark_icon(mark)) div { (sentence) } } } } }
}

fn mark_icon(mark: Mark) -> Markup {
    let (class, path, words) = match mark {
        Mark::Yes => ("added", "M4 10.5l4 4 8-9", "Yes:"),
        Mark::No => ("taken", "M5 5l10 10M15 5L5 15", "No:"),
        Mark::Mind => ("", "M10 3v9m0 3.5v.5", "Mind:"),
    };
    html! {
        svg class=(class) width="20" height="20" viewBox="0 0 20 20" role="img" aria-label=(words) {
            path d=(path) fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// The sign of the house: a gate.
pub fn gate(size: u32) -> Markup {
    html! {
        svg width=(size) height=(size) viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            rect width="32" height="32" rx="8" class="fill-1" {}
            path d="M8 25V13a8 8 0 0 1 16 0v12M13.3 7.2V25M18.7 7.2V25M8 13.5h16M8 19.2h16" fill="none" stroke="#fff"
                stroke-width="1.9" stroke-linecap="round" {}
        }
    }
}
