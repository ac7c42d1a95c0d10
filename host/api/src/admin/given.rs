//! Parameters of paths and queries, read into types.
//!
//! Invariant: what is not understood is refused, never left out; nothing is given twice.

use std::fmt;

use portcullis_model::{audit::plain, scope::nearest};
use serde::{
    Deserialize,
    de::{
        self, DeserializeOwned, IntoDeserializer, Visitor,
        value::{MapDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use crate::problem::{Problem, Reason};

/// Parameters: a struct with a field each.
pub trait Given: DeserializeOwned + IntoParams + Send + Sync + 'static {}

impl<T: DeserializeOwned + IntoParams + Send + Sync + 'static> Given for T {}

/// No parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Bare {}

impl IntoParams for Bare {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// The pairs of a query; each of `known`, at most once.
pub(super) fn pairs(query: &str, known: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !known.contains(&name.as_ref()) {
            let advice = if known.is_empty() { "none is taken.".to_owned() } else { nearest(&name, known) };
            return Err(wrong(format!("There is no parameter '{}'; {advice}", short(&name))));
        }
        if all.iter().any(|(given, _)| *given == name) {
            return Err(wrong(format!("The parameter '{name}' is given twice.")));
        }
        all.push((name.into_owned(), value.into_owned()));
    }
    Ok(all)
}

/// The names that a type takes.
pub(super) fn names<T: Given>() -> Vec<String> {
    T::into_params(|| Some(ParameterIn::Query)).into_iter().map(|parameter| parameter.name).collect()
}

/// These pairs, as a type. The error says which is wrong, and what would be right.
pub(super) fn read<'a, T: Given>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<T, Wrong> {
    let texts = pairs.map(|(name, value)| (name, Text(value)));
    serde_path_to_error::deserialize(MapDeserializer::new(texts)).map_err(|error| {
        let name = error.path().to_string();
        let Wrong(what) = error.into_inner();
        Wrong(if name == "." { what } else { format!("{}: {what}", short(&name)) })
    })
}

pub(super) fn wrong(advice: impl Into<String>) -> Problem {
    Problem::new(Reason::WrongQuery, advice)
}

/// A name that a stranger gave, fit to be repeated.
pub(super) fn short(text: &str) -> String {
    plain(&text.chars().take(60).collect::<String>())
}

/// What is wrong with a parameter.
#[derive(Debug)]
pub(super) struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(plain(&text.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the parameter '{field}' is missing"))
    }
}

impl From<Wrong> for Problem {
    fn from(error: Wrong) -> Self {
        wrong(format!("{}.", error.0))
    }
}

/// One value.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    fn parsed<T: std::str::FromStr>(self, expected: &str) -> Result<T, Wrong> {
        self.0.parse().map_err(|_| Wrong(format!("expected {expected}")))
    }
}

impl<'de> IntoDeserializer<'de, Wrong> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Text<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_bool(self.parsed("true or false")?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u64(self.parsed("a whole number")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u32(self.parsed("a whole number below 4294967296")?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_u16(self.parsed("a whole number below 65536")?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let text: StrDeserializer<'_, Wrong> = self.0.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
            .map_err(|_| Wrong(format!("expected one of {}", variants.join(", "))))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, IntoParams)]
    struct Some {
        #[param(value_type = Option<String>)]
        tenant: Option<portcullis_model::id::TenantId>,
        days: u32,
        #[param(inline)]
        only: Option<Only>,
    }

    #[derive(Debug, Deserialize, utoipa::ToSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Only {
        Active,
    }

    fn parse(query: &str) -> Result<Some, String> {
        let names = names::<Some>();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let pairs = pairs(query, &names).map_err(|problem| problem.advice)?;
        read(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).map_err(|wrong| wrong.0)
    }

    #[test]
    fn what_is_given_is_read_whole_or_refused() {
        let read = parse("days=7&tenant=acme&only=active").unwrap();
        assert_eq!((read.days, read.tenant.unwrap().as_str()), (7, "acme"));
        assert!(read.only.is_some() && parse("days=1&tenant=").unwrap().tenant.is_none());
        for (query, says) in [
            ("day=7", "'days'"),
            ("days=7&days=8", "given twice"),
            ("days=x", "days: expected a whole number"),
            ("", "'days' is missing"),
            ("days=1&tenant=A%20B", "tenant: 'A B' is not a tenant"),
            ("days=1&only=all", "only: expected one of active"),
        ] {
            let error = parse(query).unwrap_err();
            assert!(error.contains(says), "{query}: {error}");
        }
    }
}
