//! The veil: what a value looks like to a guest under a [`View`], and under the tenant's rule about card numbers (DAT-3).
//!
//! Invariants: a masked value tells at most its sort and what is written at [`Shape`]; a token is the same for the same value
//! within one installation and field, and useless anywhere else.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    call::Call,
    id::{InstallationId, TenantId},
    pseudonym::Pseudonyms,
    redact,
    scope::View,
};

/// What stands for what is not shown.
pub const COVER: &str = "•••";

/// What a field's value looks like, and so what its mask still tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Free text: nothing.
    Text,
    /// A person's name: the initials of at most three words.
    Name,
    /// An address: its first character.
    Email,
    /// A number: its last two digits.
    Phone,
    /// A record's id: nothing.
    Id,
    /// A moment: its day.
    Moment,
    /// One of a closed set: it can be shown or dropped, nothing in between.
    Closed,
}

impl Shape {
    /// Whether people wrote it, and so may have written a card number into it. An id may look like one and be none.
    fn is_written(self) -> bool {
        matches!(self, Self::Text | Self::Name)
    }
}

/// One call's veil.
#[derive(Clone)]
pub struct Veil {
    call: Arc<Call>,
    pseudonyms: Arc<dyn Pseudonyms>,
}

impl Veil {
    /// The veil of this call.
    pub fn new(call: Arc<Call>, pseudonyms: Arc<dyn Pseudonyms>) -> Self {
        Self { call, pseudonyms }
    }

    /// A value as the guest gets it. `field` keeps tokens of different fields apart.
    pub fn show(&self, view: View, shape: Shape, field: &str, value: String) -> String {
        match view {
            View::Clear if shape.is_written() => self.text(value),
            View::Clear => value,
            View::Mask => mask(shape, &value),
            View::Token => self.token(field, &value),
        }
    }

    /// Text that is shown: without card numbers where the tenant's profile says so.
    pub fn text(&self, text: String) -> String {
        if self.call.rules.cover_cards { redact::redact(&text) } else { text }
    }

    /// JSON that is shown: without card numbers where the tenant's profile says so.
    pub fn json(&self, mut value: Value) -> Value {
        if self.call.rules.cover_cards {
            redact::redact_json(&mut value);
        }
        value
    }

    /// JSON as the guest gets it: masked and as a token it is a text.
    pub fn show_json(&self, view: View, shape: Shape, field: &str, value: Value) -> Value {
        match (view, value) {
            (View::Clear, value) if shape.is_written() => self.json(value),
            (View::Clear, value) => value,
            (_, Value::Null) => Value::Null,
            (View::Token, Value::String(text)) => self.token(field, &text).into(),
            (View::Token, other) => self.token(field, &other.to_string()).into(),
            (View::Mask, Value::String(text)) => mask(shape, &text).into(),
            (View::Mask, _) => COVER.into(),
        }
    }

    /// Whether card numbers are to be covered in what the guest reads.
    pub fn covers_cards(&self) -> bool {
        self.call.rules.cover_cards
    }

    fn token(&self, field: &str, value: &str) -> String {
        token(self.pseudonyms.as_ref(), &self.call.tenant, &self.call.installation, field, value)
    }

    /// See [`Pseudonyms::keyed`], for this call's installation.
    pub fn keyed(&self, purpose: &str, value: &[u8]) -> [u8; 16] {
        self.pseudonyms.keyed(&self.call.tenant, &self.call.installation, purpose, value)
    }
}

/// What stands for a value of this field in what this installation reads.
pub fn token(
    pseudonyms: &dyn Pseudonyms,
    tenant: &TenantId,
    installation: &InstallationId,
    field: &str,
    value: &str,
) -> String {
    let bits = pseudonyms.keyed(tenant, installation, &format!("token/{field}"), value.as_bytes());
    format!("tok_{:032x}", u128::from_be_bytes(bits))
}

/// A value's mask. An empty value stays empty.
pub fn mask(shape: Shape, value: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    if value.is_empty() {
        return String::new();
    }
    match shape {
        Shape::Name => {
            let initials = value.split_whitespace().take(3).map(|word| format!("{}.", first(word)));
            initials.collect::<Vec<_>>().join(" ")
        }
        Shape::Email => format!("{}{COVER}@{COVER}", first(value)),
        Shape::Phone => {
            let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
            // Two of three digits would be most of a number.
            let last: String =
                if digits.len() < 6 { String::new() } else { digits[digits.len() - 2..].iter().collect() };
            format!("{COVER}{last}")
        }
        Shape::Moment => value.split_once('T').map_or_else(|| COVER.to_owned(), |(day, _)| day.to_owned()),
        Shape::Text | Shape::Id | Shape::Closed => COVER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_tell_no_more_than_they_say() {
        for (shape, value, masked) in [
            (Shape::Name, "Ada King Byron Lovelace", "A. K. B."),
            (Shape::Email, "ada@lovelace.example", "a•••@•••"),
            (Shape::Phone, "+44 20 7946 0958", "•••58"),
            (Shape::Phone, "112", "•••"),
            (Shape::Moment, "2026-10-05T08:12:44Z", "2026-10-05"),
            (Shape::Moment, "yesterday", "•••"),
            (Shape::Text, "my card is 4111", "•••"),
            (Shape::Id, "1042", "•••"),
            (Shape::Text, "", ""),
        ] {
            assert_eq!(mask(shape, value), masked, "{value}");
        }
    }
}
