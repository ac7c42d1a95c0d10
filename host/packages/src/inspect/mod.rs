//! What a component is and can do, derived from its bytes: imports are the permission list (idea 4).
//!
//! A plugin built against another version of `portcullis:plugin`, or with features of WebAssembly that this host does not
//! run (threads, garbage collection, exceptions, 64-bit memories, component-model async), is refused here, with what to do
//! about it.
//!
//! Invariants: nothing here trusts what a component says about itself, except `producers`, `languages`, `urls`, `hosts` and
//! `dependencies`, which are hints for a reader and decide nothing; an import that is not an instance of `portcullis:plugin` is foreign; all of it
//! follows from the bytes alone, so that two inspections of the same bytes are equal.

mod authority;
mod claims;
pub mod dependencies;
mod error;
mod languages;
mod parts;
pub mod secrets;
mod types;
mod urls;
mod walk;

use std::collections::BTreeSet;

pub(crate) use authority::unknown_functions;
pub use authority::{Authority, Use};
pub use claims::{Claims, Linked, OverAsked};
use dependencies::Dependency;
pub use error::InspectError;
pub use parts::{CustomSection, Extent, Extern, Language, Producer};
use portcullis_model::{
    catalogue::{Catalogue, WasiImport},
    id::Digest,
};
use secrets::Finding;
use serde::Serialize;
pub use types::MAX_FUNCTIONS_NAMED;
use wasmparser::{Parser, Validator, WasmFeatures};

/// The largest component, in bytes.
pub const MAX_COMPONENT: usize = 32 * 1024 * 1024;

/// The most functions of a component, all of its modules together: the largest language runtime that was measured has a tenth
/// of them (INC-6).
pub const MAX_FUNCTIONS: u64 = 50_000;

/// The version of `portcullis:plugin` that this host speaks.
pub const PLUGIN_VERSION: &str = "0.1.0";

/// Interfaces that a plugin exports to be called through. Scopes of the same name say when; they are never imports.
pub const TRIGGERS: &[&str] = &["events", "privacy"];

/// Those of them that are called whether or not a scope says so: to answer a data subject is a duty (DAT-9).
pub const UNASKED: &[&str] = &["privacy"];

/// The interface of shared types: importing it allows nothing.
const TYPES: &str = "types";
const PACKAGE: &str = "portcullis:plugin";

/// The kind of an import or export that is an interface.
const INTERFACE: &str = "instance";

/// The WebAssembly that this host runs: 2.0 with extended constant expressions, in components.
pub const FEATURES: WasmFeatures =
    // Without references to the host's own objects, which the engine would refuse at the first call.
    WasmFeatures::WASM2
        .difference(WasmFeatures::GC_TYPES)
        .union(WasmFeatures::EXTENDED_CONST)
        .union(WasmFeatures::COMPONENT_MODEL);

/// What was found in a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The digest of its bytes: what the release is.
    pub digest: Digest,
    /// In bytes.
    pub size: usize,
    /// What it imports.
    pub imports: Vec<Extern>,
    /// What it exports.
    pub exports: Vec<Extern>,
    /// The WIT packages that it was made for, with their versions: `portcullis:plugin@0.1.0`.
    pub packages: Vec<String>,
    /// Core modules in it, nested ones included.
    pub core_modules: u32,
    /// How deep components lie in it: 0 where there is none but itself.
    pub depth: u32,
    /// Functions that its core modules define.
    pub functions: u64,
    /// The memories that its core modules define.
    pub memories: Vec<Extent>,
    /// The tables that its core modules define.
    pub tables: Vec<Extent>,
    /// Core modules that run code when they are instantiated, before any handler is called.
    pub start_functions: u32,
    /// Bytes that its core modules put into memories: constants, texts, embedded files.
    pub data_bytes: u64,
    /// Sections that no engine reads, nested ones included: at most 200.
    pub custom_sections: Vec<CustomSection>,
    /// Who says to have made it: at most 50.
    pub producers: Vec<Producer>,
    /// The languages that it seems to be written in: a hint.
    pub languages: Vec<Language>,
    /// URLs in its data, at most 50: a hint, neither complete nor exact.
    pub urls: Vec<String>,
    /// Hosts that URLs in its data name, with the port where one is given, at most 100: a hint likewise.
    pub hosts: Vec<String>,
    /// The packages that it was made of, as far as its maker's tools wrote that down: a hint, seldom complete.
    pub dependencies: Vec<Dependency>,
    /// What of that could not be read.
    pub dependency_notes: Vec<String>,
    /// What looks like a secret, anywhere in its bytes (MNT-4): a release that has one is refused.
    pub secrets: Vec<Finding>,
}

impl Inspection {
    /// What there is before anything was found.
    fn empty() -> Self {
        Self {
            digest: Digest::of(&[]),
            size: 0,
            imports: Vec::new(),
            exports: Vec::new(),
            packages: Vec::new(),
            core_modules: 0,
            depth: 0,
            functions: 0,
            memories: Vec::new(),
            tables: Vec::new(),
            start_functions: 0,
            data_bytes: 0,
            custom_sections: Vec::new(),
            producers: Vec::new(),
            languages: Vec::new(),
            urls: Vec::new(),
            hosts: Vec::new(),
            dependencies: Vec::new(),
            dependency_notes: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// Validates a component and derives what it is.
    pub fn of(bytes: &[u8]) -> Result<Self, InspectError> {
        if bytes.len() > MAX_COMPONENT {
            return Err(InspectError::TooLarge(bytes.len()));
        }
        if Parser::is_core_wasm(bytes) {
            return Err(InspectError::CoreModule);
        }
        if !Parser::is_component(bytes) {
            return Err(InspectError::NotWasm);
        }
        let types = Validator::new_with_features(FEATURES).validate_all(bytes).map_err(InspectError::invalid)?;
        let inspection = walk::walk(bytes, &types)?;
        inspection.check_versions()?;
        Ok(Self { secrets: secrets::scan(bytes)?, ..inspection })
    }

    /// The capabilities that it imports: the interfaces of `portcullis:plugin`, less the shared types.
    pub fn capabilities(&self) -> BTreeSet<&str> {
        self.imports.iter().filter_map(own).filter(|name| *name != TYPES).collect()
    }

    /// What it imports that is no interface of `portcullis:plugin`.
    pub fn foreign_imports(&self) -> Vec<&str> {
        self.imports.iter().filter(|import| own(import).is_none()).map(|import| import.name.as_str()).collect()
    }

    /// The same, each with what this host makes of it: `None` where it does not offer that, as with whatever is no interface.
    pub fn foreign(&self, catalogue: &dyn Catalogue) -> Vec<(&str, Option<WasiImport>)> {
        let meaning = |import: &Extern| catalogue.wasi(&import.name).filter(|_| import.kind == INTERFACE);
        let foreign = self.imports.iter().filter(|import| own(import).is_none());
        foreign.map(|import| (import.name.as_str(), meaning(import))).collect()
    }

    /// The capabilities that it can use, if they are granted: those that it imports, and those that it imports another way to.
    pub fn usable(&self, catalogue: &dyn Catalogue) -> BTreeSet<&str> {
        let others = self.foreign(catalogue).into_iter().filter_map(|(_, meaning)| meaning?.capability());
        self.capabilities().into_iter().chain(others).collect()
    }

    /// The triggers that it can be called through.
    pub fn triggers(&self) -> BTreeSet<&str> {
        self.exports.iter().filter_map(own).filter(|name| TRIGGERS.contains(name)).collect()
    }

    /// What its imports amount to.
    pub fn authority(&self, catalogue: &dyn Catalogue) -> Authority {
        Authority::of(self, catalogue)
    }

    /// What it cannot do at all, whoever grants it: whole sentences without a full stop.
    pub fn cannot(&self, catalogue: &dyn Catalogue) -> Vec<String> {
        self.authority(catalogue).cannot
    }

    fn check_versions(&self) -> Result<(), InspectError> {
        for name in self.imports.iter().chain(&self.exports).map(|one| one.name.as_str()) {
            let Some(rest) = name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/')) else { continue };
            match rest.split_once('@') {
                Some((_, PLUGIN_VERSION)) => {}
                Some((_, version)) => return Err(InspectError::Version(Some(version.to_owned()))),
                None => return Err(InspectError::Version(None)),
            }
        }
        Ok(())
    }
}

/// The interface's own name, where this is an instance of `portcullis:plugin` in the version that the host speaks.
fn own(item: &Extern) -> Option<&str> {
    let (name, version) = item.name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    (item.kind == INTERFACE && version == PLUGIN_VERSION).then_some(name)
}

#[cfg(test)]
mod authority_test;
#[cfg(test)]
mod tests;
