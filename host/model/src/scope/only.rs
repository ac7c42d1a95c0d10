//! The constraint that most scopes are made of: everything, or only a set of named things.

use std::collections::BTreeSet;

/// `*`, or only these. A meet-semilattice: `meet` is intersection, with `All` as its top.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Only<T: Ord> {
    /// Everything, including what does not exist yet.
    All,
    /// Only these; never empty.
    These(BTreeSet<T>),
}

impl<T: Ord + Clone> Only<T> {
    /// Reads a constraint's values: `*` alone means all.
    pub fn parse<E>(values: &[String], one: impl Fn(&str) -> Result<T, E>) -> Result<Self, E> {
        if values == ["*"] {
            return Ok(Self::All);
        }
        Ok(Self::These(values.iter().map(|v| one(v)).collect::<Result<_, E>>()?))
    }

    /// The values as text, `*` for all.
    pub fn values(&self, name: impl Fn(&T) -> String) -> Vec<String> {
        match self {
            Self::All => vec!["*".to_owned()],
            Self::These(set) => set.iter().map(name).collect(),
        }
    }

    /// Whether this one is among them.
    pub fn has(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::These(set) => set.contains(one),
        }
    }

    /// What both sides have; `None` where that is nothing.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::All, x) | (x, Self::All) => Some(x.clone()),
            (Self::These(a), Self::These(b)) => {
                let both: BTreeSet<T> = a.intersection(b).cloned().collect();
                (!both.is_empty()).then_some(Self::These(both))
            }
        }
    }
}
