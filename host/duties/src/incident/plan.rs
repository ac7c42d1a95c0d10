//! What a containment would do, step by step, before anybody does it (INC-1).
//!
//! Invariant: a plan is made from what is there, and names everything that carrying it out changes; where the subject is one
//! tenant's, nothing in it is another's.

use std::collections::BTreeSet;

use portcullis_model::{
    freeze::Extent,
    id::{InstallationId, TenantId},
    incident::{About, Subject},
    installation::{Installation, InstallationState},
    rotation::Held,
};
use serde::Serialize;

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// What it reaches, in words.
    pub subject: String,
    /// In which tenants.
    pub tenants: Vec<TenantId>,
    /// What would be suspended.
    pub suspend: Vec<InstallationId>,
    /// What does not run already, and would be kept from being resumed.
    pub already: Vec<InstallationId>,
    /// What would be frozen.
    pub freeze: Vec<Extent>,
    /// What would be revoked where it was issued, and minted anew.
    pub rotate: Vec<Extent>,
    /// Which credentials those are.
    pub credentials: Vec<String>,
    /// The installations that hold a credential of the provider that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<InstallationId>,
}

impl Plan {
    /// For this subject, of all installations and all credentials that there are.
    pub fn new(subject: &Subject, installations: &[Installation], held: &[Held]) -> Self {
        let in_tenant = |tenant: &TenantId| subject.tenant.as_ref().is_none_or(|one| one == tenant);
        let holders = match &subject.about {
            About::Provider(provider) => {
                let held =
                    held.iter().filter(|one| one.provider.as_ref() == Some(provider) && in_tenant(&one.item.tenant));
                held.filter_map(|one| one.item.installation.clone()).collect::<BTreeSet<_>>().into_iter().collect()
            }
            _ => Vec::new(),
        };
        let there = installations.iter().filter(|one| !one.is_gone() && subject.reaches(one, &holders));
        let (active, rest): (Vec<_>, Vec<_>) = there.partition(|one| one.state == InstallationState::Active);
        let reached: Vec<&Installation> = active.iter().chain(&rest).copied().collect();
        let freeze: Vec<Extent> = match subject.extent() {
            Some(extent) => vec![extent],
            None => reached.iter().map(|one| Extent::Installation(one.id.clone())).collect(),
        };
        let rotate = match (&subject.about, subject.extent()) {
            (_, Some(extent)) => vec![extent],
            (About::Provider(provider), None) => {
                let held =
                    held.iter().filter(|one| one.provider.as_ref() == Some(provider) && in_tenant(&one.item.tenant));
                held.filter_map(|one| one.item.key()).map(Extent::Connection).collect()
            }
            (_, None) => freeze.clone(),
        };
        let within = |one: &&Held| rotate.iter().any(|extent| one.is_in(extent));
        let credentials: Vec<String> = held.iter().filter(within).map(|one| one.item.to_string()).collect();
        let rotate = if credentials.is_empty() { Vec::new() } else { rotate };
        let rotate = rotate.into_iter().filter(|extent| held.iter().any(|one| one.is_in(extent))).collect();
        let tenants = reached.iter().map(|one| one.tenant.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let ids = |some: Vec<&Installation>| some.into_iter().map(|one| one.id.clone()).collect();
        let subject = subject.to_string();
        Self { subject, tenants, suspend: ids(active), already: ids(rest), freeze, rotate, credentials, holders }
    }

    /// In words, one step a line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Contains {} in {} tenants:", self.subject, self.tenants.len())];
        lines.push(format!(
            "  1 suspend  {} installations ({} do not run already)",
            self.suspend.len(),
            self.already.len()
        ));
        lines.push(format!("  2 freeze   {}", listed(&self.freeze)));
        lines.push(match self.credentials.len() {
            0 => "  3 revoke and rotate: there are no credentials".to_owned(),
            count => format!("  3 revoke and rotate {count} credentials of {}", listed(&self.rotate)),
        });
        lines
            .push("Steps 1 and 2 are one transaction. Nothing of it starts again before somebody lifts it.".to_owned());
        lines
    }
}

/// The first few, and how many more.
fn listed(extents: &[Extent]) -> String {
    const SHOWN: usize = 5;
    let mut words: Vec<String> = extents.iter().take(SHOWN).map(ToString::to_string).collect();
    if let Some(more) = extents.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        words.push(format!("{more} more"));
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
