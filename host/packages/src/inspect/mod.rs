//! What a component is and can do, derived from its bytes: imports are the permission list (idea 4).
//!
//! A plugin built against another version of `portcullis:plugin`, or with features of WebAssembly that this host does not
//! run (threads, garbage collection, exceptions, 64-bit memories, component-model async), is refused here, with what to do
//! about it.
//!
//! Invariants: nothing here trusts what a component says about itself, except `producers` and `urls`, which are hints for
//! a reader and decide nothing; an import that is not an instance of `portcullis:plugin` is foreign.

mod error;
mod urls;
mod walk;

use std::collections::BTreeSet;

pub use error::InspectError;
use portcullis_model::catalogue::{Catalogue, WasiImport};
use serde::Serialize;
use wasmparser::{Parser, Validator, WasmFeatures};

/// The largest component, in bytes.
pub const MAX_COMPONENT: usize = 32 * 1024 * 1024;

/// The most functions of a component, all of its modules together: the largest language runtime that was measured has a tenth
/// of them (INC-6).
pub const MAX_FUNCTIONS: u64 = 50_000;

/// The version of `portcullis:plugin` that this host speaks.
pub const PLUGIN_VERSION: &str = "0.1.0";

/// Interfaces that a plugin exports to be called through. Scopes of the same name say when; they are never imports.
pub const TRIGGERS: &[&str] = &["events"];

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

/// Something that a component imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extern {
    /// Its name, such as `portcullis:plugin/tickets@0.1.0`.
    pub name: String,
    /// `instance`, `func`, `type`, `module`, `component` or `value`.
    pub kind: &'static str,
}

/// How large a memory (in pages of 64 KiB) or a table (in elements) is and can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// At the start.
    pub initial: u64,
    /// At most; absent where the component sets no bound of its own.
    pub maximum: Option<u64>,
}

/// A tool that says it took part in making the component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Producer {
    /// `language`, `sdk` or `processed-by`.
    pub role: String,
    /// The tool and its version.
    pub tool: String,
}

/// What was found in a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// In bytes.
    pub size: usize,
    /// What it imports.
    pub imports: Vec<Extern>,
    /// What it exports.
    pub exports: Vec<Extern>,
    /// Core modules in it, nested ones included.
    pub core_modules: u32,
    /// How deep components lie in it: 0 where there is none but itself.
    pub depth: u32,
    /// The memories that its core modules define.
    pub memories: Vec<Extent>,
    /// The tables that its core modules define.
    pub tables: Vec<Extent>,
    /// Core modules that run code when they are instantiated, before any handler is called.
    pub start_functions: u32,
    /// Who says to have made it: at most 50.
    pub producers: Vec<Producer>,
    /// URLs in its data, at most 50: a hint, neither complete nor exact.
    pub urls: Vec<String>,
}

impl Inspection {
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
        Validator::new_with_features(FEATURES).validate_all(bytes).map_err(InspectError::invalid)?;
        let inspection = walk::walk(bytes)?;
        inspection.check_versions()?;
        Ok(inspection)
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

    /// What it cannot do at all, whoever grants it: a sentence for each of the host's capabilities that it has no import for.
    pub fn cannot(&self, catalogue: &dyn Catalogue) -> Vec<String> {
        let imported = self.usable(catalogue);
        let missing = catalogue.names().iter().filter(|name| !imported.contains(**name) && !TRIGGERS.contains(name));
        missing.map(|name| format!("cannot use {name}: the component does not import {PACKAGE}/{name}")).collect()
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
mod tests;
