//! Whether a stored text, value or event is about a person, by what the person is known by.
//!
//! Invariants: what is looked for stands by itself, with neither a letter nor a digit beside it, whatever the case; what is shorter
//! than [`SHORTEST`] counts only as a whole field that names a person; only the part that it stands in is taken out, and what is
//! taken out is not found again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Identity;
use crate::audit::ERASED;

/// What is shorter than this, in characters, is looked for in whole fields alone: a `7` stands everywhere.
pub const SHORTEST: usize = 4;

/// The fewest digits by which a telephone number is known however it is written.
const DIGITS: usize = 7;

/// Words in the name of a field that holds a person.
const PERSONS: [&str; 12] = [
    "user",
    "requester",
    "submitter",
    "assignee",
    "author",
    "actor",
    "customer",
    "person",
    "member",
    "collaborator",
    "follower",
    "contact",
];

/// Looks for one person.
pub struct Finder {
    /// The id at the help desk.
    user: String,
    /// What is long enough to be looked for in any text, in lower case.
    long: Vec<String>,
    /// Telephone numbers, as digits.
    phones: Vec<String>,
    /// What is too short for that, in lower case.
    short: Vec<String>,
}

impl Finder {
    /// By what the person is known by.
    pub fn new(who: &Identity) -> Self {
        let (long, short): (Vec<String>, Vec<String>) =
            who.all().into_iter().map(str::to_lowercase).partition(|one| one.chars().count() >= SHORTEST);
        let digits = who.phones.iter().map(|phone| digits(phone)).filter(|digits| digits.len() >= DIGITS);
        Self { user: who.user.to_lowercase(), long, phones: digits.collect(), short }
    }

    /// The same, and by these as well: tokens that stand for the person.
    #[must_use]
    pub fn also(mut self, tokens: impl IntoIterator<Item = String>) -> Self {
        self.long.extend(tokens.into_iter().map(|token| token.to_lowercase()));
        self
    }

    /// Whether a text is about the person.
    pub fn in_text(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.long.iter().any(|one| has_word(&lower, one))
            || self.short.iter().any(|one| lower.trim() == *one)
            || names_user(&lower, &self.user)
            || self.in_phone(text)
    }

    /// Whether a text is nothing but one of the things that the person is known by.
    pub fn is(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.long.iter().chain(&self.short).any(|one| *one == lower.trim())
    }

    /// Whether an id that somebody else gave, such as an event's, names the person: what is short says nothing there.
    pub fn in_id(&self, id: &str) -> bool {
        let is_short = self.short.iter().any(|one| id.trim().to_lowercase() == *one);
        !is_short && self.in_text(id)
    }

    /// Whether an answer is about the person: it is found in it, or its own `id` is theirs.
    pub fn in_answer(&self, body: &Value) -> bool {
        let id = body.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        id.is_some_and(|id| id.to_lowercase() == self.user) || self.in_json(body)
    }

    /// Takes the person out of those members of a JSON value that people write into: these, at any depth. Gives how many texts there
    /// were.
    pub fn take_out_of_members(&self, value: &mut Value, members: &[&str]) -> u64 {
        match value {
            Value::Object(all) => all
                .iter_mut()
                .map(|(name, value)| match members.contains(&name.as_str()) {
                    true => self.take_out_of(&below("", name), value),
                    false => self.take_out_of_members(value, members),
                })
                .sum(),
            Value::Array(items) => items.iter_mut().map(|item| self.take_out_of_members(item, members)).sum(),
            _ => 0,
        }
    }

    /// Whether a stored value is: JSON member by member, all else as text.
    pub fn in_bytes(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        match text.trim_start().starts_with(['{', '[', '"']) {
            true => match serde_json::from_str::<Value>(&text) {
                Ok(value) => self.in_json(&value),
                Err(_) => self.in_text(&text),
            },
            false => self.in_text(&text),
        }
    }

    /// Whether a JSON value is.
    pub fn in_json(&self, value: &Value) -> bool {
        self.in_member("", value)
    }

    /// Takes each text and number of a JSON value away that the person stands in. Gives how many there were.
    pub fn take_out(&self, value: &mut Value) -> u64 {
        self.take_out_of("", value)
    }

    fn in_member(&self, name: &str, value: &Value) -> bool {
        match value {
            Value::Object(members) => {
                members.iter().any(|(key, value)| self.in_text(key) || self.in_member(&below(name, key), value))
            }
            Value::Array(items) => items.iter().any(|item| self.in_member(name, item)),
            leaf => self.in_leaf(name, leaf),
        }
    }

    fn take_out_of(&self, name: &str, value: &mut Value) -> u64 {
        match value {
            Value::Object(members) => {
                let named: Vec<String> = members.keys().filter(|key| self.in_text(key)).cloned().collect();
                let gone = named.iter().filter(|key| members.remove(key.as_str()).is_some()).count() as u64;
                let below = members.iter_mut().map(|(key, value)| self.take_out_of(&below(name, key), value));
                gone + below.sum::<u64>()
            }
            Value::Array(items) => items.iter_mut().map(|item| self.take_out_of(name, item)).sum(),
            leaf if self.in_leaf(name, leaf) => {
                *leaf = if leaf.is_string() { Value::String(ERASED.to_owned()) } else { Value::Null };
                1
            }
            _ => 0,
        }
    }

    fn in_leaf(&self, name: &str, leaf: &Value) -> bool {
        let text = match leaf {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return false,
        };
        let lower = text.to_lowercase();
        if self.short.iter().any(|one| lower.trim() == *one) {
            return PERSONS.iter().any(|word| name.contains(word));
        }
        self.in_text(&text)
    }

    fn in_phone(&self, text: &str) -> bool {
        if self.phones.is_empty() {
            return false;
        }
        // Separators within a number are left out; whatever else stands between two numbers keeps them apart.
        let close: String = text.chars().filter(|c| !" -()./\u{a0}".contains(*c)).collect();
        self.phones.iter().any(|phone| stands(&close, phone, |c| c.is_ascii_digit()))
    }
}

/// What one person is looked for by: in whatever is a tenant's, and in what an installation keeps, which may have tokens instead.
pub struct Finders {
    /// In whatever is the tenant's.
    pub tenant: Finder,
    /// In what is of installations, by their ids.
    pub installations: BTreeMap<String, Finder>,
}

impl Finders {
    /// Without any tokens.
    pub fn new(who: &Identity) -> Self {
        Self { tenant: Finder::new(who), installations: BTreeMap::new() }
    }

    /// In what this installation keeps.
    pub fn of(&self, installation: &str) -> &Finder {
        self.installations.get(installation).unwrap_or(&self.tenant)
    }
}

/// The name by which a member's own name and that of what it is in are looked at.
fn below(name: &str, key: &str) -> String {
    match key.to_lowercase() {
        // It says nothing by itself: 'requester': { 'id': 7 }.
        id if id == "id" => format!("{name}.id"),
        key => key,
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether this stands in a text, with neither a letter nor a digit just before or after it.
fn has_word(text: &str, word: &str) -> bool {
    stands(text, word, char::is_alphanumeric)
}

/// Whether this stands in a text, with none of these just before or after it.
fn stands(text: &str, word: &str, longer: impl Fn(char) -> bool) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(&longer);
    !word.is_empty()
        && text
            .match_indices(word)
            .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

/// Whether a text names the user as stores do: `user:7`, `users/7`, `user_7`.
fn names_user(lower: &str, user: &str) -> bool {
    if user.is_empty() {
        return false;
    }
    ["user:", "users:", "user/", "users/", "user_", "user-"]
        .iter()
        .any(|start| has_word(lower, &format!("{start}{user}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finder() -> Finder {
        Finder::new(&Identity {
            user: "7".into(),
            names: vec!["Ada Person".into()],
            emails: vec!["ada@example.com".into()],
            phones: vec!["+49 30 901820".into()],
        })
    }

    #[test]
    fn what_stands_by_itself_is_found_whatever_its_case_and_nothing_longer() {
        let finder = finder();
        for text in [
            "write to ADA@Example.com, please",
            "<ada@example.com>",
            "ada person",
            "call 0 +4930901820 now",
            "tel:+49-30-901820",
            "see user:7",
            "zen:user:7",
            "users/7/notes",
            "7",
            "AdA PERSON's",
        ] {
            assert!(finder.in_text(text), "{text}");
        }
        for text in ["ada@example.community", "nada person", "ada", "7 of 9", "user:77", "+49 30 9018201", "", "17"] {
            assert!(!finder.in_text(text), "{text}");
        }
    }

    #[test]
    fn a_short_id_counts_in_fields_that_name_a_person() {
        let finder = finder();
        for value in [json!({"requester_id": 7}), json!({"author": {"id": "7"}}), json!([{"user": "7"}])] {
            assert!(finder.in_json(&value), "{value}");
        }
        for value in [json!({"priority": 7}), json!({"id": 7}), json!({"count": "7"}), json!({"user_id": 77}), json!(7)]
        {
            assert!(!finder.in_json(&value), "{value}");
        }
        let long = Finder::new(&Identity { user: "9010092".into(), ..identity() });
        assert!(long.in_json(&json!({"id": 9_010_092})) && !long.in_json(&json!({"id": 90_100_921})));
    }

    fn identity() -> Identity {
        Identity { user: "7".into(), names: vec![], emails: vec![], phones: vec![] }
    }

    #[test]
    fn what_is_taken_out_is_not_found_again_and_the_rest_stays() {
        let finder = finder();
        let mut value = json!({
            "detail": {"id": "1042", "requester_id": 7, "subject": "Ada Person called", "priority": 7},
            "by": {"ada@example.com": "cc", "other": ["bob", "ada@example.com"]},
        });
        assert_eq!(finder.take_out(&mut value), 4);
        assert!(!finder.in_json(&value));
        let left = json!({
            "detail": {"id": "1042", "requester_id": null, "subject": ERASED, "priority": 7},
            "by": {"other": ["bob", ERASED]},
        });
        assert_eq!(value, left);
    }

    #[test]
    fn values_of_any_form_and_tokens_are_looked_at() {
        let finder = finder().also(["tok_Ab12Cd".to_owned()]);
        for bytes in
            [&b"\xff\xfe ada@example.com \x00"[..], br#"{"e":"\u0061da@example.com"}"#, b"{ broken ada@example.com"]
        {
            assert!(finder.in_bytes(bytes), "{}", String::from_utf8_lossy(bytes));
        }
        assert!(finder.in_bytes(b"mail=tok_ab12cd;") && !finder.in_bytes(br#"{"n": 7}"#));
    }
}
