//! Scope texts, as far as a test needs them: `<capability>:<action>` and then `key=value,value` pairs.
//!
//! The real host's scopes are typed, one type a capability. This matcher knows the two forms of pattern that scopes
//! have, an exact value and one that ends in `*`, and of keys only those that say which records are meant (`where`) and
//! how their fields are shown (`mask`, `token`).

use std::fmt;

use super::record::Facts;
use super::veil::{self, View};

/// One value that a call needs a scope to cover.
#[derive(Clone, Copy)]
pub(crate) struct Need<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scope {
    action: String,
    params: Vec<(String, Vec<String>)>,
}

impl Scope {
    /// Errors: what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let action = words.next().filter(|action| action.contains(':'));
        let action = action.ok_or_else(|| format!("`{text}` is no scope: expected `capability:action`"))?.to_owned();
        let params = words
            .map(|word| {
                let (key, values) =
                    word.split_once('=').ok_or_else(|| format!("`{word}` in scope `{text}`: expected `key=value`"))?;
                Ok((key.to_owned(), values.split(',').map(str::to_owned).collect()))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { action, params })
    }

    pub fn action(&self) -> &str {
        &self.action
    }

    pub fn covers(&self, need: Need<'_>) -> bool {
        self.values(need.key).any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => need.value.starts_with(start),
            None => need.value == pattern,
        })
    }

    /// Whether a record is one that the scope's `where=` is about. Values of one attribute are alternatives.
    pub fn fits(&self, facts: &Facts) -> bool {
        let pairs: Vec<(&str, &str)> = self.values("where").filter_map(|pair| pair.split_once(':')).collect();
        pairs.iter().all(|(name, _)| pairs.iter().any(|(other, value)| other == name && facts.has(name, value)))
    }

    /// How the scope shows a field; nothing where it does not.
    pub fn view(&self, field: &str) -> Option<View> {
        if !self.covers(Need { key: "fields", value: field }) {
            return None;
        }
        let class = veil::class(&self.action, field);
        let named = |name: &str| {
            let has = |key| self.values(key).any(|value| value == name);
            if has("token") { Some(View::Token) } else { has("mask").then_some(View::Mask) }
        };
        Some(named(field).or_else(|| named(class)).unwrap_or(View::Clear))
    }

    /// A size such as `64KiB` in bytes; nothing when the scope has no such key or it is no size.
    pub fn bytes(&self, key: &str) -> Option<u64> {
        let text = self.values(key).next()?;
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match &text[digits.len()..] {
            "" | "B" => 1,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            "GiB" => 1024 * 1024 * 1024,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit)
    }

    /// A time such as `30d` in seconds; nothing when the scope has no such key or it is no time.
    pub fn seconds(&self, key: &str) -> Option<u64> {
        let text = self.values(key).next()?;
        let unit = match text.chars().last()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit)
    }

    fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.params.iter().filter(move |(own, _)| own == key).flat_map(|(_, values)| values).map(String::as_str)
    }
}

/// A number of bytes as a scope has it.
pub(crate) fn print_bytes(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// The text of the scope that would have been needed.
pub(crate) fn needed(action: &str, needs: &[Need<'_>]) -> String {
    let mut scope = Scope { action: action.to_owned(), params: Vec::new() };
    for need in needs {
        match scope.params.iter_mut().find(|(key, _)| key == need.key) {
            Some((_, values)) => values.push(need.value.to_owned()),
            None => scope.params.push((need.key.to_owned(), vec![need.value.to_owned()])),
        }
    }
    scope.params.iter_mut().for_each(|(_, values)| values.sort());
    scope.to_string()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.action)?;
        self.params.iter().try_for_each(|(key, values)| write!(f, " {key}={}", values.join(",")))
    }
}
