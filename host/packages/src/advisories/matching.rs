//! Which dependencies advisories are about.

use std::collections::BTreeSet;

use portcullis_model::review::{self, Vulnerability};
use serde::Serialize;

use super::{
    Advisory, Affected, Database, Rating, Severity,
    version::{Verdict, within},
};
use crate::inspect::{
    Inspection,
    dependencies::{Dependency, Ecosystem, Source},
};

/// An advisory about a dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where the dependency is published.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// Whether it only took part in building.
    pub build_only: bool,
    /// The advisory's id.
    pub id: String,
    /// Other ids of it.
    pub aliases: BTreeSet<String>,
    /// What it is about.
    pub summary: String,
    /// How bad it is, where that is given.
    pub severity: Option<Severity>,
    /// That it is a piece of news rather than a vulnerability: `unmaintained`, `unsound`, `notice`.
    pub informational: Option<String>,
    /// The first later version that is said to be fixed.
    pub fixed: Option<String>,
    /// False where the versions could not be compared: it may be affected.
    pub certain: bool,
}

impl Finding {
    /// Whether it is a vulnerability, and surely of this version.
    pub fn is_vulnerability(&self) -> bool {
        self.certain && self.informational.is_none()
    }

    /// How bad it is, where that is known.
    pub fn rating(&self) -> Option<Rating> {
        self.severity.as_ref().and_then(|severity| severity.rating)
    }

    /// Joins two advisories about the same thing of the same dependency: the first one's words, and all that either knows.
    fn join(&mut self, other: Self) {
        self.aliases.insert(other.id);
        self.aliases.extend(other.aliases);
        self.aliases.remove(&self.id);
        self.certain |= other.certain;
        if other.severity.as_ref().and_then(|one| one.rating) > self.rating() {
            self.severity = other.severity;
        }
        if other.informational.is_none() {
            self.informational = None;
        }
        self.fixed = self.fixed.take().or(other.fixed);
    }
}

impl From<Finding> for Vulnerability {
    /// What is kept of it when listed releases are looked at again.
    fn from(one: Finding) -> Self {
        let severity = match one.rating() {
            None | Some(Rating::None) => review::Severity::Unknown,
            Some(Rating::Low) => review::Severity::Low,
            Some(Rating::Medium) => review::Severity::Medium,
            Some(Rating::High) => review::Severity::High,
            Some(Rating::Critical) => review::Severity::Critical,
        };
        let news = one.informational.map(|news| format!("{news}: ")).unwrap_or_default();
        Self {
            advisory: one.id,
            dependency: one.name,
            version: one.version.unwrap_or_else(|| "?".to_owned()),
            severity,
            summary: format!("{news}{}", one.summary),
            fixed: one.fixed,
            certain: one.certain,
        }
    }
}

impl Database {
    /// What it knows about a component, from its bytes; an error says why nothing can be said.
    pub fn look(&self, component: &[u8]) -> Result<Vec<Vulnerability>, String> {
        let inspection = Inspection::of(component).map_err(|error| error.to_string())?;
        Ok(self.matches(&inspection.dependencies).into_iter().map(Vulnerability::from).collect())
    }

    /// All that it knows about these dependencies, in their order. What was taken from a maker's own disk is no published package,
    /// whatever it is called.
    pub fn matches(&self, dependencies: &[Dependency]) -> Vec<Finding> {
        let published = dependencies.iter().filter(|one| !one.root && one.source != Source::Local);
        published.flat_map(|one| self.of_one(one)).collect()
    }

    fn of_one(&self, dependency: &Dependency) -> Vec<Finding> {
        let mut all: Vec<Finding> = Vec::new();
        for (advisory, affected) in self.about(dependency.ecosystem, &dependency.name) {
            let Some(found) = finding(advisory, affected, dependency) else { continue };
            let same = |one: &Finding| {
                one.id == found.id || one.aliases.contains(&found.id) || found.aliases.contains(&one.id)
            };
            match all.iter_mut().find(|one| same(one)) {
                Some(known) => known.join(found),
                None => all.push(found),
            }
        }
        all
    }
}

fn finding(advisory: &Advisory, affected: &Affected, dependency: &Dependency) -> Option<Finding> {
    let version = dependency.version.as_deref();
    let (verdict, fixed) = verdict(affected, dependency.ecosystem, version);
    (verdict != Verdict::No).then(|| Finding {
        ecosystem: dependency.ecosystem,
        name: dependency.name.clone(),
        version: dependency.version.clone(),
        build_only: dependency.build_only,
        id: advisory.id.clone(),
        aliases: advisory.aliases.clone(),
        summary: advisory.summary.clone(),
        severity: advisory.severity.clone(),
        informational: affected.informational.clone(),
        fixed,
        certain: verdict == Verdict::Yes,
    })
}

/// Affected where it is named, or lies in any of the ranges. A record that says neither is about all versions.
fn verdict(affected: &Affected, ecosystem: Ecosystem, version: Option<&str>) -> (Verdict, Option<String>) {
    if affected.by_commits {
        return (Verdict::Unclear, None);
    }
    if affected.versions.is_empty() && affected.ranges.is_empty() {
        return (Verdict::Yes, None);
    }
    let ranges = affected.ranges.iter().map(|range| within(ecosystem, range, version));
    let best = ranges.max_by_key(|(verdict, _)| *verdict).unwrap_or((Verdict::No, None));
    match version {
        Some(version) if affected.versions.contains(version) => (Verdict::Yes, best.1),
        None => (Verdict::Unclear, None),
        Some(_) => best,
    }
}
