//! What capabilities there are, for those who may not know them one by one: the manifest, the install plan, the CLI.

use crate::scope::{Risk, ScopeError, ScopeText};

/// A scope as an admin reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDescription {
    /// What it allows: one clause without a full stop.
    pub words: String,
    /// How much harm it can do.
    pub risk: Risk,
}

/// The list of capabilities, made from the one list in the capabilities crate.
pub trait Catalogue: Send + Sync {
    /// Their names: each is the folder, the WIT file, the scope prefix and the audit name.
    fn names(&self) -> &[&'static str];

    /// Reads a scope and says what it means. Refuses what no capability understands, with the nearest that one would.
    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError>;

    /// What both lists allow, capability by capability.
    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError>;
}
