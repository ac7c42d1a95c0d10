//! A grant: a set of scopes, of which any one may allow an act.
//!
//! Invariants: no scope in it lies below another (so equal authority is equal data), and [`Grant::meet`] is
//! commutative, associative, idempotent and never above either side. Property tests hold it for every scope type.

use std::collections::BTreeSet;

use super::{Scope, ScopeError, ScopeText};

/// What one layer of authority allows for one capability. Empty: nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<S: Scope> {
    scopes: BTreeSet<S>,
}

impl<S: Scope> Grant<S> {
    /// A grant of these scopes. Those that another one covers are dropped.
    pub fn new(scopes: impl IntoIterator<Item = S>) -> Self {
        let all: Vec<S> = scopes.into_iter().collect();
        let maximal = |(i, a): &(usize, &S)| {
            !all.iter().enumerate().any(|(j, b)| {
                let below = a.meet(b).as_ref() == Some(*a);
                below && (*a != b || j < *i)
            })
        };
        Self { scopes: all.iter().enumerate().filter(maximal).map(|(_, s)| s.clone()).collect() }
    }

    /// Reads those of the texts that belong to this capability.
    pub fn parse(texts: &[ScopeText]) -> Result<Self, ScopeError> {
        let own = texts.iter().filter(|text| text.capability() == S::CAPABILITY);
        let scopes = own.map(super::read::<S>).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(scopes.into_iter().flatten()))
    }

    /// What both sides allow: the only way to combine authority.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        Self::new(self.scopes.iter().flat_map(|a| other.scopes.iter().filter_map(move |b| a.meet(b))))
    }

    /// Whether all that `other` allows is allowed here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.meet(other) == *other
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Its scopes, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &S> {
        self.scopes.iter()
    }

    /// Its scopes as text, in order.
    pub fn texts(&self) -> Vec<ScopeText> {
        self.scopes.iter().map(S::text).collect()
    }
}

/// The laws, as a function that each scope type's property test calls with arbitrary scopes.
#[doc(hidden)]
pub fn check_meet_laws<S: Scope>(a: &[S], b: &[S], c: &[S]) -> Result<(), String> {
    let (a, b, c) = (Grant::new(a.iter().cloned()), Grant::new(b.iter().cloned()), Grant::new(c.iter().cloned()));
    let law = |name: &str, left: &Grant<S>, right: &Grant<S>| {
        if left == right { Ok(()) } else { Err(format!("{name}: {left:?} is not {right:?}")) }
    };
    law("commutative", &a.meet(&b), &b.meet(&a))?;
    law("associative", &a.meet(&b).meet(&c), &a.meet(&b.meet(&c)))?;
    law("idempotent", &a.meet(&a), &a)?;
    law("below the left", &a.meet(&b).meet(&a), &a.meet(&b))?;
    law("empty stays empty", &a.meet(&Grant::new([])), &Grant::new([]))?;
    for scope in a.scopes() {
        match S::parse(&scope.text()) {
            Ok(back) if back.as_slice() == std::slice::from_ref(scope) => {}
            other => return Err(format!("text form: {} read back as {other:?}", scope.text())),
        }
    }
    Ok(())
}
