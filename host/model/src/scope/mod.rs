//! Scopes: what may be done, in one readable text form, and the algebra that narrows them.
//!
//! A scope type belongs to its capability's folder; this module has what they share: the text form
//! ([`ScopeText`]), the meet-semilattice that a scope type must be ([`Scope`]), the pieces that constraints are made of
//! ([`Only`]), and sets of scopes ([`Grant`]).

mod events;
mod filter;
mod grant;
mod only;
mod reading;
mod text;
mod view;

use std::{collections::BTreeSet, fmt};

pub use events::{EventsScope, Subscribe};
pub use filter::{Attribute, Facts, Filter, Within};
pub use grant::{Grant, check_meet_laws};
pub use only::Only;
pub use reading::{Reading, Readings};
use serde::{Deserialize, Serialize};
pub use text::{ScopeError, ScopeText, nearest, parse_bytes, parse_seconds, print_bytes, print_seconds};
pub use view::{Field, View, Views};

use crate::class::Class;

/// How much harm a scope can do in the wrong hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Touches nothing but the plugin's own storage and log.
    Low,
    /// Reads or changes records without personal data, or adds to them.
    Medium,
    /// Reads personal data, destroys data, or sends data out.
    High,
}

/// A capability's scope: a meet-semilattice. The laws that [`Grant::meet`] rests on:
/// `meet` is commutative, associative and idempotent, where `None` is "nothing in common".
pub trait Scope: Clone + Ord + fmt::Debug + Send + Sync + 'static {
    /// The capability's name: the text before the colon.
    const CAPABILITY: &'static str;

    /// Scopes as one would write them, at least one for each action: what an error points at.
    const EXAMPLES: &'static [&'static str];

    /// Reads the scopes that a text stands for: usually one. Refuses unknown actions, unknown and missing constraints.
    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError>;

    /// The text form; `parse` reads it back to just this scope.
    fn text(&self) -> ScopeText;

    /// The most that both sides allow, or `None` where that is nothing.
    fn meet(&self, other: &Self) -> Option<Self>;

    /// What it allows, as an admin would say it, in one clause without a full stop.
    fn describe(&self) -> String;

    /// How much harm it can do.
    fn risk(&self) -> Risk;

    /// The classes of data that it touches (DAT-1).
    fn classes(&self) -> BTreeSet<Class>;

    /// The hosts that it can send data to: `api.example.com`, or `*.example.com` for any one label before that. None where
    /// nothing leaves by it.
    fn destinations(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Reads a text, and where it is no scope says which one comes nearest.
pub fn read<S: Scope>(text: &ScopeText) -> Result<Vec<S>, ScopeError> {
    S::parse(text).map_err(|error| {
        let action = |example: &str| example.split([':', ' ']).nth(1).unwrap_or_default().to_owned();
        let far = |example: &&&str| {
            let by_action = strsim::damerau_levenshtein(text.action(), &action(example));
            (by_action, strsim::damerau_levenshtein(&text.to_string(), example))
        };
        match S::EXAMPLES.iter().min_by_key(far) {
            Some(example) => text.error(format!("{}; for example: {example}", error.problem)),
            None => error,
        }
    })
}

/// A scope type that can judge an act.
pub trait Allows<A>: Scope {
    /// The least scope that would cover the act.
    fn needed(act: &A) -> ScopeText;

    /// Whether a grant covers the act; the reason, in one sentence, where it does not.
    ///
    /// Must be monotone: what `a.meet(b)` allows, `a` and `b` allow.
    fn decide(grant: &Grant<Self>, act: &A) -> Result<(), String>;
}
