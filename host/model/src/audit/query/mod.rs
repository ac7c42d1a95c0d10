//! What somebody wants to read of the log: one form, written the same way on the command line and in a URL.
//!
//! ```text
//! kind=act.denied tenant=acme host=hooks.example since=2026-11-01 "card number"
//! ```
//!
//! Fields of different names must all match; of one name, any. A value that ends with `*` means all that begin with what stands
//! before it. What has no name is free text: every word of it must occur in the entry. [`terms`](Terms) of an entry are all that a
//! filter can match, so that an index and a comparison in memory cannot disagree.
//!
//! Invariants: a filter that is printed and read again is the same filter; what is not understood is refused, with what would be
//! right; a value that was withheld or erased is no term.

mod cursor;
mod duty;
mod field;
mod kinds;
mod parse;
mod terms;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{id::TenantId, time::Timestamp};

pub use cursor::{Cursor, CursorError};
pub use duty::duties;
pub use field::Field;
pub use kinds::kinds;
pub use parse::{FilterError, moment};
pub use terms::Terms;

/// The most characters of a term. A longer value is cut.
pub const LONGEST_TERM: usize = 512;

/// A value that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    /// The value, or what it begins with.
    pub text: String,
    /// Whether more may follow.
    pub open: bool,
}

impl Pattern {
    /// Exactly this value.
    pub fn exact(text: impl Into<String>) -> Self {
        Self { text: text.into(), open: false }
    }

    /// Whether it means this value.
    pub fn means(&self, value: &str) -> bool {
        if self.open { value.starts_with(&self.text) } else { value == self.text }
    }
}

/// What somebody wants to read. The empty one means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    fields: BTreeMap<Field, BTreeSet<Pattern>>,
    words: BTreeSet<Pattern>,
}

impl Filter {
    /// Narrowed to entries that have this value, or another that was given for the same field.
    #[must_use]
    pub fn and(mut self, field: Field, value: impl Into<String>) -> Self {
        self.fields.entry(field).or_default().insert(Pattern::exact(value));
        self
    }

    /// Narrowed to a span of time: from the first on, to before the second.
    #[must_use]
    pub fn within(mut self, since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        self.since = since.or(self.since);
        self.until = until.or(self.until);
        self
    }

    /// Narrowed to what is of these tenants; none where it asks for others' alone, or there are none.
    #[must_use]
    pub fn in_tenants<'a>(mut self, tenants: impl IntoIterator<Item = &'a TenantId>) -> Option<Self> {
        let asked = self.fields.remove(&Field::Tenant);
        let meant = |name: &&str| asked.as_ref().is_none_or(|any| any.iter().any(|pattern| pattern.means(name)));
        let met: BTreeSet<Pattern> =
            tenants.into_iter().map(TenantId::as_str).filter(meant).map(Pattern::exact).collect();
        if met.is_empty() {
            return None;
        }
        self.fields.insert(Field::Tenant, met);
        Some(self)
    }

    /// What an entry's terms must have: one of each group.
    pub fn groups(&self) -> Vec<(Field, Vec<&Pattern>)> {
        let fields = self.fields.iter().map(|(field, values)| (*field, values.iter().collect()));
        fields.chain(self.words.iter().map(|word| (Field::Text, vec![word]))).collect()
    }

    /// Whether it means everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this moment lies in its span.
    pub fn covers(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// Whether an entry with these terms is meant.
    pub fn matches(&self, time: Timestamp, terms: &Terms) -> bool {
        let has = |(field, any): (Field, Vec<&Pattern>)| any.iter().any(|pattern| terms.has(field, pattern));
        self.covers(time) && self.groups().into_iter().all(has)
    }
}

/// As it is read again. Its fields in order, so that one filter has one text.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = |pattern: &Pattern| {
            let star = if pattern.open { "*" } else { "" };
            let bare = |c: char| !c.is_whitespace() && c != '"';
            match pattern.text.chars().all(bare) && (pattern.open || !pattern.text.ends_with('*')) {
                true => format!("{}{star}", pattern.text),
                false => format!("\"{}\"{star}", pattern.text.replace('"', "\"\"")),
            }
        };
        let mut parts = Vec::new();
        for (field, values) in &self.fields {
            parts.extend(values.iter().map(|value| format!("{}={}", field.name(), written(value))));
        }
        parts.extend(self.since.map(|since| format!("since={since}")));
        parts.extend(self.until.map(|until| format!("until={until}")));
        parts.extend(self.words.iter().map(written));
        f.write_str(&parts.join(" "))
    }
}
