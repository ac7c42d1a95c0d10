//! Reading one TOML table by its keys: every error names the table, the key, and what would be right.

use std::{fmt::Display, str::FromStr};

use portcullis_model::{audit::plain, class::Class, limits::Limits, scope::nearest};
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use url::Url;

use super::{
    ManifestError,
    key::{Form, Key},
};

/// A table, and what to call it in an error.
pub(super) struct Reader<'a> {
    place: String,
    table: &'a Table,
}

impl<'a> Reader<'a> {
    /// The table, if all that is in it is one of these keys.
    pub(super) fn new(place: impl Into<String>, table: &'a Table, keys: &[Key]) -> Result<Self, ManifestError> {
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        Self { place: place.into(), table }.with_only(&names)
    }

    fn with_only(self, known: &[&str]) -> Result<Self, ManifestError> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.as_str()));
        match unknown {
            None => Ok(self),
            Some(key) => Err(ManifestError::UnknownKey {
                key: plain(key),
                // The distance costs length times length: a long key is near to nothing anyway.
                hint: nearest(&key.chars().take(64).collect::<String>(), known),
                place: self.place,
            }),
        }
    }

    pub(super) fn wrong(&self, key: &Key, problem: impl AsRef<str>) -> ManifestError {
        self.wrong_name(key.name, problem)
    }

    fn wrong_name(&self, key: &str, problem: impl AsRef<str>) -> ManifestError {
        ManifestError::WrongValue { place: self.place.clone(), key: key.to_owned(), problem: plain(problem.as_ref()) }
    }

    /// Whether the key stands there.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.table.contains_key(key.name)
    }

    pub(super) fn missing(&self, key: &Key) -> ManifestError {
        ManifestError::MissingKey {
            place: self.place.clone(),
            key: key.name.to_owned(),
            example: key.example.to_owned(),
        }
    }

    fn required(&self, key: &Key) -> Result<&'a Value, ManifestError> {
        self.table.get(key.name).ok_or_else(|| self.missing(key))
    }

    fn type_error(&self, key: &str, expected: &str, given: &Value) -> ManifestError {
        self.wrong_name(key, format!("expected {expected}, found {}", with_article(given.type_str())))
    }

    fn text(&self, key: &Key) -> Result<&'a str, ManifestError> {
        match self.required(key)? {
            Value::String(text) => Ok(text),
            value => Err(self.type_error(key.name, "a text in quotes", value)),
        }
    }

    /// One line of text, not empty, and not longer than the key allows.
    pub(super) fn line(&self, key: &Key) -> Result<String, ManifestError> {
        let (text, most) = (self.text(key)?, key.most());
        if text.trim().is_empty() {
            return Err(self.wrong(key, format!("is empty; write something such as {}", key.example)));
        }
        if text.chars().count() > most {
            return Err(self.wrong(key, format!("longer than {most} characters; shorten it")));
        }
        if plain(text) != text {
            return Err(self.wrong(key, "holds control characters or line breaks; write one plain line"));
        }
        Ok(text.trim().to_owned())
    }

    /// A text that something is read from.
    pub(super) fn parsed<T>(&self, key: &Key) -> Result<T, ManifestError>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(key)?.parse().map_err(|error: T::Err| self.wrong(key, error.to_string()))
    }

    /// A URL of one of the key's schemes.
    pub(super) fn url(&self, key: &Key) -> Result<String, ManifestError> {
        let (text, schemes) = (self.line(key)?, key.schemes());
        let fits = Url::parse(&text).is_ok_and(|url| {
            let place = if url.scheme() == "mailto" { url.path().contains('@') } else { names_a_host(&text, &url) };
            schemes.contains(&url.scheme()) && text.starts_with(url.scheme()) && place
        });
        match fits && !text.contains(char::is_whitespace) {
            true => Ok(text),
            false => {
                let (what, example) = (schemes.join(" or "), key.plain_example());
                Err(self.wrong(key, format!("'{text}' is not an {what} URL, such as {example}")))
            }
        }
    }

    /// A whole number from 1.
    pub(super) fn count(&self, key: &Key) -> Result<u64, ManifestError> {
        self.number(key.name, self.required(key)?)
    }

    fn number(&self, key: &str, value: &Value) -> Result<u64, ManifestError> {
        match value.as_integer().map(u64::try_from) {
            Some(Ok(number)) if number > 0 => Ok(number),
            Some(_) => Err(self.wrong_name(key, "must be 1 or more")),
            None => Err(self.type_error(key, "a whole number without quotes", value)),
        }
    }

    /// True or false; false where it may be left out and is.
    pub(super) fn flag(&self, key: &Key) -> Result<bool, ManifestError> {
        match self.table.get(key.name) {
            None if key.must => Err(self.missing(key)),
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.type_error(key.name, "true or false without quotes", other)),
        }
    }

    /// Classes of data, in the text's order; none where they may be left out and are.
    pub(super) fn classes(&self, key: &Key) -> Result<Vec<Class>, ManifestError> {
        let expected = format!("a list such as {}", key.example);
        let list = match self.table.get(key.name) {
            None if key.must => return Err(self.missing(key)),
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.type_error(key.name, &expected, other)),
        };
        let mut classes = Vec::new();
        for value in list {
            let Value::String(name) = value else { return Err(self.type_error(key.name, &expected, value)) };
            let class: Class = name.parse().map_err(|problem: String| self.wrong(key, problem))?;
            if classes.contains(&class) {
                return Err(self.wrong(key, format!("'{class}' is there twice; keep one of them")));
            }
            classes.push(class);
        }
        match key.form {
            Form::Classes(least) if classes.len() < least => {
                Err(self.wrong(key, "is empty; data that anybody may know is \"public\""))
            }
            _ => Ok(classes),
        }
    }

    /// Classes of data that are all among those that the manifest declares.
    pub(super) fn declared(&self, key: &Key, declared: &[Class]) -> Result<Vec<Class>, ManifestError> {
        let classes = self.classes(key)?;
        match classes.iter().find(|class| !declared.contains(class)) {
            Some(class) => {
                Err(self.wrong(key, format!("'{class}' is not among the manifest's data-classes; add it there")))
            }
            None => Ok(classes),
        }
    }

    /// A table in this one.
    pub(super) fn table(&self, key: &Key) -> Result<Option<Reader<'a>>, ManifestError> {
        let table = match self.table.get(key.name) {
            None => return Ok(None),
            Some(Value::Table(table)) => table,
            Some(other) => {
                return Err(self.type_error(key.name, &format!("a table that begins with [{}]", key.name), other));
            }
        };
        let place = format!("[{}]", key.name);
        let read = match key.form {
            Form::Limits => Self { place, table }.with_only(Limits::NAMES),
            _ => Self::new(place, table, key.inner()),
        };
        read.map(Some)
    }

    /// A list of tables in this one; empty where it is absent.
    pub(super) fn tables(&self, key: &Key) -> Result<Vec<Reader<'a>>, ManifestError> {
        let (name, expected) = (key.name, format!("tables that begin with [[{}]]", key.name));
        let list = match self.table.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.type_error(name, &expected, other)),
        };
        let (keys, most) = (key.inner(), key.most());
        if list.len() > most {
            return Err(self.wrong(key, format!("{} of them; the most is {most}", list.len())));
        }
        let one = |(index, value): (usize, &'a Value)| match value {
            Value::Table(table) => Self::new(format!("[[{name}]] number {}", index + 1), table, keys),
            other => Err(self.type_error(name, &expected, other)),
        };
        list.iter().enumerate().map(one).collect()
    }

    /// The whole table, once each of its values was seen to be a whole number from 1.
    pub(super) fn counts<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        for (key, value) in self.table {
            self.number(key, value)?;
        }
        self.table.clone().try_into().map_err(|error: toml::de::Error| self.wrong_name("value", error.message()))
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
