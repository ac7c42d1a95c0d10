//! Forms. Each posts the token of its reader's session along, without which nothing is changed.
//!
//! Invariants: every input has a label that a screen reader reads, its hint and its fault tied to it; a form that failed comes back
//! with what was written into it.

use maud::{Markup, html};

/// The name of the field with the session's token.
pub const TOKEN: &str = "csrf";

/// A form that changes something.
pub fn form(action: &str, token: &str, body: &Markup) -> Markup {
    html! {
        form class="fields" method="post" action=(action) {
            input type="hidden" name=(TOKEN) value=(token);
            (body)
        }
    }
}

/// The name of the field with the key under which something is done once.
pub const ONCE: &str = "once";

/// A form that does something once: sent again under its key, by a second press or a reload, it is not done again.
pub fn once(action: &str, token: &str, key: &str, body: &Markup) -> Markup {
    html! {
        form class="fields" method="post" action=(action) data-once {
            input type="hidden" name=(TOKEN) value=(token);
            input type="hidden" name=(ONCE) value=(key);
            (body)
        }
    }
}

/// A form that is one button.
pub fn press(action: &str, token: &str, class: &str, words: &str, hidden: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name=(TOKEN) value=(token);
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            button type="submit" class=(class) { (words) }
        }
    }
}

/// One line of text that is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What is asked.
    pub label: &'a str,
    /// What helps to answer.
    pub hint: &'a str,
    /// What stands in it.
    pub value: &'a str,
    /// Its kind: `text`, `number`, `date`, ...; `text` where empty.
    pub kind: &'a str,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What is wrong with what was written.
    pub wrong: &'a str,
}

impl Text<'_> {
    /// It with its label, hint and fault.
    pub fn show(&self) -> Markup {
        let kind = if self.kind.is_empty() { "text" } else { self.kind };
        let (hint, wrong) = (format!("{}-hint", self.name), format!("{}-wrong", self.name));
        let mut by = Vec::new();
        if !self.hint.is_empty() {
            by.push(hint.as_str());
        }
        if !self.wrong.is_empty() {
            by.push(wrong.as_str());
        }
        // Browsers fill in a password of the reader's own wherever they are told "off".
        let filled = if kind == "password" { "new-password" } else { "off" };
        let described = (!by.is_empty()).then(|| by.join(" "));
        html! {
            div class="field" {
                label for=(self.name) { (self.label) }
                @if !self.hint.is_empty() { span class="hint" id=(hint) { (self.hint) } }
                input type=(kind) id=(self.name) name=(self.name) value=(self.value) required[!self.optional] autocomplete=(filled)
                    aria-describedby=[described] aria-invalid=[(!self.wrong.is_empty()).then_some("true")];
                @if !self.wrong.is_empty() { span class="wrong" id=(wrong) { (self.wrong) } }
            }
        }
    }
}

/// An address to send to; where one is set, it may stay empty.
pub fn address(value: &str, hint: &str, is_set: bool) -> Markup {
    let text = Text { name: "url", label: "Address", kind: "url", value, hint, optional: is_set, ..Text::default() };
    text.show()
}

/// Why somebody does something, in so many characters at least. Under an id of its own, where a page asks for several.
pub fn why(id: &str, least: Option<u16>) -> Markup {
    html! {
        div class="field" {
            label for=(id) { "Why" }
            input type="text" id=(id) name="reason" required minlength=[least] maxlength="500" autocomplete="off";
        }
    }
}

/// One of several.
pub fn select(name: &str, label: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        div class="field" {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @for (value, words) in options { option value=(value) selected[*value == chosen] { (words) } }
            }
        }
    }
}

/// A box to tick, with what it means.
pub fn tick(name: &str, value: &str, ticked: bool, words: &Markup) -> Markup {
    let id = format!("{name}-{value}");
    html! {
        div class="choice" {
            input type="checkbox" id=(id) name=(name) value=(value) checked[ticked];
            label for=(id) { (words) }
        }
    }
}
