//! What capabilities there are, for those who may not know them one by one: the manifest, the install plan, the CLI.

use serde::Serialize;

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

/// What an ability does beyond the call, where that counts across capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It tells the plugin something, or nothing that lasts.
    Tells,
    /// It changes records of the help desk.
    Changes,
    /// It stores something that a later call can read back.
    Keeps,
    /// It sends data away from the platform.
    Sends,
}

/// Something that a capability's functions are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ability {
    /// What goes after "can" and "cannot": `delete tickets`.
    pub words: &'static str,
    /// Functions that can each do it, or a part of it, in the component model's spelling: `delete`, `[method]bucket.set`. A
    /// component that imports none of them cannot do it.
    pub functions: &'static [&'static str],
    /// The actions of the capability's scopes that its functions ask for: `delete`.
    pub actions: &'static [&'static str],
    /// What it does beyond the call.
    pub effect: Effect,
}

/// What importing a capability's interface amounts to, function by function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What goes after "can" and "cannot" for all of it: `look up or change tickets`.
    pub words: &'static str,
    /// All that its functions are for.
    pub abilities: &'static [Ability],
    /// Functions that the others need and that do nothing by themselves.
    pub openers: &'static [&'static str],
    /// Interfaces and packages of WASI that are another way to all of its abilities: `wasi:http`, `wasi:cli/stdout`.
    pub also: &'static [&'static str],
    /// Actions of its scopes that also decide what an event shows, whatever is imported.
    pub in_events: &'static [&'static str],
}

impl Interface {
    /// Whether this import, by its full name such as `wasi:http/types@0.2.6`, is another way to it.
    pub fn is_also(&self, import: &str) -> bool {
        let name = import.split_once('@').map_or(import, |(name, _)| name);
        let is = |way: &&str| name.strip_prefix(*way).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.also.iter().any(is)
    }
}

/// The list of capabilities, made from the one list in the capabilities crate.
pub trait Catalogue: Send + Sync {
    /// Their names: each is the folder, the WIT file, the scope prefix and the audit name.
    fn names(&self) -> &[&'static str];

    /// Reads a scope and says what it means. Refuses what no capability understands, with the nearest that one would.
    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError>;

    /// What importing the capability of this name amounts to; none where there is no such capability.
    fn interface(&self, capability: &str) -> Option<&'static Interface>;

    /// What this host makes of the import of a foreign interface by its full name, such as `wasi:io/poll@0.2.3`. `None`: it
    /// does not offer it, and refuses the component.
    fn wasi(&self, import: &str) -> Option<WasiImport>;

    /// What becomes of a scope in these layers.
    fn standing(&self, layers: &[(Layer, Vec<ScopeText>)], wanted: &ScopeText) -> Result<Standing, ScopeError>;

    /// What both lists allow, capability by capability.
    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError>;
}
