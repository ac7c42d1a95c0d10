//! What capabilities there are, for those who may not know them one by one: the manifest, the install plan, the CLI.

use crate::{
    authority::{Layer, Standing},
    class::Class,
    scope::{Risk, ScopeError, ScopeText},
};

/// A scope as an admin reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDescription {
    /// What it allows: one clause without a full stop.
    pub words: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// The classes of data that it touches (DAT-1).
    pub classes: Vec<Class>,
    /// The hosts that it can send data to: `api.example.com`, or `*.example.com` for any one label before that. What is sent
    /// there is what other scopes have read, whatever `classes` says.
    pub destinations: Vec<String>,
}

/// What a host makes of an import of WASI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasiImport {
    /// Linked for every plugin, in a form that gives nothing away.
    Virtual,
    /// Linked for every plugin in such a form; the real thing where something of this capability is granted.
    VirtualUnless(&'static str),
    /// Linked only where something of this capability is granted.
    Needs(&'static str),
}

impl WasiImport {
    /// The capability that it is another way to, where it is one.
    pub fn capability(self) -> Option<&'static str> {
        match self {
            Self::Virtual => None,
            Self::VirtualUnless(capability) | Self::Needs(capability) => Some(capability),
        }
    }
}

/// The list of capabilities, made from the one list in the capabilities crate.
pub trait Catalogue: Send + Sync {
    /// Their names: each is the folder, the WIT file, the scope prefix and the audit name.
    fn names(&self) -> &[&'static str];

    /// Reads a scope and says what it means. Refuses what no capability understands, with the nearest that one would.
    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError>;

    /// What this host makes of the import of a foreign interface by its full name, such as `wasi:io/poll@0.2.3`. `None`: it
    /// does not offer it, and refuses the component.
    fn wasi(&self, import: &str) -> Option<WasiImport>;

    /// What becomes of a scope in these layers.
    fn standing(&self, layers: &[(Layer, Vec<ScopeText>)], wanted: &ScopeText) -> Result<Standing, ScopeError>;

    /// What both lists allow, capability by capability.
    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError>;
}
