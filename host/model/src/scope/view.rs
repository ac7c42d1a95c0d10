//! How a granted field is shown: in the clear, masked, or as a token. What is not granted is dropped.

use std::{collections::BTreeMap, fmt};

use super::{ScopeError, ScopeText, nearest};
use crate::{class::Class, veil::Shape};

/// How a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// That there is a value, and of what sort.
    Mask,
    /// A stand-in that is the same for the same value, in one installation.
    Token,
    /// As it is.
    Clear,
}

impl View {
    /// What both sides show. A mask and a token have nothing in common: the field is dropped.
    pub fn meet(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Clear, view) | (view, Self::Clear) => Some(view),
            (a, b) => (a == b).then_some(a),
        }
    }

    /// Whether who may see this may see the other too.
    pub fn covers(self, other: Self) -> bool {
        self.meet(other) == Some(other)
    }
}

/// A record's field, as scopes speak of it.
pub trait Field: Copy + Ord + fmt::Debug + Send + Sync + 'static {
    /// All there are.
    const ALL: &'static [Self];

    /// Its name in scopes.
    fn name(self) -> &'static str;

    /// What sort of data it holds.
    fn class(self) -> Class;

    /// What its value looks like, which decides how it is masked.
    fn shape(self) -> Shape;
}

/// Which fields are shown, and how: `fields=... mask=... token=...`. A meet-semilattice, field by field.
///
/// `mask` and `token` name fields or whole classes; a field that is named itself goes before its class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Views<F: Field>(BTreeMap<F, View>);

impl<F: Field> Views<F> {
    /// The constraint keys that it is made of: the one that must be there, and those that may.
    pub const KEYS: (&'static str, [&'static str; 2]) = ("fields", ["mask", "token"]);

    /// These fields in the clear.
    pub fn clear(fields: impl IntoIterator<Item = F>) -> Self {
        Self(fields.into_iter().map(|field| (field, View::Clear)).collect())
    }

    /// Reads the three constraints.
    pub fn parse(text: &ScopeText) -> Result<Self, ScopeError> {
        let mut views = match text.values("fields") {
            [all] if all == "*" => Self::clear(F::ALL.iter().copied()),
            some => Self::clear(some.iter().map(|name| field(text, name)).collect::<Result<Vec<F>, _>>()?),
        };
        let (mut named, mut classes) = (BTreeMap::new(), BTreeMap::new());
        for (key, view) in [("mask", View::Mask), ("token", View::Token)] {
            for name in text.values(key) {
                let before = match name.parse::<Class>() {
                    Ok(class) => classes.insert(class, view),
                    Err(_) => named.insert(views.named(text, key, name)?, view),
                };
                if before.is_some() {
                    return Err(text.error(format!("'{name}' is both in 'mask' and in 'token'")));
                }
            }
        }
        for (field, shown) in &mut views.0 {
            let view = named.get(field).or_else(|| classes.get(&field.class()));
            *shown = view.copied().unwrap_or(View::Clear);
            if *shown != View::Clear && field.shape() == Shape::Closed {
                let problem =
                    "has too few values to be masked or a token; show it as it is, or leave it out of 'fields'";
                return Err(text.error(format!("'{}' {problem}", field.name())));
            }
        }
        Ok(views)
    }

    /// The field that a value of `mask` or `token` names. It must be among the fields.
    fn named(&self, text: &ScopeText, key: &str, name: &str) -> Result<F, ScopeError> {
        let own: Vec<&str> = self.0.keys().map(|field| field.name()).chain(Class::ALL.map(Class::name)).collect();
        let found = self.0.keys().copied().find(|field| field.name() == name);
        found.ok_or_else(|| {
            text.error(format!("'{key}={name}' is neither one of its fields nor a class; {}", nearest(name, &own)))
        })
    }

    /// Adds the three constraints to a text.
    #[must_use]
    pub fn write(&self, text: ScopeText) -> ScopeText {
        let names = |view: View| self.0.iter().filter(move |(_, v)| **v == view).map(|(f, _)| f.name().to_owned());
        let all = self.0.len() == F::ALL.len();
        let fields = if all { vec!["*".to_owned()] } else { self.0.keys().map(|f| f.name().to_owned()).collect() };
        let mut text = text.with("fields", fields);
        for (key, view) in [("mask", View::Mask), ("token", View::Token)] {
            if names(view).next().is_some() {
                text = text.with(key, names(view));
            }
        }
        text
    }

    /// What both sides show; `None` where that is nothing.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let both = |(field, view): (&F, &View)| Some((*field, view.meet(*other.0.get(field)?)?));
        let views: BTreeMap<F, View> = self.0.iter().filter_map(both).collect();
        (!views.is_empty()).then_some(Self(views))
    }

    /// How a field is shown; `None`: not at all.
    pub fn of(&self, field: F) -> Option<View> {
        self.0.get(&field).copied()
    }

    /// The fields that are shown, each with how.
    pub fn iter(&self) -> impl Iterator<Item = (F, View)> {
        self.0.iter().map(|(field, view)| (*field, *view))
    }

    /// The classes of what is shown in the clear.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        self.iter().filter(|(_, view)| *view == View::Clear).map(|(field, _)| field.class())
    }

    /// As an admin would say it: `subject, status; masked: email; as tokens: phone`.
    pub fn describe(&self) -> String {
        let names =
            |view: View| -> Vec<&str> { self.0.iter().filter(|(_, v)| **v == view).map(|(f, _)| f.name()).collect() };
        if self.0.len() == F::ALL.len() && names(View::Clear).len() == F::ALL.len() {
            return "all fields".to_owned();
        }
        let parts = [("", View::Clear), ("masked: ", View::Mask), ("as tokens: ", View::Token)];
        let said = parts.into_iter().map(|(word, view)| (word, names(view))).filter(|(_, names)| !names.is_empty());
        said.map(|(word, names)| format!("{word}{}", names.join(", "))).collect::<Vec<_>>().join("; ")
    }
}

fn field<F: Field>(text: &ScopeText, name: &str) -> Result<F, ScopeError> {
    let known: Vec<&str> = F::ALL.iter().map(|field| field.name()).collect();
    let found = F::ALL.iter().copied().find(|field| field.name() == name);
    found.ok_or_else(|| text.error(format!("no such name '{name}'; {}", nearest(name, &known))))
}
