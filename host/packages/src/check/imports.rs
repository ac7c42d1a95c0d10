//! What a component imports, held against the manifest and the host.

use portcullis_model::catalogue::WasiImport;

use super::Rules;
use crate::{
    inspect::{Inspection, TRIGGERS, unknown_functions},
    manifest::Manifest,
};

/// The imports for which a component is refused.
pub(crate) struct Imports {
    /// Not ours, and not offered by this host: full names.
    pub(crate) foreign: Vec<String>,
    /// Ours, and no capability of this host, or no function of one.
    pub(crate) unknown: Vec<String>,
    /// Of capabilities that the manifest does not ask for.
    pub(crate) unasked: Vec<String>,
}

impl Imports {
    pub(crate) fn of(inspection: &Inspection, manifest: &Manifest, rules: Rules<'_>) -> Self {
        let known = |name: &str| rules.catalogue.names().contains(&name) && !TRIGGERS.contains(&name);
        let (ours, unknown): (Vec<&str>, Vec<&str>) =
            inspection.capabilities().into_iter().partition(|name| known(name));
        let asked = manifest.capabilities();
        let full = |name: &str| format!("portcullis:plugin/{name}");
        let unknown = unknown.into_iter().map(full).chain(unknown_functions(inspection, rules.catalogue));
        let mut found = Self {
            foreign: Vec::new(),
            unknown: unknown.collect(),
            unasked: ours.into_iter().filter(|name| !asked.contains(name)).map(full).collect(),
        };
        for (name, meaning) in inspection.foreign(rules.catalogue) {
            match meaning {
                None => found.foreign.push(name.to_owned()),
                Some(WasiImport::Needs(capability)) if !known(capability) => found.foreign.push(name.to_owned()),
                Some(WasiImport::Needs(capability)) if !asked.contains(capability) => {
                    found.unasked.push(format!("{name} (the capability {capability})"));
                }
                Some(WasiImport::Needs(_) | WasiImport::VirtualUnless(_) | WasiImport::Virtual) => {}
            }
        }
        found
    }
}
