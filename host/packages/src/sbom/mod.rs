//! What a release was made of as a CycloneDX 1.6 document (<https://cyclonedx.org/docs/1.6/json/>), for tools that read such.
//!
//! It says what [`crate::inspect::dependencies`] found and no more, and says so itself: `compositions` calls it incomplete.
//!
//! Invariant: the same component and manifest give the same bytes: no time and no chance are in it, and the serial number follows
//! from their digests.

mod purl;

use std::collections::BTreeSet;

use portcullis_model::{audit::plain, id::Digest};
pub use purl::purl;
use serde::Serialize;

use crate::{
    inspect::{
        Inspection,
        dependencies::{Dependency, Evidence, Source},
    },
    manifest::Manifest,
};

const PLUGIN: &str = "plugin";

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom {
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Needs>,
    compositions: Vec<Composition>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Metadata {
    lifecycles: Vec<Lifecycle>,
    tools: Tools,
    component: Component,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Needs {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: Vec<&'static str>,
    dependencies: Vec<&'static str>,
}

impl Bom {
    /// The document for a component, and its manifest where it is at hand.
    pub fn of(inspection: &Inspection, manifest: Option<&Manifest>) -> Self {
        let all = &inspection.dependencies;
        let references = references(all);
        let own = |index: usize| references.get(index).cloned().unwrap_or_else(|| PLUGIN.to_owned());
        let components = all.iter().enumerate().filter(|(_, one)| !one.root);
        Self {
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: serial(inspection, manifest),
            version: 1,
            metadata: Metadata {
                lifecycles: vec![Lifecycle { phase: "post-build" }],
                tools: Tools { components: vec![this_host()] },
                component: plugin(inspection, manifest),
            },
            components: components.map(|(index, one)| component(one, own(index))).collect(),
            dependencies: needs(all, &references),
            compositions: vec![Composition {
                aggregate: if all.is_empty() { "unknown" } else { "incomplete" },
                assemblies: vec![PLUGIN],
                dependencies: vec![PLUGIN],
            }],
        }
    }
}

/// What the document calls each dependency; the plugin's own package is the plugin.
fn references(all: &[Dependency]) -> Vec<String> {
    let reference = |(index, one): (usize, &Dependency)| match one.root {
        true => PLUGIN.to_owned(),
        false => format!("{index}:{}/{}@{}", one.ecosystem.name(), one.name, one.version.as_deref().unwrap_or("?")),
    };
    all.iter().enumerate().map(reference).collect()
}

/// Who needs whom. What nobody is known to need, the plugin needs.
fn needs(all: &[Dependency], references: &[String]) -> Vec<Needs> {
    let name = |index: &usize| references.get(*index).cloned();
    let needed: BTreeSet<usize> = all.iter().flat_map(|one| one.needs.iter().copied()).collect();
    let loose = (0..all.len()).filter(|index| !needed.contains(index));
    let roots = all.iter().filter(|one| one.root).flat_map(|one| &one.needs);
    let mut direct: BTreeSet<String> = roots.filter_map(name).chain(loose.filter_map(|index| name(&index))).collect();
    direct.remove(PLUGIN);
    let rest = all.iter().zip(references).filter(|(one, _)| !one.root).map(|(one, reference)| Needs {
        reference: reference.clone(),
        depends_on: one.needs.iter().filter_map(name).filter(|other| other != reference).collect(),
    });
    std::iter::once(Needs { reference: PLUGIN.to_owned(), depends_on: direct }).chain(rest).collect()
}

fn component(one: &Dependency, reference: String) -> Component {
    let source = match one.source {
        Source::Registry => None,
        Source::OtherRegistry => Some("another registry"),
        Source::Git => Some("a Git repository"),
        Source::Local => Some("the maker's disk"),
    };
    let evidence = match one.evidence {
        Evidence::AuditableSection => "the section .dep-v0",
        Evidence::LockFile => "a lock file in the data",
        Evidence::ModulePath => "a module's path in the data",
        Evidence::DistributionInfo => "a distribution's metadata in the data",
    };
    let property = |name, value: &str| Property { name, value: value.to_owned() };
    let properties = source.map(|source| property("portcullis:source", source));
    Component {
        kind: "library",
        reference: Some(reference),
        name: one.name.clone(),
        version: one.version.clone(),
        scope: Some(if one.build_only { "excluded" } else { "required" }),
        purl: purl(one),
        properties: properties.into_iter().chain([property("portcullis:evidence", evidence)]).collect(),
        ..Component::default()
    }
}

fn plugin(inspection: &Inspection, manifest: Option<&Manifest>) -> Component {
    let root = inspection.dependencies.iter().find(|one| one.root);
    let name = manifest.map(|one| one.id.to_string()).or_else(|| root.map(|one| one.name.clone()));
    Component {
        kind: "application",
        reference: Some(PLUGIN.to_owned()),
        publisher: manifest.map(|one| one.publisher.to_string()),
        name: name.unwrap_or_else(|| "plugin.wasm".to_owned()),
        version: manifest.map(|one| one.version.clone()).or_else(|| root.and_then(|one| one.version.clone())),
        description: manifest.map(|one| plain(&one.summary)),
        hashes: vec![Hash { alg: "SHA-256", content: inspection.digest.hex() }],
        ..Component::default()
    }
}

fn this_host() -> Component {
    Component {
        kind: "application",
        name: "portcullis".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Component::default()
    }
}

/// A UUID of version 8 (RFC 9562, section 5.8) from the digests of component and manifest.
fn serial(inspection: &Inspection, manifest: Option<&Manifest>) -> String {
    let manifest = manifest.map(|one| one.digest.to_string()).unwrap_or_default();
    let digits = Digest::of(format!("{} {manifest}", inspection.digest).as_bytes()).hex();
    // The variant is `10` in binary: its digit is one of 8, 9, a and b.
    let variant = ["8", "9", "a", "b"][usize::from(digits.as_bytes()[16]) % 4];
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..32]);
    format!("urn:uuid:{a}-{b}-8{c}-{variant}{d}-{e}")
}

#[cfg(test)]
mod tests;
