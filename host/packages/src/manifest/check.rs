//! What a manifest says, held against what its scopes mean to this host.
//!
//! Invariants: every scope is one that the host understands; what a scope touches of personal, health, payment or secret
//! data is declared; every host that a scope sends to is spoken of by one entry, and every entry speaks of such a host.

use std::collections::BTreeSet;

use portcullis_model::{
    catalogue::{Catalogue, ScopeDescription},
    class::Class,
};

use super::{AskedScope, Host, Manifest, ManifestError, list};

/// The classes that a publisher must not be silent about.
pub(super) const SENSITIVE: [Class; 4] = [Class::Personal, Class::Health, Class::Payment, Class::Secret];

/// A scope that was asked for, and what it means.
pub(super) struct Meant<'a> {
    /// Counted from 1.
    number: usize,
    asked: &'a AskedScope,
    pub(super) means: Vec<ScopeDescription>,
}

impl Manifest {
    /// Checks that this host understands every scope, and that data and destinations are declared as the scopes have them.
    pub fn check(&self, catalogue: &dyn Catalogue) -> Result<(), ManifestError> {
        let meant = self.meant(catalogue)?;
        self.check_classes(&meant)?;
        self.check_egress(&meant)
    }

    /// What each scope means, in the manifest's order.
    pub(super) fn meant(&self, catalogue: &dyn Catalogue) -> Result<Vec<Meant<'_>>, ManifestError> {
        let meant = (1..).zip(&self.scopes).map(|(number, asked)| {
            let means = catalogue.describe(&asked.scope);
            let means = means.map_err(|source| ManifestError::Scope { number, source })?;
            Ok(Meant { number, asked, means })
        });
        meant.collect()
    }

    fn check_classes(&self, meant: &[Meant<'_>]) -> Result<(), ManifestError> {
        let found = meant.iter().flat_map(|one| touched(&one.means));
        let needed: BTreeSet<Class> = found.filter(|class| SENSITIVE.contains(class)).collect();
        let all: BTreeSet<Class> = needed.iter().chain(&self.data_classes).copied().collect();
        let undeclared = |one: &Meant<'_>| {
            let class =
                touched(&one.means).find(|class| SENSITIVE.contains(class) && !self.data_classes.contains(class));
            class.map(|class| ManifestError::Undeclared {
                number: one.number,
                scope: one.asked.scope.to_string(),
                class,
                all: list(all.iter().map(|class| format!("\"{class}\""))),
            })
        };
        meant.iter().find_map(undeclared).map_or(Ok(()), Err)
    }

    fn check_egress(&self, meant: &[Meant<'_>]) -> Result<(), ManifestError> {
        let mut reached = vec![false; self.egress.len()];
        for one in meant {
            for destination in one.means.iter().flat_map(|means| &means.destinations) {
                let host: Option<Host> = destination.parse().ok();
                let at = host.and_then(|host| self.egress.iter().position(|entry| entry.host.covers(&host)));
                let Some(at) = at else {
                    return Err(ManifestError::Uncovered {
                        number: one.number,
                        scope: one.asked.scope.to_string(),
                        host: destination.clone(),
                    });
                };
                reached[at] = true;
            }
        }
        match reached.iter().position(|reached| !reached) {
            Some(at) => Err(ManifestError::Unreached { number: at + 1, host: self.egress[at].host.to_string() }),
            None => Ok(()),
        }
    }
}

/// The classes of data that come in by a scope. What goes out by one was read by another.
pub(super) fn touched(means: &[ScopeDescription]) -> impl Iterator<Item = Class> {
    means.iter().filter(|means| means.destinations.is_empty()).flat_map(|means| means.classes.iter().copied())
}
