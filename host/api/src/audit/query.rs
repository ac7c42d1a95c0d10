//! Reading the parameters of a URL.
//!
//! Invariant: what is not understood is refused, never left out.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{
        plain,
        query::{Filter, moment},
    },
    scope::nearest,
    time::Timestamp,
};

use crate::problem::{Problem, Reason};

/// The parameters of a request.
pub(super) struct Params(BTreeMap<String, String>);

pub(super) fn wrong(advice: impl Into<String>) -> Problem {
    Problem::new(Reason::WrongQuery, advice)
}

impl Params {
    /// Reads them; each of `known`, at most once.
    pub fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut all = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(wrong(format!("There is no parameter '{}'; {}", plain(&name), nearest(&name, known))));
            }
            if all.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(wrong(format!("The parameter '{}' is given twice.", plain(&name))));
            }
        }
        Ok(Self(all))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn needed(&self, name: &str) -> Result<String, Problem> {
        self.get(name).map(str::to_owned).ok_or_else(|| wrong(format!("The parameter '{name}' is missing.")))
    }

    pub fn filter(&self) -> Result<Filter, Problem> {
        self.get("filter").unwrap_or_default().parse().map_err(|error| wrong(format!("filter: {error}.")))
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let read = |text: &str| text.parse().map_err(|_| wrong(format!("{name}: expected a number.")));
        self.get(name).map(read).transpose()
    }

    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let advice = "expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01.";
        let read = |text: &str| moment(text).ok_or_else(|| wrong(format!("{name}: {advice}")));
        self.get(name).map(read).transpose()
    }
}
