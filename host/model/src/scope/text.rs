//! The one text form of scopes, used in manifests, the command line, the API and the consent page:
//! `capability:action key=value,value key=value`.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

const MAX_LENGTH: usize = 2048;

/// A scope as text, taken apart but not yet understood. Values of a key are kept sorted and without doubles, so
/// two texts that mean the same are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeText {
    capability: String,
    action: String,
    constraints: BTreeMap<String, Vec<String>>,
}

/// Why a text is not a scope, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope '{scope}': {problem}")]
pub struct ScopeError {
    /// The text in question.
    pub scope: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl ScopeText {
    /// A scope without constraints.
    pub fn new(capability: &str, action: &str) -> Self {
        Self { capability: capability.into(), action: action.into(), constraints: BTreeMap::new() }
    }

    /// Adds a constraint.
    #[must_use]
    pub fn with<I: IntoIterator<Item = String>>(mut self, key: &str, values: I) -> Self {
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort();
        values.dedup();
        self.constraints.insert(key.into(), values);
        self
    }

    /// The part before the colon.
    pub fn capability(&self) -> &str {
        &self.capability
    }

    /// The part after the colon.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// An error about this scope.
    pub fn error(&self, problem: impl Into<String>) -> ScopeError {
        ScopeError { scope: self.to_string(), problem: problem.into() }
    }

    /// Says that the action is none of `known`, with the nearest one.
    pub fn unknown_action(&self, known: &[&str]) -> ScopeError {
        let hint = nearest(&self.action, known);
        self.error(format!("{} has no action '{}'; {hint}", self.capability, self.action))
    }

    /// Checks that the constraints' keys are exactly these, each with a value.
    pub fn expect_keys(&self, keys: &[&str]) -> Result<(), ScopeError> {
        for key in self.constraints.keys() {
            if !keys.contains(&key.as_str()) {
                let hint = if keys.is_empty() { "it takes no constraints".to_owned() } else { nearest(key, keys) };
                return Err(self.error(format!("unknown constraint '{key}'; {hint}")));
            }
        }
        match keys.iter().find(|key| !self.constraints.contains_key(**key)) {
            Some(missing) => Err(self.error(format!("'{missing}=...' is missing; a scope says all that it means"))),
            None => Ok(()),
        }
    }

    /// A constraint's values; empty where the key is absent.
    pub fn values(&self, key: &str) -> &[String] {
        self.constraints.get(key).map_or(&[], Vec::as_slice)
    }

    /// A constraint's only value.
    pub fn value(&self, key: &str) -> Result<&str, ScopeError> {
        match self.values(key) {
            [one] => Ok(one),
            _ => Err(self.error(format!("'{key}' takes exactly one value"))),
        }
    }
}

/// "did you mean 'x'?" where one of `known` is close, and the whole list where none is.
pub fn nearest(given: &str, known: &[&str]) -> String {
    let close = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(given, word), word))
        .filter(|(distance, word)| *distance <= 2.max(word.len() / 3))
        .min();
    match close {
        Some((_, word)) => format!("did you mean '{word}'?"),
        None => format!("known are: {}", known.join(", ")),
    }
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

fn value(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '=' && c != ',')
}

impl FromStr for ScopeText {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let fail = |problem: &str| ScopeError {
            scope: text.chars().take(120).flat_map(char::escape_default).collect(),
            problem: problem.into(),
        };
        if text.len() > MAX_LENGTH {
            return Err(fail("longer than 2,048 bytes"));
        }
        let mut parts = text.split_ascii_whitespace();
        let head = parts.next().ok_or_else(|| fail("empty; expected 'capability:action key=value'"))?;
        let (capability, action) =
            head.split_once(':').ok_or_else(|| fail("expected 'capability:action', such as 'tickets:read'"))?;
        if !word(capability) || !word(action) {
            return Err(fail("a capability and an action are lower-case words"));
        }
        let mut scope = Self::new(capability, action);
        for part in parts {
            let (key, values) = part.split_once('=').ok_or_else(|| fail("a constraint is 'key=value,value'"))?;
            let values: Vec<String> = values.split(',').map(str::to_owned).collect();
            if !word(key) || !values.iter().all(|v| value(v)) {
                return Err(fail("a constraint is 'key=value,value' without empty values"));
            }
            if scope.constraints.contains_key(key) {
                return Err(fail(&format!("'{key}' is there twice")));
            }
            scope = scope.with(key, values);
        }
        Ok(scope)
    }
}

impl fmt::Display for ScopeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.capability, self.action)?;
        for (key, values) in &self.constraints {
            write!(f, " {key}={}", values.join(","))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ScopeText {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<ScopeText> for String {
    fn from(scope: ScopeText) -> String {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_one_form_whatever_the_order() {
        let scope: ScopeText = "tickets:read  fields=tags,subject,tags".parse().unwrap();
        assert_eq!(scope.to_string(), "tickets:read fields=subject,tags");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("", "empty"),
            ("tickets", "expected 'capability:action'"),
            ("tickets:read fields", "key=value"),
            ("tickets:read fields=", "empty values"),
            ("tickets:read a=b a=c", "there twice"),
            ("Tickets:read", "lower-case"),
        ] {
            let error = text.parse::<ScopeText>().unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        assert_eq!(nearest("feilds", &["fields", "where"]), "did you mean 'fields'?");
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_what_it_prints(text in "\\PC{0,60}|[a-z]{1,8}:[a-z]{1,6}( [a-z]{1,4}=[a-z,]{0,9}){0,3}") {
            if let Ok(scope) = text.parse::<ScopeText>() {
                prop_assert_eq!(scope.to_string().parse::<ScopeText>(), Ok(scope));
            }
        }
    }
}
