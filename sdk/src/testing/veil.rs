//! What a field's value looks like to a plugin: as it is, masked, or as a token, by the real host's rules.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

const COVER: &str = "•••";

/// How a field is shown. In the order of the host's choice where several scopes show one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum View {
    Mask,
    Token,
    Clear,
}

/// What sort of data a field of an action's records holds.
pub(super) fn class(action: &str, field: &str) -> &'static str {
    let personal: &[&str] = match action {
        "tickets:read" => &["subject", "description", "requester_id", "custom_fields", "comments"],
        "users:read" => &["name", "email", "phone", "locale", "time_zone"],
        _ => &[],
    };
    if personal.contains(&field) { "personal" } else { "internal" }
}

/// A text as it is shown.
pub(super) fn show(view: View, action: &str, field: &str, text: &str) -> String {
    match view {
        View::Clear => text.to_owned(),
        View::Mask => mask(action, field, text),
        View::Token => token(field, text),
    }
}

/// JSON as it is shown: masked and as a token it is text, of a list each item.
pub(super) fn show_json(view: View, action: &str, field: &str, value: Value) -> Value {
    match (view, value) {
        (View::Clear, value) => value,
        (_, Value::Null) => Value::Null,
        (_, Value::Array(all)) => all.into_iter().map(|one| show_json(view, action, field, one)).collect(),
        (_, Value::String(text)) => show(view, action, field, &text).into(),
        (View::Mask, _) => COVER.into(),
        (View::Token, other) => token(field, &other.to_string()).into(),
    }
}

/// The same for the same value; ids of people share one domain, as do organizations' and the texts of a conversation.
fn token(field: &str, text: &str) -> String {
    let domain = match field {
        "requester_id" | "assignee_id" | "author_id" => "user",
        "organization_id" => "organization",
        "description" | "comments" => "text",
        other => other,
    };
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, domain, text).hash(&mut hasher);
        hasher.finish()
    };
    format!("tok_{:016x}{:016x}", half(0), half(1))
}

fn mask(action: &str, field: &str, text: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    match (action, field) {
        _ if text.is_empty() => String::new(),
        ("users:read", "name") => {
            let initials: Vec<String> = text.split_whitespace().take(3).map(|word| first(word) + ".").collect();
            initials.join(" ")
        }
        ("users:read", "email") => format!("{}{COVER}@{COVER}", first(text)),
        ("users:read", "phone") => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let last = if digits.len() < 6 { "" } else { &digits[digits.len() - 2..] };
            format!("{COVER}{last}")
        }
        (_, "created_at" | "updated_at") => text.split_once('T').map_or(COVER, |(day, _)| day).to_owned(),
        _ => COVER.to_owned(),
    }
}
