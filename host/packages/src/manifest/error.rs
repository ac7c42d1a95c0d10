//! What can be wrong with a manifest. Every text from the manifest is escaped and cut before it is repeated.

use portcullis_model::{audit::plain, class::Class, scope::ScopeError};

use super::MAX_MANIFEST;

/// Why a text is not a manifest, and what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ManifestError {
    /// Longer than [`MAX_MANIFEST`]; in bytes.
    #[error("the manifest has {0} bytes; the most is {MAX_MANIFEST}: shorten it")]
    TooLong(usize),
    /// It is not TOML.
    #[error("the manifest is not TOML: line {line}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the TOML parser says.
        problem: String,
    },
    /// A key that nobody knows.
    #[error("{place}: unknown key '{key}'; {hint}")]
    UnknownKey {
        /// The table it is in.
        place: String,
        /// The key.
        key: String,
        /// The nearest known one, or all of them.
        hint: String,
    },
    /// A key that must be there.
    #[error("{place}: '{key}' is missing; add a line such as: {key} = {example}")]
    MissingKey {
        /// The table it should be in.
        place: String,
        /// The key.
        key: String,
        /// A value that would do, as TOML.
        example: String,
    },
    /// A value that will not do.
    #[error("{place}: {key}: {problem}")]
    WrongValue {
        /// The table it is in.
        place: String,
        /// Its key.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A scope that no capability of this host understands.
    #[error("[[scopes]] number {number}: {source}")]
    Scope {
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: ScopeError,
    },
    /// A scope touches data that the manifest is silent about.
    #[error(
        "[[scopes]] number {number}: '{scope}' touches {class} data, which data-classes does not name; write data-classes = \
         [{all}], or ask for less"
    )]
    Undeclared {
        /// Which scope, counted from 1.
        number: usize,
        /// The scope.
        scope: String,
        /// What it touches.
        class: Class,
        /// What would have to be declared, as TOML.
        all: String,
    },
    /// A scope sends to a host that no entry speaks of.
    #[error(
        "[[scopes]] number {number}: '{scope}' sends to {host}, which no [[egress]] speaks of; add one with host = \"{host}\""
    )]
    Uncovered {
        /// Which scope, counted from 1.
        number: usize,
        /// The scope.
        scope: String,
        /// The host.
        host: String,
    },
    /// An entry speaks of a host that no scope sends to.
    #[error(
        "[[egress]] number {number}: host: no scope sends to '{host}'; drop the entry, or ask for a scope that does"
    )]
    Unreached {
        /// Which entry, counted from 1.
        number: usize,
        /// Its host.
        host: String,
    },
}

impl ManifestError {
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let until = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..until].iter().filter(|byte| **byte == b'\n').count();
        Self::Syntax { line, problem: plain(error.message()) }
    }
}
