//! What an upgrade of one installation would do, before it is done.
//!
//! Invariants (MNT-2): an upgrade never grants what was not granted before, unless an admin named it or agreed to it; what the
//! newer release asks for beyond the older one and needs, makes it wait, with words that say for what; what it asks for and
//! can do without is not granted, and it runs; a grant that it no longer asks for falls away; a release that could not start
//! under the grant is not taken.

mod apply;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

pub use apply::Described;
use portcullis_model::{
    catalogue::{Catalogue, WasiImport},
    id::{Digest, InstallationId, PluginId},
    installation::Installation,
    limits::Limits,
    scope::{ScopeError, ScopeText},
    upgrade::UpgradePolicy,
};
use semver::Version;
use serde::Serialize;

use super::{InstallError, within};
use crate::{
    coverage::{Coverage, coverage},
    diff::{Area, Consent, Diff, Side, Which},
    inspect::{Inspection, TRIGGERS},
    manifest::Manifest,
};

/// What an admin agrees to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// To everything that the newer release needs.
    pub everything: bool,
    /// To these scopes, which it can do without.
    pub grant: Vec<ScopeText>,
}

/// What becomes of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// It can be done.
    Apply,
    /// It waits for an admin.
    Wait,
}

/// What an upgrade would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct UpgradePlan {
    /// Of which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// What it runs now.
    pub from: Which,
    /// What it would run.
    pub to: Which,
    /// The digest of the component that it would run.
    pub release: Digest,
    /// What becomes of it.
    pub next: Next,
    /// Whether the installation's policy takes it without an admin, as far as it does not wait.
    pub by_policy: bool,
    /// What an admin has to agree to first.
    pub waits_for: Vec<String>,
    /// All that would be granted.
    pub grant: Vec<ScopeText>,
    /// What of that is granted now for the first time.
    pub added: Vec<ScopeText>,
    /// What is granted and falls away, because the newer release does not ask for it.
    pub dropped: Vec<ScopeText>,
    /// What it asks for newly and can do without: an admin could grant it.
    pub could_grant: Vec<ScopeText>,
    /// What a call may use, and an hour.
    pub limits: Limits,
    /// All that is different.
    pub diff: Diff,
}

/// Plans an upgrade of this installation, which runs `old`, to `new`, whose component has this digest.
///
/// # Errors
/// `new` is another plugin's, or not newer; a scope to grant goes beyond what it asks for.
pub fn plan(
    installation: &Installation,
    old: &Side<'_>,
    new: &Side<'_>,
    component: Digest,
    catalogue: &dyn Catalogue,
    agreed: &Agreed,
) -> Result<UpgradePlan, InstallError> {
    let (was, is) = (old.manifest, new.manifest);
    if is.id != installation.plugin {
        return Err(InstallError::AnotherPlugin { installed: installation.plugin.clone(), other: is.id.clone() });
    }
    let number = installation.number.max(was.release);
    if is.release <= number {
        return Err(InstallError::NotNewer { plugin: is.id.clone(), release: is.release, installed: number });
    }
    let diff = Diff::between(old, new, catalogue)?;
    let Kept { kept, dropped } = kept(&installation.granted, &is.asked(), catalogue)?;
    let mut known = was.required();
    known.extend(installation.granted.iter().cloned());
    let needed = uncovered(&is.required(), &known, catalogue)?;
    let (grant, added) = granted(kept, &needed, agreed, catalogue)?;
    within(&grant, is, catalogue)?;
    let mut waits_for = Vec::new();
    if !agreed.everything {
        waits_for.extend(needed.iter().map(|scope| format!("scopes: requires {scope}")));
        let others = diff.changes.iter().filter(|one| one.consent == Consent::Required && one.area != Area::Scopes);
        waits_for.extend(others.map(ToString::to_string));
    }
    let agreeing: Vec<ScopeText> = grant.iter().chain(&needed).cloned().collect();
    waits_for.extend(unlinked(installation, old.inspection, new.inspection, &agreeing, catalogue));
    let news = uncovered(&is.asked(), &was.asked(), catalogue)?;
    let could_grant = uncovered(&news, &grant, catalogue)?.into_iter().filter(|one| !needed.contains(one)).collect();
    Ok(UpgradePlan {
        installation: installation.id.clone(),
        plugin: is.id.clone(),
        from: was.into(),
        to: is.into(),
        release: component,
        next: if waits_for.is_empty() { Next::Apply } else { Next::Wait },
        by_policy: by_policy(installation, was, is),
        waits_for,
        grant,
        added,
        dropped,
        could_grant,
        limits: limits(installation, was, is, agreed),
        diff,
    })
}

/// What is left of a grant, and what falls away.
pub(super) struct Kept {
    pub(super) kept: Vec<ScopeText>,
    pub(super) dropped: Vec<ScopeText>,
}

/// What of a grant lies within `asked`. A scope of which only a part does is in both lists.
pub(super) fn kept(granted: &[ScopeText], asked: &[ScopeText], catalogue: &dyn Catalogue) -> Result<Kept, ScopeError> {
    let mut all = Kept { kept: Vec::new(), dropped: Vec::new() };
    for scope in granted {
        match coverage(catalogue, scope, asked)? {
            (Coverage::Whole, _) => all.kept.push(scope.clone()),
            (Coverage::Partly, part) => {
                all.kept.extend(part);
                all.dropped.push(scope.clone());
            }
            (Coverage::Not, _) => all.dropped.push(scope.clone()),
        }
    }
    Ok(all)
}

/// Those of `scopes` that the list does not cover as a whole.
fn uncovered(
    scopes: &[ScopeText],
    within: &[ScopeText],
    catalogue: &dyn Catalogue,
) -> Result<Vec<ScopeText>, ScopeError> {
    let mut all = Vec::new();
    for scope in scopes {
        if coverage(catalogue, scope, within)?.0 != Coverage::Whole {
            all.push(scope.clone());
        }
    }
    Ok(all)
}

/// The grant, and what of it is new.
fn granted(
    kept: Vec<ScopeText>,
    needed: &[ScopeText],
    agreed: &Agreed,
    catalogue: &dyn Catalogue,
) -> Result<(Vec<ScopeText>, Vec<ScopeText>), ScopeError> {
    let mut wanted = agreed.grant.clone();
    if agreed.everything {
        wanted.extend(needed.iter().cloned());
    }
    let mut added: Vec<ScopeText> = Vec::new();
    for scope in uncovered(&wanted, &kept, catalogue)? {
        if !added.contains(&scope) {
            added.push(scope);
        }
    }
    let mut grant = Vec::new();
    for scope in kept {
        // What is part of something that is granted now needs no line of its own.
        if coverage(catalogue, &scope, &added)?.0 != Coverage::Whole {
            grant.push(scope);
        }
    }
    grant.extend(added.iter().cloned());
    Ok((grant, added))
}

/// Capabilities that the component imports and cannot start without, as nothing of them is in the grant. Those of which that was so
/// before are left out: there the upgrade makes nothing worse.
fn unlinked(
    installation: &Installation,
    old: &Inspection,
    new: &Inspection,
    grant: &[ScopeText],
    catalogue: &dyn Catalogue,
) -> Vec<String> {
    let lacks = |inspection: &Inspection, grant: &[ScopeText]| -> BTreeSet<String> {
        let has: BTreeSet<&str> = grant.iter().map(ScopeText::capability).collect();
        needs(inspection, catalogue).into_iter().filter(|name| !has.contains(name.as_str())).collect()
    };
    let before = lacks(old, &installation.granted);
    let words = |name: &String| {
        format!(
            "imports: its component does not start without any scope of '{name}'; grant one of those that it asks for"
        )
    };
    lacks(new, grant).difference(&before).map(words).collect()
}

fn needs(inspection: &Inspection, catalogue: &dyn Catalogue) -> BTreeSet<String> {
    let own = inspection.capabilities().into_iter().filter(|name| !TRIGGERS.contains(name)).map(str::to_owned);
    let foreign = inspection.foreign(catalogue).into_iter().filter_map(|(_, meaning)| match meaning {
        Some(WasiImport::Needs(capability)) => Some(capability.to_owned()),
        _ => None,
    });
    own.chain(foreign).collect()
}

/// Whether the policy takes it.
fn by_policy(installation: &Installation, old: &Manifest, new: &Manifest) -> bool {
    if installation.rolled_back.is_some_and(|number| new.release <= number) {
        return false;
    }
    match installation.upgrades {
        UpgradePolicy::Manual => false,
        UpgradePolicy::All => true,
        UpgradePolicy::Patch => {
            let (Ok(old), Ok(new)) = (Version::parse(&old.version), Version::parse(&new.version)) else { return false };
            let same = (old.major, old.minor) == (new.major, new.minor);
            same && new > old && (new.pre.is_empty() || !old.pre.is_empty())
        }
    }
}

/// Limits stay as they are; where an admin agreed to everything, those that nobody had chosen follow the manifest.
fn limits(installation: &Installation, old: &Manifest, new: &Manifest, agreed: &Agreed) -> Limits {
    let mut limits = installation.limits;
    if !agreed.everything {
        return limits;
    }
    let manifests = old.limits.entries().into_iter().zip(new.limits.entries());
    for ((name, own), ((_, before), (_, after))) in installation.limits.entries().into_iter().zip(manifests) {
        if own == before {
            limits.set(name, after);
        }
    }
    limits
}

impl fmt::Display for UpgradePlan {
    /// For a terminal: what would happen, and what an admin has to know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.next {
            Next::Apply => write!(f, "Would run {} instead of {}.", self.to, self.from)?,
            Next::Wait => write!(f, "{} waits for an admin:", self.to)?,
        }
        for why in &self.waits_for {
            write!(f, "\n  {why}")?;
        }
        for (title, scopes) in [
            ("Granted newly:", &self.added),
            ("Falls away, as it is asked for no more:", &self.dropped),
            ("It works without these; they could be granted with --grant:", &self.could_grant),
        ] {
            if !scopes.is_empty() {
                write!(f, "\n{title}")?;
            }
            for scope in scopes {
                write!(f, "\n  {scope}")?;
            }
        }
        Ok(())
    }
}
