//! Scopes as text, and what the catalogue makes of them.
//!
//! Input: up to three lines, each a scope.
//!
//! Holds: a scope is read back from its print, and from JSON, as itself; errors are short and readable; the catalogue either
//! refuses a scope in readable words or describes it in readable words; and where it takes them, `meet` is idempotent,
//! commutative, associative, below both sides, and of no more risk and no more classes of data than either; and what the
//! catalogue says becomes of a scope in two layers is their meet.

use std::collections::BTreeSet;

use portcullis_capabilities::Catalogue;
use portcullis_model::{
    authority::Layer,
    catalogue::{Catalogue as _, ScopeDescription},
    class::Class,
    scope::{Risk, ScopeText},
};

use crate::text::assert_readable;

/// The longest error. It may repeat a scope of 2 KiB, and name a word of it once more.
const MAX_ERROR: usize = 16 * 1024;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let scopes: Vec<Vec<ScopeText>> = text.split('\n').take(3).filter_map(read).map(|scope| vec![scope]).collect();
    for scope in &scopes {
        below_itself(scope);
        for other in &scopes {
            pair(scope, other);
            for third in &scopes {
                assert_eq!(meet(&meet(scope, other), third), meet(scope, &meet(other, third)), "associative");
                stands(scope, other, third);
            }
        }
    }
}

/// The scope of a line, where it is one that the catalogue knows.
fn read(line: &str) -> Option<ScopeText> {
    let scope = match line.parse::<ScopeText>() {
        Ok(scope) => scope,
        Err(error) => {
            assert_readable(&error.to_string(), MAX_ERROR, "the error");
            return None;
        }
    };
    let printed = scope.to_string();
    assert_eq!(printed.parse::<ScopeText>().as_ref(), Ok(&scope), "{printed:?} is not read back as itself");
    assert!(printed.len() <= line.len(), "{printed:?} is longer than {line:?}");
    let json = serde_json::to_string(&scope).unwrap_or_else(|e| panic!("{printed:?}: {e}"));
    assert_eq!(serde_json::from_str::<ScopeText>(&json).ok().as_ref(), Some(&scope), "{json}");
    let described = described(&scope)?;
    assert!(!described.is_empty(), "{printed:?} is described in no words");
    Some(scope)
}

fn described(scope: &ScopeText) -> Option<Vec<ScopeDescription>> {
    match Catalogue.describe(scope) {
        Ok(list) => {
            for one in &list {
                assert_readable(&one.words, MAX_ERROR, "the description");
            }
            Some(list)
        }
        Err(error) => {
            assert_readable(&error.to_string(), MAX_ERROR, "the refusal");
            None
        }
    }
}

fn meet(a: &[ScopeText], b: &[ScopeText]) -> Vec<ScopeText> {
    Catalogue.meet(a, b).unwrap_or_else(|e| panic!("{a:?} and {b:?} are described, but do not meet: {e}"))
}

fn risk(scopes: &[ScopeText]) -> Option<Risk> {
    let all = scopes.iter().map(|s| described(s).unwrap_or_else(|| panic!("'{s}' of a meet is not described")));
    all.flatten().map(|one| one.risk).max()
}

fn classes(scopes: &[ScopeText]) -> BTreeSet<Class> {
    scopes.iter().filter_map(described).flatten().flat_map(|one| one.classes).collect()
}

fn below_itself(scope: &[ScopeText]) {
    let normal = meet(scope, scope);
    assert!(!normal.is_empty(), "{scope:?} does not cover itself");
    assert_eq!(meet(&normal, &normal), normal, "idempotent");
    assert_eq!(meet(&normal, scope), normal, "{scope:?} does not cover itself");
    assert_eq!(risk(&normal), risk(scope), "{scope:?} changes its risk");
    for one in &normal {
        assert_eq!(one.to_string().parse::<ScopeText>().as_ref(), Ok(one), "'{one}' of a meet is not read back");
    }
}

fn pair(a: &[ScopeText], b: &[ScopeText]) {
    let both = meet(a, b);
    assert_eq!(both, meet(b, a), "commutative");
    assert_eq!(meet(&both, a), both, "{both:?} is above {a:?}");
    assert_eq!(meet(&both, b), both, "{both:?} is above {b:?}");
    for side in [a, b] {
        assert!(risk(&both) <= risk(side), "{both:?} has risk {:?}, more than {side:?}", risk(&both));
        let (found, most) = (classes(&both), classes(side));
        assert!(found.is_subset(&most), "{both:?} touches {found:?}, more than {most:?} of {side:?}");
    }
}

/// What is said to be left of a scope in two layers is what all three have in common.
fn stands(wanted: &[ScopeText], manifest: &[ScopeText], granted: &[ScopeText]) {
    let layers = [(Layer::Manifest, manifest.to_vec()), (Layer::Granted, granted.to_vec())];
    let standing = Catalogue.standing(&layers, &wanted[0]).unwrap_or_else(|e| panic!("{wanted:?} in {layers:?}: {e}"));
    let left = meet(&meet(wanted, manifest), granted);
    assert_eq!(standing.left, left, "{wanted:?} in {layers:?}");
    let whole = left == meet(wanted, wanted);
    assert_eq!(standing.narrowed_by.is_none(), whole, "{wanted:?} in {layers:?}");
}
