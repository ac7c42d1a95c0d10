//! The scopes that a plugin asks for, each with its purpose (DAT-2).
//!
//! Invariant: none is asked for twice, and none without a purpose.

use portcullis_model::scope::ScopeText;
use serde::Serialize;

use super::{
    ManifestError,
    key::{Form, Key, PURPOSE},
    table::Reader,
};

const SCOPE: Key = Key::must(
    "scope",
    Form::Text(r"^\s*[a-z0-9._-]+:[a-z0-9._-]+(\s|$)", 2_048),
    "\"tickets:read fields=subject\"",
    "Which scope: capability:action key=value,value.",
);
const WHY: Key = Key::must(
    "purpose",
    PURPOSE,
    "\"to find card numbers in subjects\"",
    "What the plugin needs it for; admins read it.",
);
const OPTIONAL: Key = Key::may(
    "optional",
    Form::Flag,
    "true",
    "Whether the plugin works without it. What is optional is not granted unless an admin says so.",
);

pub(super) const KEYS: &[Key] = &[SCOPE, WHY, OPTIONAL];

/// A scope that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedScope {
    /// Which scope.
    pub scope: ScopeText,
    /// What the plugin needs it for, in the publisher's words; never empty (DAT-2).
    pub purpose: String,
    /// Whether the plugin works without it.
    pub optional: bool,
}

pub(super) fn read(tables: &[Reader<'_>]) -> Result<Vec<AskedScope>, ManifestError> {
    let mut scopes: Vec<AskedScope> = Vec::with_capacity(tables.len());
    for table in tables {
        let asked =
            AskedScope { scope: table.parsed(&SCOPE)?, purpose: table.line(&WHY)?, optional: table.flag(&OPTIONAL)? };
        if scopes.iter().any(|other| other.scope == asked.scope) {
            return Err(table.wrong(&SCOPE, format!("'{}' is asked for twice; keep one of them", asked.scope)));
        }
        scopes.push(asked);
    }
    Ok(scopes)
}
