//! What is different between two releases of a plugin: one list, for a reviewer, for an admin and for the plan of an upgrade.
//!
//! Scopes are compared by what they allow (the catalogue's meet) and not by their text; what a publisher states is compared by
//! what it would let happen: another region, another company, another class of data, a longer time is more.
//!
//! Invariants: what is wider comes first; a change that needs somebody's consent says so ([`Consent`]); every text in it is
//! fit for a terminal and a log; two equal sides have no changes.

mod behaviour;
mod component;
mod scopes;
mod stated;
#[cfg(test)]
mod tests;

use std::fmt;

use portcullis_model::{
    audit::plain,
    behaviour::Report,
    catalogue::Catalogue,
    id::{Digest, PluginId},
    scope::ScopeError,
};
use serde::Serialize;

use crate::{inspect::Inspection, manifest::Manifest};

/// One of the two releases.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// What its component is.
    pub inspection: &'a Inspection,
    /// What it did in a recording sandbox, where that is known.
    pub behaviour: Option<&'a Report>,
}

impl<'a> Side<'a> {
    /// A release of which the behaviour is not known.
    pub fn new(manifest: &'a Manifest, inspection: &'a Inspection) -> Self {
        Self { manifest, inspection, behaviour: None }
    }
}

/// Which release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Which {
    /// Its version, for people.
    pub version: String,
    /// Its number.
    pub release: u64,
    /// The digest of its manifest.
    pub manifest: Digest,
}

impl From<&Manifest> for Which {
    fn from(manifest: &Manifest) -> Self {
        Self { version: manifest.version.clone(), release: manifest.release, manifest: manifest.digest }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (release {})", self.version, self.release)
    }
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// What it may do.
    Scopes,
    /// Who publishes it.
    Publisher,
    /// Where data goes, and who handles it there.
    Egress,
    /// The classes of data that it touches.
    DataClasses,
    /// Generative AI.
    Ai,
    /// How long data is kept.
    Retention,
    /// What a call and an hour may use.
    Limits,
    /// What its component imports.
    Imports,
    /// What its component exports.
    Exports,
    /// What it did when it was run.
    Behaviour,
    /// What it is made of.
    Dependencies,
    /// When it wants to be called without an event.
    Schedules,
    /// What its publisher promises about upkeep.
    Maintenance,
    /// What its publisher says for people: terms, privacy, support.
    Documents,
    /// What its component is like: its size, code that runs early, URLs in its data.
    Component,
}

impl Area {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scopes => "scopes",
            Self::Publisher => "publisher",
            Self::Egress => "egress",
            Self::DataClasses => "data classes",
            Self::Ai => "AI",
            Self::Retention => "retention",
            Self::Limits => "limits",
            Self::Imports => "imports",
            Self::Exports => "exports",
            Self::Behaviour => "behaviour",
            Self::Dependencies => "dependencies",
            Self::Schedules => "schedules",
            Self::Maintenance => "maintenance",
            Self::Documents => "documents",
            Self::Component => "component",
        }
    }
}

/// Which way it goes. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// More can happen than before.
    Wider,
    /// It is different; more cannot happen by it.
    Other,
    /// Less can happen than before.
    Narrower,
}

/// Whether an admin has to agree (MNT-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Before the new release runs at all.
    Required,
    /// Before it can do this; it runs without.
    Optional,
    /// No.
    None,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Which way it goes.
    pub effect: Effect,
    /// What it is about.
    pub area: Area,
    /// Whether an admin has to agree.
    pub consent: Consent,
    /// What is different, in one clause.
    pub what: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Change {
    fn new(area: Area, effect: Effect, what: impl AsRef<str>) -> Self {
        Self { effect, area, consent: Consent::None, what: plain(what.as_ref()), before: None, after: None }
    }

    /// Something of which there is more now, so that an admin has to agree.
    fn more(area: Area, what: impl AsRef<str>) -> Self {
        Self::new(area, Effect::Wider, what).needs(Consent::Required)
    }

    fn needs(mut self, consent: Consent) -> Self {
        self.consent = consent;
        self
    }

    fn from(mut self, before: impl fmt::Display) -> Self {
        self.before = Some(plain(&before.to_string()));
        self
    }

    fn to(mut self, after: impl fmt::Display) -> Self {
        self.after = Some(plain(&after.to_string()));
        self
    }
}

impl fmt::Display for Change {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.area.name(), self.what)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, ": {before} -> {after}")?,
            (Some(before), None) => write!(f, ": was {before}")?,
            (None, Some(after)) => write!(f, ": {after}")?,
            (None, None) => {}
        }
        match self.consent {
            Consent::Required => f.write_str(" [needs consent]"),
            Consent::Optional => f.write_str(" [optional]"),
            Consent::None => Ok(()),
        }
    }
}

/// All differences between two releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diff {
    /// The plugin, as the new one's manifest has it.
    pub plugin: PluginId,
    /// The older one.
    pub from: Which,
    /// The newer one.
    pub to: Which,
    /// What is different: what is wider first.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Compares two releases.
    ///
    /// # Errors
    /// A scope that no capability of this host understands.
    pub fn between(old: &Side<'_>, new: &Side<'_>, catalogue: &dyn Catalogue) -> Result<Self, ScopeError> {
        let mut changes = scopes::changes(old.manifest, new.manifest, catalogue)?;
        changes.extend(stated::changes(old.manifest, new.manifest));
        changes.extend(component::changes(old, new));
        changes.extend(behaviour::changes(old.behaviour, new.behaviour));
        // Stable: within one area they stay in the order of the manifest.
        changes.sort_by_key(|change| (change.effect, change.consent, change.area));
        let plugin = new.manifest.id.clone();
        Ok(Self { plugin, from: old.manifest.into(), to: new.manifest.into(), changes })
    }

    /// What is wider.
    pub fn wider(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.effect == Effect::Wider)
    }
}

impl fmt::Display for Diff {
    /// For a terminal: a paragraph for each way it goes, what is wider first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.plugin, self.from, self.to)?;
        if self.changes.is_empty() {
            return f.write_str("\nNothing is different.");
        }
        for (effect, title, mark) in [
            (Effect::Wider, "WIDER than before:", '+'),
            (Effect::Other, "Different, and no wider:", '~'),
            (Effect::Narrower, "Narrower than before:", '-'),
        ] {
            let some: Vec<&Change> = self.changes.iter().filter(|change| change.effect == effect).collect();
            if !some.is_empty() {
                write!(f, "\n{title}")?;
            }
            for change in some {
                write!(f, "\n  {mark} {change}")?;
            }
        }
        Ok(())
    }
}
