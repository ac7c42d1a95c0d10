//! What pages that change something share: how it would go, before it is done; and a secret that was made, once.
//!
//! Invariants: a page that shows how it would go says that nothing has changed, and does it on one press alone, and once; a secret
//! stands on the page that answers the act that made it, which no cache keeps, and on no other.

use maud::{Markup, html};

use crate::{
    kit::{Tone, card, facts, form::once, notice},
    shell::Page,
    strings::{self, Place},
    visit::{Shown, Visit},
};

/// Where a page lies: its place in the navigation, and the pages above it.
pub(crate) type Lies = (Place, Vec<(String, String)>);

/// A change that was tried out.
pub(crate) struct Rehearsal<'a> {
    /// Where its page lies.
    pub lies: Lies,
    /// What would be.
    pub would: Markup,
    /// Where the form goes that does it.
    pub action: &'a str,
    /// What it sends along, and what it still asks for.
    pub sends: Markup,
    /// The words on its button.
    pub does: &'a str,
    /// Whether something is lost by it.
    pub takes: bool,
    /// The page to go back to.
    pub back: &'a str,
}

impl Rehearsal<'_> {
    /// The page that shows it.
    pub fn show(self, visit: &Visit) -> Shown {
        let again = once(
            self.action,
            visit.token(),
            &visit.fresh(),
            &html! {
                (self.sends)
                div class="row" {
                    button type="submit" name="step" value="do" class=(if self.takes { "danger" } else { "primary" }) { (self.does) }
                    a class="button" href=(self.back) { "Cancel" }
                }
            },
        );
        let (place, above) = self.lies;
        visit.show(Page {
            title: strings::WOULD_CHANGE,
            lead: html! { (strings::UNCHANGED) },
            place,
            above,
            acts: html! {},
            body: html! { (self.would) (card("Do it", &html! {}, &again)) },
        })
    }
}

/// Names and values that a form sends along unseen.
pub(crate) fn hidden(all: &[(&str, &str)]) -> Markup {
    html! { @for (name, value) in all { input type="hidden" name=(name) value=(value); } }
}

/// A secret that was made.
pub(crate) struct Once<'a> {
    /// Where its page lies.
    pub lies: Lies,
    /// What it is a secret of.
    pub title: &'a str,
    /// What it is.
    pub name: &'a str,
    /// It.
    pub value: &'a str,
    /// What to do with it.
    pub says: Markup,
    /// The page to go on to, and what its link says.
    pub next: (&'a str, &'a str),
}

impl Once<'_> {
    /// The one page that shows it.
    pub fn show(self, visit: &Visit) -> Shown {
        let (place, above) = self.lies;
        let (path, words) = self.next;
        visit.show(Page {
            title: self.title,
            lead: html! { "It was made just now." },
            place,
            above,
            acts: html! {},
            body: html! {
                (notice(Tone::Warn, strings::SHOWN_ONCE, &html! {
                    p { "Nobody sees it again, here or at the command line: take it now, to where it belongs." }
                }))
                (card(self.name, &html! {}, &html! {
                    p { code class="mono" data-secret { (self.value) } }
                    (self.says)
                    div { a class="button" href=(path) { (words) } }
                }))
            },
        })
    }
}

/// A change that only takes a few facts to say.
pub(crate) fn would(title: &str, said: &[(&str, Markup)]) -> Markup {
    card(title, &html! {}, &facts(said))
}
