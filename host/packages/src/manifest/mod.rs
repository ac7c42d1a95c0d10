//! The manifest, `portcullis.toml`: who publishes what, which scopes it asks for and what for, within which limits.
//!
//! Invariants: every key is known, with a suggestion where one is not; the plugin's id lies below its publisher's; every
//! scope states its purpose (DAT-2); what was read is bound to the digest of its text. A manifest says what a plugin
//! asks for, never what it gets.

mod error;
mod table;

use std::collections::BTreeSet;

pub use error::ManifestError;
use portcullis_model::{
    catalogue::Catalogue,
    id::{Digest, PluginId, PublisherId},
    limits::Limits,
    scope::ScopeText,
};
use serde::Serialize;
use table::Reader;

/// The longest manifest, in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

/// The most scopes that a manifest asks for.
pub const MAX_SCOPES: usize = 64;

const KEYS: &[&str] =
    &["id", "name", "version", "release", "publisher", "summary", "terms", "privacy", "support", "scopes", "limits"];
const SCOPE_KEYS: &[&str] = &["scope", "purpose", "optional"];
const MAX_PURPOSE: usize = 300;

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

/// A manifest that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The digest of the text it was read from, byte for byte.
    pub digest: Digest,
    /// The plugin.
    pub id: PluginId,
    /// Its name, for people.
    pub name: String,
    /// The release's version: semantic, for people.
    pub version: String,
    /// The release's number, from 1: a newer release has a higher one.
    pub release: u64,
    /// Who publishes and signs it.
    pub publisher: PublisherId,
    /// What it does, in one line.
    pub summary: String,
    /// Where its terms are.
    pub terms: String,
    /// Where it says what it does with personal data.
    pub privacy: String,
    /// Where to ask for help: an `https` or `mailto` URL.
    pub support: String,
    /// The scopes it asks for.
    pub scopes: Vec<AskedScope>,
    /// The limits it asks for.
    pub limits: Limits,
}

impl Manifest {
    /// Reads a manifest. The error names the table and the key, and says what to write there.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong(text.len()));
        }
        let root = text.parse::<toml::Table>().map_err(|error| ManifestError::syntax(text, &error))?;
        let top = Reader::new("the manifest", &root);
        top.known(KEYS)?;
        let manifest = Self {
            digest: Digest::of(text.as_bytes()),
            id: top.parsed("id", "com.example.card-guard")?,
            name: top.line("name", "Card Guard", 80)?,
            version: version(&top)?,
            release: top.count("release", "1")?,
            publisher: top.parsed("publisher", "com.example")?,
            summary: top.line("summary", "Hides card numbers in tickets", 200)?,
            terms: top.url("terms", "https://example.com/terms", &["https"])?,
            privacy: top.url("privacy", "https://example.com/privacy", &["https"])?,
            support: top.url("support", "mailto:help@example.com", &["https", "mailto"])?,
            scopes: scopes(&top)?,
            limits: limits(&top)?,
        };
        match manifest.id.as_str().strip_prefix(manifest.publisher.as_str()) {
            Some(rest) if rest.starts_with('.') => Ok(manifest),
            _ => {
                let problem =
                    format!("'{}' must begin with the publisher and a dot: '{}.'", manifest.id, manifest.publisher);
                Err(top.wrong("id", problem))
            }
        }
    }

    /// Checks that every scope is one that this host understands.
    pub fn check(&self, catalogue: &dyn Catalogue) -> Result<(), ManifestError> {
        for (index, asked) in self.scopes.iter().enumerate() {
            catalogue.describe(&asked.scope).map_err(|source| ManifestError::Scope { number: index + 1, source })?;
        }
        Ok(())
    }

    /// All scopes that it asks for.
    pub fn asked(&self) -> Vec<ScopeText> {
        self.scopes.iter().map(|asked| asked.scope.clone()).collect()
    }

    /// Those scopes without which the plugin does not work.
    pub fn required(&self) -> Vec<ScopeText> {
        self.scopes.iter().filter(|asked| !asked.optional).map(|asked| asked.scope.clone()).collect()
    }

    /// The capabilities that its scopes are about.
    pub fn capabilities(&self) -> BTreeSet<&str> {
        self.scopes.iter().map(|asked| asked.scope.capability()).collect()
    }
}

fn version(top: &Reader<'_>) -> Result<String, ManifestError> {
    let text = top.line("version", "1.0.0", 64)?;
    match semver::Version::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(top.wrong("version", format!("'{text}' is not a semantic version such as 1.0.0: {error}"))),
    }
}

fn scopes(top: &Reader<'_>) -> Result<Vec<AskedScope>, ManifestError> {
    let tables = top.tables("scopes")?;
    if tables.len() > MAX_SCOPES {
        return Err(top.wrong("scopes", format!("{} scopes; the most is {MAX_SCOPES}", tables.len())));
    }
    let mut scopes: Vec<AskedScope> = Vec::with_capacity(tables.len());
    for table in tables {
        table.known(SCOPE_KEYS)?;
        let asked = AskedScope {
            scope: table.parsed("scope", "tickets:read fields=subject")?,
            purpose: table.line("purpose", "to find card numbers in subjects", MAX_PURPOSE)?,
            optional: table.flag("optional")?,
        };
        if scopes.iter().any(|other| other.scope == asked.scope) {
            return Err(table.wrong("scope", format!("'{}' is asked for twice; keep one of them", asked.scope)));
        }
        scopes.push(asked);
    }
    Ok(scopes)
}

fn limits(top: &Reader<'_>) -> Result<Limits, ManifestError> {
    let Some(table) = top.table("limits")? else { return Ok(Limits::default()) };
    let names: Vec<&str> = Limits::default().entries().into_iter().map(|(name, _)| name).collect();
    table.known(&names)?;
    for name in table.keys() {
        table.count(name, "100")?;
    }
    table.read()
}

#[cfg(test)]
mod tests;
