//! What a scope that reads records allows: which fields, how each is shown, and of which records. Several such scopes in one
//! grant add up: a field of a record is shown as well as any scope that the record fits shows it.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{Attribute, Facts, Field, Filter, ScopeError, ScopeText, View, Views, Within};
use crate::class::Class;

/// `fields=... mask=... token=... where=...`. A meet-semilattice, part by part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading<F: Field> {
    /// Which fields, and how.
    pub views: Views<F>,
    /// Of which records.
    pub filter: Filter,
}

impl<F: Field> Reading<F> {
    /// Reads the constraints.
    pub fn parse(text: &ScopeText, attributes: &[Attribute]) -> Result<Self, ScopeError> {
        text.expect(&["fields"], &["mask", "token", "where"])?;
        Ok(Self { views: Views::parse(text)?, filter: Filter::parse(text, attributes)? })
    }

    /// Adds the constraints to a text.
    #[must_use]
    pub fn write(&self, text: ScopeText) -> ScopeText {
        self.filter.write(self.views.write(text))
    }

    /// What both sides allow.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        Some(Self { views: self.views.meet(&other.views)?, filter: self.filter.meet(&other.filter)? })
    }

    /// As an admin would say it.
    pub fn describe(&self) -> String {
        format!("{}{}", self.views.describe(), self.filter.describe())
    }

    /// The classes of what is shown in the clear.
    pub fn classes(&self) -> BTreeSet<Class> {
        self.views.classes().collect()
    }
}

/// The reading scopes of one grant.
#[derive(Clone, Debug)]
pub struct Readings<'a, F: Field>(Vec<&'a Reading<F>>);

impl<'a, F: Field> Readings<'a, F> {
    /// These.
    pub fn new(all: impl IntoIterator<Item = &'a Reading<F>>) -> Self {
        Self(all.into_iter().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How a field of this record is shown; `None`: not at all. Where it could be masked or a token it is a token, which
    /// holds nothing of the value.
    pub fn view(&self, field: F, facts: &Facts) -> Option<View> {
        let fitting = self.0.iter().filter(|reading| reading.filter.fits(facts));
        fitting.filter_map(|reading| reading.views.of(field)).max_by(|a, b| match (a, b) {
            (a, b) if a == b => Ordering::Equal,
            (View::Clear, _) | (View::Token, View::Mask) => Ordering::Greater,
            _ => Ordering::Less,
        })
    }

    /// All the ways in which a field of some record is shown.
    pub fn ways(&self, field: F) -> BTreeSet<View> {
        self.0.iter().filter_map(|reading| reading.views.of(field)).collect()
    }

    /// The records of which `field` is shown at least like `view`; `None`: shown at all.
    pub fn within(&self, field: F, view: Option<View>) -> Within {
        let shows = |reading: &&&Reading<F>| {
            reading.views.of(field).is_some_and(|shown| view.is_none_or(|view| shown.covers(view)))
        };
        Within::of(self.0.iter().filter(shows).map(|reading| reading.filter.clone()))
    }

    /// The records of which any of the fields is shown.
    pub fn within_any(&self, fields: &BTreeSet<F>) -> Within {
        Within::of(fields.iter().flat_map(|field| self.within(*field, None).0))
    }

    /// The records of which each of the fields is shown in the clear; every record for no field.
    pub fn within_clear(&self, fields: &BTreeSet<F>) -> Within {
        let each = fields.iter().map(|field| self.within(*field, Some(View::Clear)));
        each.fold(Within::everything(), |all, one| all.meet(&one))
    }

    /// Those of the fields that are not shown of any record, or not in the clear where that is asked for.
    pub fn missing(&self, fields: &BTreeSet<F>, clear: bool) -> Vec<F> {
        let view = clear.then_some(View::Clear);
        fields.iter().copied().filter(|field| self.within(*field, view).0.is_empty()).collect()
    }

    /// Decides about reading these fields of records within.
    pub fn decide(&self, what: &str, fields: &BTreeSet<F>, within: &Within) -> Result<(), String> {
        if self.is_empty() {
            return Err(format!("reading {what} is not granted"));
        }
        if fields.is_empty() {
            return Err(format!("reading no field of {what} is nothing that can be granted"));
        }
        let missing = self.missing(fields, false);
        if !missing.is_empty() {
            return Err(format!("reading {} of {what} is not granted", names(&missing)));
        }
        self.inside(what, &self.within_any(fields), within)
    }

    /// Decides about asking by these fields, for records within: what may not be read in the clear may not be asked by.
    pub fn decide_asking(&self, what: &str, fields: &BTreeSet<F>, within: &Within) -> Result<(), String> {
        let missing = self.missing(fields, true);
        if !missing.is_empty() {
            let names = names(&missing);
            return Err(format!("searching {what} by {names} is not granted: it needs {names} in the clear"));
        }
        self.inside(what, &self.within_clear(fields), within)
    }

    fn inside(&self, what: &str, allowed: &Within, within: &Within) -> Result<(), String> {
        match allowed.covers(within) {
            true => Ok(()),
            false => Err(format!("{what} outside of 'where=' are not granted")),
        }
    }
}

fn names<F: Field>(fields: &[F]) -> String {
    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
}
