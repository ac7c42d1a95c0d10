//! What a key of the manifest is called and what its value looks like: the one table that reads it, and that its JSON
//! schema is made from.
//!
//! Invariant: the schema of a key accepts every value that reading it accepts. What hangs on more than one key is said by
//! reading alone.

use serde_json::Value;

/// A key, and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) form: Form,
    /// Whether it must be there.
    pub(super) must: bool,
    /// A value that would do, as TOML; empty for tables.
    pub(super) example: &'static str,
    /// What it says, for those who write it.
    pub(super) says: &'static str,
    /// What its schema says beside that: how the keys of its table hang together.
    pub(super) rule: Option<fn() -> Value>,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// One plain line of at most so many characters.
    Line(usize),
    /// One plain line with an absolute URL of one of these schemes.
    Url(&'static [&'static str]),
    /// A text of this pattern (ECMA 262), of at most so many characters, that something is read from.
    Text(&'static str, usize),
    /// A whole number from 1.
    Count,
    /// True or false.
    Flag,
    /// Classes of data, none twice; at least so many.
    Classes(usize),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A list of at most so many tables with these keys.
    Tables(&'static [Key], usize),
    /// A table with the names of the limits.
    Limits,
}

impl Key {
    /// A key that must be there.
    pub(super) const fn must(name: &'static str, form: Form, example: &'static str, says: &'static str) -> Self {
        Self { name, form, must: true, example, says, rule: None }
    }

    /// A key that may be left out.
    pub(super) const fn may(name: &'static str, form: Form, example: &'static str, says: &'static str) -> Self {
        Self { name, form, must: false, example, says, rule: None }
    }

    /// The same with a rule for its schema.
    pub(super) const fn with(self, rule: fn() -> Value) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// The example without its quotes.
    pub(super) fn plain_example(&self) -> &'static str {
        self.example.trim_matches('"')
    }

    /// The most characters of its text, or the most tables in its list.
    pub(super) fn most(&self) -> usize {
        match self.form {
            Form::Line(most) | Form::Text(_, most) | Form::Tables(_, most) => most,
            Form::Url(_) => MAX_LINK,
            _ => 0,
        }
    }

    /// The schemes of its URL.
    pub(super) fn schemes(&self) -> &'static [&'static str] {
        if let Form::Url(schemes) = self.form { schemes } else { &[] }
    }

    /// The keys of its table, or of each of its tables.
    pub(super) fn inner(&self) -> &'static [Key] {
        match self.form {
            Form::Table(keys) | Form::Tables(keys, _) => keys,
            _ => &[],
        }
    }
}

/// The most characters of a URL: as many as are shown in full.
const MAX_LINK: usize = 512;

/// Only `https`.
pub(super) const HTTPS: Form = Form::Url(&["https"]);

/// Where somebody can be written to.
pub(super) const CONTACT: Form = Form::Url(&["https", "mailto"]);

/// What for, in the publisher's words.
pub(super) const PURPOSE: Form = Form::Line(300);
