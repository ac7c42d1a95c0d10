//! Whether one list of scopes lies within another, asked through the catalogue.
//!
//! Invariant: "covered" means that the meet of both is the whole of the first: the same rule by which `Grant::covers`
//! judges.

use std::collections::BTreeSet;

use portcullis_model::{
    catalogue::Catalogue,
    scope::{ScopeError, ScopeText},
};
use serde::Serialize;

/// How much of a scope a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// All of it.
    Whole,
    /// Some of it.
    Partly,
    /// Nothing of it.
    Not,
}

/// How much of `scope` the list `within` covers, and what that is.
pub fn coverage(
    catalogue: &dyn Catalogue,
    scope: &ScopeText,
    within: &[ScopeText],
) -> Result<(Coverage, Vec<ScopeText>), ScopeError> {
    let one = std::slice::from_ref(scope);
    let whole: BTreeSet<ScopeText> = catalogue.meet(one, one)?.into_iter().collect();
    let both: BTreeSet<ScopeText> = catalogue.meet(one, within)?.into_iter().collect();
    let coverage = match () {
        () if both.is_empty() => Coverage::Not,
        () if both == whole => Coverage::Whole,
        () => Coverage::Partly,
    };
    Ok((coverage, both.into_iter().collect()))
}
