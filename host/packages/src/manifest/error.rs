//! What can be wrong with a manifest. Every text from the manifest is escaped and cut before it is repeated.

use portcullis_model::{audit::plain, scope::ScopeError};

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
}

impl ManifestError {
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let until = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..until].iter().filter(|byte| **byte == b'\n').count();
        Self::Syntax { line, problem: plain(error.message()) }
    }
}
