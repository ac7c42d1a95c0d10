//! Reading one TOML table: every error names the table, the key, and what would be right.

use std::{fmt::Display, str::FromStr};

use portcullis_model::{audit::plain, scope::nearest};
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use url::Url;

use super::ManifestError;

/// A table, and what to call it in an error.
pub(super) struct Reader<'a> {
    place: String,
    table: &'a Table,
}

impl<'a> Reader<'a> {
    pub(super) fn new(place: impl Into<String>, table: &'a Table) -> Self {
        Self { place: place.into(), table }
    }

    pub(super) fn wrong(&self, key: &str, problem: impl AsRef<str>) -> ManifestError {
        ManifestError::WrongValue { place: self.place.clone(), key: key.to_owned(), problem: plain(problem.as_ref()) }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(String::as_str)
    }

    /// Refuses keys that are none of these.
    pub(super) fn known(&self, known: &[&str]) -> Result<(), ManifestError> {
        match self.keys().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(ManifestError::UnknownKey {
                place: self.place.clone(),
                key: plain(key),
                // The distance costs length times length: a long key is near to nothing anyway.
                hint: nearest(&key.chars().take(64).collect::<String>(), known),
            }),
        }
    }

    fn required(&self, key: &str, example: &str) -> Result<&'a Value, ManifestError> {
        self.table.get(key).ok_or_else(|| ManifestError::MissingKey {
            place: self.place.clone(),
            key: key.to_owned(),
            example: example.to_owned(),
        })
    }

    fn type_error(&self, key: &str, expected: &str, given: &Value) -> ManifestError {
        self.wrong(key, format!("expected {expected}, found {}", with_article(given.type_str())))
    }

    /// One line of text, not empty, at most `most` characters.
    pub(super) fn line(&self, key: &str, example: &str, most: usize) -> Result<String, ManifestError> {
        let value = self.required(key, &format!("\"{example}\""))?;
        let Value::String(text) = value else { return Err(self.type_error(key, "a text in quotes", value)) };
        if text.trim().is_empty() {
            return Err(self.wrong(key, format!("is empty; write something such as \"{example}\"")));
        }
        if text.chars().count() > most {
            return Err(self.wrong(key, format!("longer than {most} characters; shorten it")));
        }
        if plain(text) != *text {
            return Err(self.wrong(key, "holds control characters or line breaks; write one plain line"));
        }
        Ok(text.trim().to_owned())
    }

    /// A text that something is read from.
    pub(super) fn parsed<T>(&self, key: &str, example: &str) -> Result<T, ManifestError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let value = self.required(key, &format!("\"{example}\""))?;
        let Value::String(text) = value else { return Err(self.type_error(key, "a text in quotes", value)) };
        text.parse().map_err(|error: T::Err| self.wrong(key, error.to_string()))
    }

    /// A URL of one of these schemes.
    pub(super) fn url(&self, key: &str, example: &str, schemes: &[&str]) -> Result<String, ManifestError> {
        let text = self.line(key, example, 2_000)?;
        let fits = Url::parse(&text).is_ok_and(|url| {
            let place = if url.scheme() == "mailto" { url.path().contains('@') } else { names_a_host(&text, &url) };
            schemes.contains(&url.scheme()) && place
        });
        match fits && !text.contains(char::is_whitespace) {
            true => Ok(text),
            false => {
                let what = schemes.join(" or ");
                Err(self.wrong(key, format!("'{text}' is not an {what} URL, such as {example}")))
            }
        }
    }

    /// A whole number from 1.
    pub(super) fn count(&self, key: &str, example: &str) -> Result<u64, ManifestError> {
        let value = self.required(key, example)?;
        match value.as_integer().map(u64::try_from) {
            Some(Ok(number)) if number > 0 => Ok(number),
            Some(_) => Err(self.wrong(key, "must be 1 or more")),
            None => Err(self.type_error(key, "a whole number without quotes", value)),
        }
    }

    /// True or false; false where it is absent.
    pub(super) fn flag(&self, key: &str) -> Result<bool, ManifestError> {
        match self.table.get(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.type_error(key, "true or false without quotes", other)),
        }
    }

    /// A table in this one.
    pub(super) fn table(&self, key: &str) -> Result<Option<Reader<'a>>, ManifestError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Reader::new(format!("[{key}]"), table))),
            Some(other) => Err(self.type_error(key, &format!("a table that begins with [{key}]"), other)),
        }
    }

    /// A list of tables in this one; empty where it is absent.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Reader<'a>>, ManifestError> {
        let expected = format!("tables that begin with [[{key}]]");
        let list = match self.table.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.type_error(key, &expected, other)),
        };
        let one = |(index, value): (usize, &'a Value)| match value {
            Value::Table(table) => Ok(Reader::new(format!("[[{key}]] number {}", index + 1), table)),
            other => Err(self.type_error(key, &expected, other)),
        };
        list.iter().enumerate().map(one).collect()
    }

    /// The whole table, once its keys and values were checked.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        self.table.clone().try_into().map_err(|error: toml::de::Error| self.wrong("value", error.message()))
    }
}

/// Whether the host that a reader sees is the one that the link leads to: `https://bank.example@evil.example/` is not taken.
fn names_a_host(text: &str, url: &Url) -> bool {
    let Some(rest) = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.has_host() && !authority.is_empty() && !authority.contains('@') && !text.contains('\\')
}

fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {name}")
}
