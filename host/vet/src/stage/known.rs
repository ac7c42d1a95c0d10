//! What a plugin has come to know in one call, so that it can be said where the texts that it hands out came from, without saying
//! what they are.
//!
//! Recognised is what stands there as it was, or a piece of it of some length; in JSON and in a URL's query also where it is
//! escaped. What was encoded otherwise, encrypted or spelled anew is not recognised: that nothing is said of a text does not
//! mean that there is nothing in it.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::event::Event;
use serde_json::Value;

/// The shortest text that is looked for: shorter ones occur by chance.
const SHORTEST: usize = 4;
/// A shorter one must stand as a word of its own.
const LONG: usize = 12;
/// The pieces of a long text that are looked for, in bytes.
const PIECE: usize = 24;
/// The most pieces of one text.
const PIECES: usize = 8;
/// The most texts that are kept in mind.
const MOST: usize = 1_000;
/// The most of a text that is searched, in bytes.
const SEARCHED: usize = 128 * 1024;

/// Texts, and where they came from.
pub(crate) struct Known {
    everyday: bool,
    ticket: Option<String>,
    texts: BTreeMap<String, String>,
}

impl Known {
    /// What an event tells. `names` are the members' names that may be spoken of. `everyday`: whether its texts stand where such
    /// texts belong; where they do not, what a text carries would only be said wrongly.
    pub fn of(event: &Event, names: &BTreeSet<String>, everyday: bool) -> Self {
        let subject = event.subject.as_deref().unwrap_or_default();
        let ticket = subject.strip_prefix("zen:ticket:").filter(|id| !id.is_empty());
        let mut known = Self { everyday, ticket: ticket.map(str::to_owned), texts: BTreeMap::new() };
        known.hear("event id", &event.id);
        known.hear("event about", subject);
        known.learn(&event.data, None, names);
        known
    }

    fn learn(&mut self, value: &Value, name: Option<&str>, names: &BTreeSet<String>) {
        let label = || format!("event {}", name.unwrap_or("data"));
        match value {
            Value::String(text) => self.hear(&label(), text),
            Value::Number(number) => self.hear(&label(), &number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.learn(item, name, names)),
            Value::Object(members) => {
                for (key, value) in members {
                    let spoken = names.contains(key) && speakable(key);
                    self.learn(value, Some(if spoken { key } else { "data" }), names);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Keeps a text in mind. What was heard first counts.
    pub fn hear(&mut self, label: &str, text: &str) {
        if text.len() >= SHORTEST && self.texts.len() < MOST && !self.texts.contains_key(text) {
            self.texts.insert(text.to_owned(), label.to_owned());
        }
    }

    /// Whether it may be said what a text carries.
    pub fn is_everyday(&self) -> bool {
        self.everyday
    }

    /// The id of the ticket that the event is about.
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// Where an id or a key came from.
    pub fn origin(&self, text: &str) -> String {
        if text.is_empty() {
            return "empty".to_owned();
        }
        if self.ticket() == Some(text) {
            return "the event's".to_owned();
        }
        match (self.texts.get(text), self.carried([text])) {
            (Some(label), _) => format!("from {label}"),
            (None, Some(labels)) => format!("made from {labels}"),
            (None, None) => "its own".to_owned(),
        }
    }

    /// What of all that is known stands in these texts: labels with a comma between them; `None` where nothing does.
    pub fn carried<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Option<String> {
        let mut labels = BTreeSet::new();
        for text in texts {
            let text = head(text, SEARCHED);
            let found = self.texts.iter().filter(|(known, _)| is_in(known, text));
            labels.extend(found.map(|(_, label)| label.as_str()));
        }
        (!labels.is_empty()).then(|| labels.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// Whether a member's name is one, and no text that somebody put in its place.
pub(crate) fn speakable(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// The beginning of a text, no longer than this many bytes.
pub(crate) fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn is_in(known: &str, text: &str) -> bool {
    if known.len() < LONG {
        return has_word(text, known);
    }
    if known.len() < 2 * PIECE {
        return text.contains(known);
    }
    pieces(known).any(|piece| text.contains(piece))
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let step = (text.len() / PIECES).max(PIECE);
    (0..PIECES).map_while(move |n| {
        let from = (n * step..text.len()).find(|at| text.is_char_boundary(*at))?;
        let to = (from + PIECE..=text.len()).find(|at| text.is_char_boundary(*at))?;
        text.get(from..to)
    })
}

fn has_word(text: &str, word: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        ends(before.chars().next_back()) && ends(after.chars().next())
    })
}

/// All texts in a JSON value.
pub(crate) fn texts_in(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Number(number) => into.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, into)),
        Value::Object(members) => {
            for (key, value) in members {
                into.push(key.clone());
                texts_in(value, into);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::corpus::made_up;

    fn known() -> Known {
        let mut event = made_up("test.event", &[]).unwrap();
        event.data = json!({
            "subject": "Printer on fire", "odd key!": "hidden from sight",
            "comment": { "body": "A long text that goes on for quite a while, with ünïcödé in it, and then some more of it." },
            "tags": ["vip"], "number": 1042,
        });
        let names = ["subject", "comment", "body", "tags", "number", "odd key!"].map(str::to_owned);
        Known::of(&event, &names.into(), true)
    }

    #[test]
    fn says_where_a_text_came_from_and_not_what_it_is() {
        let mut known = known();
        known.hear("users.get email", "sam@example.net");
        let carried = |text: &str| known.carried([text]).unwrap_or_default();
        assert_eq!(carried("about: Printer on fire!"), "event subject");
        assert_eq!(carried("{\"to\":\"sam@example.net\",\"n\":1042}"), "event number, users.get email");
        assert_eq!(carried("it says: goes on for quite a while, with ün…"), "event body");
        assert_eq!(carried("hidden from sight"), "event data");
        assert_eq!(carried("vip"), "", "too short");
        assert_eq!(carried("10423"), "", "no word of its own");
        assert_eq!(known.carried([]), None);
    }

    #[test]
    fn says_whose_id_it_is() {
        let mut known = known();
        known.hear("tickets.get requester_id", "9010288");
        assert_eq!(known.origin("1042"), "the event's");
        assert_eq!(known.origin("9010288"), "from tickets.get requester_id");
        assert_eq!(known.origin("user-9010288"), "made from tickets.get requester_id");
        assert_eq!(known.origin("escalated"), "its own");
        assert_eq!(known.origin(""), "empty");
    }
}
