//! What a release asks for, held against what the one before asked for.
//!
//! Invariant: a scope is wider exactly where what the older manifest asks for does not cover all of it.

use portcullis_model::{
    catalogue::Catalogue,
    scope::{Risk, ScopeError, ScopeText},
};

use super::{Area, Change, Consent, Effect};
use crate::{
    coverage::{Coverage, coverage},
    manifest::{AskedScope, Manifest},
};

pub(super) fn changes(old: &Manifest, new: &Manifest, catalogue: &dyn Catalogue) -> Result<Vec<Change>, ScopeError> {
    let (was, is) = (old.asked(), new.asked());
    let mut changes = Vec::new();
    for asked in &new.scopes {
        changes.extend(newer(asked, old, &was, catalogue)?);
    }
    for asked in &old.scopes {
        let (left, kept) = coverage(catalogue, &asked.scope, &is)?;
        let change = match left {
            Coverage::Whole => continue,
            Coverage::Partly => {
                Change::new(Area::Scopes, Effect::Narrower, "asks for less of it").from(&asked.scope).to(texts(&kept))
            }
            Coverage::Not => Change::new(Area::Scopes, Effect::Narrower, "no longer asks").from(&asked.scope),
        };
        changes.push(change);
    }
    Ok(changes)
}

fn newer(
    asked: &AskedScope,
    old: &Manifest,
    was: &[ScopeText],
    catalogue: &dyn Catalogue,
) -> Result<Option<Change>, ScopeError> {
    let consent = if asked.optional { Consent::Optional } else { Consent::Required };
    let wider = |what: String| Change::new(Area::Scopes, Effect::Wider, what).needs(consent);
    let (before, covered) = coverage(catalogue, &asked.scope, was)?;
    let words = || words(asked, catalogue);
    Ok(match before {
        Coverage::Not => Some(wider(format!("asks for {}", words()?)).to(&asked.scope)),
        Coverage::Partly => Some(wider(format!("asks for more: {}", words()?)).from(texts(&covered)).to(&asked.scope)),
        Coverage::Whole
            if !asked.optional && coverage(catalogue, &asked.scope, &old.required())?.0 != Coverage::Whole =>
        {
            Some(wider("requires what was optional".to_owned()).to(&asked.scope))
        }
        Coverage::Whole => reworded(asked, old),
    })
}

/// The same scope with another purpose (DAT-2), or one that is optional now.
fn reworded(asked: &AskedScope, old: &Manifest) -> Option<Change> {
    let before = old.scopes.iter().find(|one| one.scope == asked.scope)?;
    if before.purpose != asked.purpose {
        let what = format!("another purpose of '{}'", asked.scope);
        return Some(Change::new(Area::Scopes, Effect::Other, what).from(&before.purpose).to(&asked.purpose));
    }
    let relaxed = asked.optional && !before.optional;
    relaxed.then(|| Change::new(Area::Scopes, Effect::Narrower, "is optional now").to(&asked.scope))
}

/// What a scope allows, with its risk.
fn words(asked: &AskedScope, catalogue: &dyn Catalogue) -> Result<String, ScopeError> {
    let descriptions = catalogue.describe(&asked.scope)?;
    let risk = match descriptions.iter().map(|one| one.risk).max().unwrap_or(Risk::High) {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    };
    let words: Vec<String> = descriptions.into_iter().map(|one| one.words).collect();
    Ok(format!("what {} ({risk} risk), {}", words.join("; "), asked.purpose))
}

fn texts(scopes: &[ScopeText]) -> String {
    scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
