//! Which records a scope is about: `where=brand:acme,brand:beta,status:open`. Values of one attribute are alternatives;
//! attributes hold together.

use std::collections::{BTreeMap, BTreeSet};

use super::{ScopeError, ScopeText, nearest};

/// An attribute that records can be told apart by, with its values where there is a closed set of them.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name in scopes.
    pub name: &'static str,
    /// What it can be; empty: any id.
    pub values: &'static [&'static str],
}

/// A condition on records. A meet-semilattice with [`Filter::any`] as its top.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter(BTreeMap<&'static str, BTreeSet<String>>);

/// What is known about one record: attribute and value. What is not known fits no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<&'static str, String>);

impl Facts {
    /// One more fact, where there is one.
    #[must_use]
    pub fn with(mut self, attribute: &'static str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.0.insert(attribute, value.into());
        }
        self
    }
}

impl Filter {
    /// Any record.
    pub fn any() -> Self {
        Self::default()
    }

    /// Reads `where=`; absent: any record.
    pub fn parse(text: &ScopeText, attributes: &[Attribute]) -> Result<Self, ScopeError> {
        let names: Vec<&str> = attributes.iter().map(|attribute| attribute.name).collect();
        let mut conditions: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        for one in text.values("where") {
            let (name, value) =
                one.split_once(':').ok_or_else(|| text.error(format!("'where={one}': expected attribute:value")))?;
            let attribute = attributes.iter().find(|known| known.name == name);
            let attribute = attribute
                .ok_or_else(|| text.error(format!("'where' knows no attribute '{name}'; {}", nearest(name, &names))))?;
            if !attribute.values.is_empty() && !attribute.values.contains(&value) {
                let hint = nearest(value, attribute.values);
                return Err(text.error(format!("'where={name}:{value}': no such {name}; {hint}")));
            }
            if !id(value) {
                return Err(text.error(format!("'where={name}:...': a value is 1 to 64 of A-Z a-z 0-9 - _ .")));
            }
            conditions.entry(attribute.name).or_default().insert(value.to_owned());
        }
        Ok(Self(conditions))
    }

    /// Adds `where=` to a text, where there is a condition.
    #[must_use]
    pub fn write(&self, text: ScopeText) -> ScopeText {
        if self.0.is_empty() {
            text
        } else {
            text.with("where", self.pairs().map(|(name, value)| format!("{name}:{value}")))
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (*name, value)))
    }

    /// Its conditions: attribute, and the values of which any will do.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<String>)> {
        self.0.iter().map(|(name, values)| (*name, values))
    }

    /// Whether a record fits.
    pub fn fits(&self, facts: &Facts) -> bool {
        self.0.iter().all(|(name, values)| facts.0.get(name).is_some_and(|value| values.contains(value)))
    }

    /// The records that both mean; `None` where there can be none.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let mut both = self.0.clone();
        for (name, values) in &other.0 {
            let kept: BTreeSet<String> = match both.get(name) {
                Some(own) => own.intersection(values).cloned().collect(),
                None => values.clone(),
            };
            if kept.is_empty() {
                return None;
            }
            both.insert(name, kept);
        }
        Some(Self(both))
    }

    /// Whether all records that the other means are meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.meet(other).as_ref() == Some(other)
    }

    /// As an admin would say it, after the clause; empty for any record.
    pub fn describe(&self) -> String {
        let one = |(name, values): (&&str, &BTreeSet<String>)| {
            format!("{name} is {}", values.iter().cloned().collect::<Vec<_>>().join(" or "))
        };
        match self.0.is_empty() {
            true => String::new(),
            false => format!(", only where {}", self.0.iter().map(one).collect::<Vec<_>>().join(" and ")),
        }
    }
}

fn id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// The records that an act is about: those that fit any of these. Without any there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Within(pub Vec<Filter>);

impl Within {
    /// Every record.
    pub fn everything() -> Self {
        Self(vec![Filter::any()])
    }

    /// Whether a record is among them.
    pub fn fits(&self, facts: &Facts) -> bool {
        self.0.iter().any(|filter| filter.fits(facts))
    }

    /// The records that are in both.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let all = self.0.iter().flat_map(|a| other.0.iter().filter_map(move |b| a.meet(b)));
        Self::of(all)
    }

    /// The records that fit any of the filters; those that another covers are left out.
    pub fn of(filters: impl IntoIterator<Item = Filter>) -> Self {
        let all: BTreeSet<Filter> = filters.into_iter().collect();
        let kept = all.iter().filter(|a| !all.iter().any(|b| b != *a && b.covers(a))).cloned().collect();
        Self(kept)
    }

    /// Whether each of the filters lies below one of these.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|theirs| self.0.iter().any(|own| own.covers(theirs)))
    }
}
