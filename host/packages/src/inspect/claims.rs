//! What a manifest says, held against what the component is: for reviewers and admins to read. What must be refused, the check of
//! releases refuses.
//!
//! Invariant: nothing here decides anything; each note can be checked against the import table and the manifest by hand.

use std::{collections::BTreeMap, fmt};

use portcullis_model::{
    catalogue::{Catalogue, Effect, WasiImport},
    scope::ScopeText,
};
use serde::Serialize;

use super::{Authority, Inspection, PACKAGE, TRIGGERS, UNASKED};
use crate::manifest::Manifest;

/// A scope that the manifest asks for and that the component has no use for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverAsked {
    /// The scope.
    pub scope: ScopeText,
    /// What it lacks: a clause with the component as its subject.
    pub why: String,
}

/// A host that a URL in the component's data names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Its name, with the port where one is given.
    pub host: String,
    /// The scope that lets the plugin send there; absent where none does. A link in a message needs none.
    pub covered_by: Option<ScopeText>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Scopes without use.
    pub over_asked: Vec<OverAsked>,
    /// Triggers that it exports and asks for no scope of: it is never called through them.
    pub never_called: Vec<&'static str>,
    /// Interfaces of WASI, by capability, that are a stand-in since nothing of that capability is asked for.
    pub stand_ins: BTreeMap<&'static str, Vec<String>>,
    /// Hosts in its data.
    pub hosts: Vec<Linked>,
}

impl Claims {
    /// Holds a manifest against a component.
    pub fn of(manifest: &Manifest, inspection: &Inspection, catalogue: &dyn Catalogue) -> Self {
        let authority = Authority::of(inspection, catalogue);
        let asked = manifest.capabilities();
        let never = authority.triggers.iter().copied().filter(|name| !asked.contains(name) && !UNASKED.contains(name));
        Self {
            over_asked: over_asked(manifest, inspection, &authority, catalogue),
            never_called: never.collect(),
            stand_ins: stand_ins(manifest, inspection, catalogue),
            hosts: hosts(manifest, inspection, catalogue),
        }
    }

    /// The same as sentences without full stops, the component as their subject.
    pub fn notes(&self) -> Vec<String> {
        let over = self.over_asked.iter().map(ToString::to_string);
        let never = self.never_called.iter();
        let never =
            never.map(|name| format!("exports {PACKAGE}/{name}, but asks for no scope of it: it is never called"));
        let stand_ins = self.stand_ins.iter().map(|(capability, imports)| {
            let imports = imports.join(", ");
            format!("imports {imports}, but asks for no scope of {capability}: it gets a stand-in that tells and keeps nothing")
        });
        over.chain(never).chain(stand_ins).chain(self.uncovered()).collect()
    }

    fn uncovered(&self) -> Option<String> {
        let hosts = self.hosts.iter().filter(|one| one.covered_by.is_none()).map(|one| one.host.as_str());
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        (!hosts.is_empty()).then(|| {
            format!("has URLs in its data to hosts that it asks for no scope of: {hosts}; links are harmless, requests are refused")
        })
    }
}

impl fmt::Display for OverAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asks for {}:{}, but {}", self.scope.capability(), self.scope.action(), self.why)
    }
}

fn over_asked(
    manifest: &Manifest,
    inspection: &Inspection,
    authority: &Authority,
    catalogue: &dyn Catalogue,
) -> Vec<OverAsked> {
    let imported = inspection.usable(catalogue);
    let why = |scope: &ScopeText| {
        let (name, action) = (scope.capability(), scope.action());
        if TRIGGERS.contains(&name) {
            let exported = authority.triggers.contains(&name);
            return (!exported).then(|| format!("exports no {PACKAGE}/{name}: it cannot be called for them"));
        }
        let shown = !authority.triggers.is_empty()
            && catalogue.interface(name).is_some_and(|interface| interface.in_events.contains(&action));
        if authority.needs(name, action) || shown {
            return None;
        }
        Some(match imported.contains(name) {
            true => format!("imports no function that needs {name}:{action}: it asks for more than it uses"),
            false => format!("does not import {PACKAGE}/{name}: it asks for more than it uses"),
        })
    };
    let asked = manifest.scopes.iter().map(|asked| &asked.scope);
    asked.filter_map(|scope| Some(OverAsked { scope: scope.clone(), why: why(scope)? })).collect()
}

/// What it will find to be less than its makers may think.
fn stand_ins(
    manifest: &Manifest,
    inspection: &Inspection,
    catalogue: &dyn Catalogue,
) -> BTreeMap<&'static str, Vec<String>> {
    let asked = manifest.capabilities();
    let mut all: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (name, meaning) in inspection.foreign(catalogue) {
        if let Some(WasiImport::VirtualUnless(capability)) = meaning
            && !asked.contains(capability)
        {
            all.entry(capability).or_default().push(name.to_owned());
        }
    }
    all
}

fn hosts(manifest: &Manifest, inspection: &Inspection, catalogue: &dyn Catalogue) -> Vec<Linked> {
    let sends = |scope: &&ScopeText| {
        let abilities = catalogue.interface(scope.capability()).map_or(&[][..], |interface| interface.abilities);
        abilities.iter().any(|one| one.effect == Effect::Sends && one.actions.contains(&scope.action()))
    };
    let scopes: Vec<&ScopeText> = manifest.scopes.iter().map(|asked| &asked.scope).filter(sends).collect();
    let linked = |host: &String| {
        let covers = |scope: &&&ScopeText| scope.values("to").iter().any(|to| names(to, host));
        Linked { host: host.clone(), covered_by: scopes.iter().find(covers).map(|scope| (**scope).clone()) }
    };
    inspection.hosts.iter().map(linked).collect()
}

/// Whether a scope's target, such as `https://*.example.com:8443/x/*`, is on this host.
fn names(to: &str, host: &str) -> bool {
    let to = to.strip_prefix("https://").unwrap_or(to);
    let target = to.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let plain = |name: &str| name.strip_suffix(":443").unwrap_or(name).to_owned();
    let (target, host) = (plain(&target), plain(host));
    match target.strip_prefix("*.") {
        None => target == host,
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest == domain),
    }
}
