//! What a component was made of: the packages that its maker's tools wrote into it, and those that leave their names in the data.
//!
//! | language | from | how good |
//! |---|---|---|
//! | Rust | the section `.dep-v0` that `portcullis plugin build` and cargo-auditable write | names, versions, sources and who needs whom; the standard library is not in it |
//! | JavaScript | lock files and paths of bundled modules in the data | what happens to be there; often without versions |
//! | Python | metadata and directory names of distributions in the data | what happens to be there |
//!
//! Invariants: a hint, since the maker writes it and can leave it out: "no dependencies found" never means that there are none. At
//! most [`MAX_DEPENDENCIES`]; what cannot be read is said in `notes`.

mod rust;
mod text;

use portcullis_model::audit::plain;
use serde::Serialize;

use super::InspectError;

pub use rust::{SECTION, compressed};
pub(crate) use text::normal;

/// The most dependencies that are listed.
pub const MAX_DEPENDENCIES: usize = 5_000;

/// Where a package is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Ecosystem {
    /// Rust's.
    #[serde(rename = "crates.io")]
    CratesIo,
    /// JavaScript's.
    #[serde(rename = "npm")]
    Npm,
    /// Python's.
    #[serde(rename = "PyPI")]
    PyPi,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CratesIo, Self::Npm, Self::PyPi];

    /// Its name in OSV records.
    pub fn name(self) -> &'static str {
        match self {
            Self::CratesIo => "crates.io",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
        }
    }
}

/// Where this package was taken from, as far as it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The ecosystem's own registry, or nothing else was said.
    Registry,
    /// Another registry.
    OtherRegistry,
    /// A Git repository.
    Git,
    /// The maker's own disk: code that was never published, or was changed.
    Local,
}

/// What told of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The section `.dep-v0`.
    AuditableSection,
    /// A lock file of npm's form in the data.
    LockFile,
    /// A path of a bundled module in the data.
    ModulePath,
    /// A Python distribution's metadata, or its directory's name.
    DistributionInfo,
}

/// A package that the component was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Dependency {
    /// Where it is published.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Its version; absent where nothing tells.
    pub version: Option<String>,
    /// Where it was taken from.
    pub source: Source,
    /// Whether it only took part in building: a build script's or a macro's.
    pub build_only: bool,
    /// Whether it is the plugin itself.
    pub root: bool,
    /// What told of it.
    pub evidence: Evidence,
    /// What it needs of the others: places in the list, in order.
    pub needs: Vec<usize>,
}

impl Dependency {
    fn found(ecosystem: Ecosystem, name: &str, version: Option<&str>, evidence: Evidence) -> Self {
        Self {
            ecosystem,
            name: plain(name),
            version: version.map(plain),
            source: Source::Registry,
            build_only: false,
            root: false,
            evidence,
            needs: Vec::new(),
        }
    }
}

/// What is found while a component is walked through.
pub(super) struct Finder {
    text: text::Finder,
    found: Vec<Dependency>,
    notes: Vec<String>,
}

impl Finder {
    pub(super) fn new() -> Result<Self, InspectError> {
        Ok(Self { text: text::Finder::new()?, found: Vec::new(), notes: Vec::new() })
    }

    /// Looks through data for names of packages.
    pub(super) fn look(&mut self, data: &[u8]) {
        self.text.look(data);
    }

    /// Reads a custom section, if it is the one that lists dependencies.
    pub(super) fn section(&mut self, name: &str, data: &[u8]) {
        if name != SECTION {
            return;
        }
        match rust::read(data) {
            Ok(list) if self.found.len() + list.len() <= MAX_DEPENDENCIES => self.merge(list),
            Ok(_) => self.note(format!("more than {MAX_DEPENDENCIES} dependencies: the rest is left out")),
            Err(problem) => self.note(format!("the section {SECTION} cannot be read: {problem}")),
        }
    }

    /// Takes in another list, whose `needs` count from its own beginning. The same list twice is one.
    fn merge(&mut self, list: Vec<Dependency>) {
        let first = self.found.len();
        let moved = |one: Dependency| Dependency { needs: one.needs.iter().map(|need| need + first).collect(), ..one };
        let same = |a: &[Dependency], b: &[Dependency]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b);
        if !same(&self.found, &list) {
            self.found.extend(list.into_iter().map(moved));
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// All that was found, and what could not be read.
    pub(super) fn finish(mut self) -> (Vec<Dependency>, Vec<String>) {
        let room = MAX_DEPENDENCIES.saturating_sub(self.found.len());
        let mut texts = self.text.take();
        if texts.len() > room {
            self.note(format!("more than {MAX_DEPENDENCIES} dependencies: the rest is left out"));
        }
        texts.truncate(room);
        self.found.extend(texts);
        (self.found, self.notes)
    }
}

#[cfg(test)]
mod tests;
