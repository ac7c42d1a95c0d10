//! The one text form of scopes, used in manifests, the command line, the API and the consent page:
//! `capability:action key=value,value key<=value`.

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
        self.expect(keys, &[])
    }

    /// Checks that the constraints' keys are those that must be there, and of others only those that may. A key whose
    /// operator is `<=` ends with `<`.
    pub fn expect(&self, must: &[&str], may: &[&str]) -> Result<(), ScopeError> {
        let known: Vec<&str> = must.iter().chain(may).copied().collect();
        for key in self.constraints.keys() {
            if !known.contains(&key.as_str()) {
                let spelt: Vec<String> = known.iter().map(|key| format!("{key}=")).collect();
                let spelt: Vec<&str> = spelt.iter().map(String::as_str).collect();
                let none = spelt.is_empty();
                let hint = if none { "it takes none".to_owned() } else { nearest(&format!("{key}="), &spelt) };
                return Err(self.error(format!("unknown constraint '{key}='; {hint}")));
            }
        }
        match must.iter().find(|key| !self.constraints.contains_key(**key)) {
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

/// A number of bytes with its unit: `64KiB`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    parse_with_unit(text, &BYTES).filter(|bytes| (1..=1 << 40).contains(bytes))
}

/// The shortest way of writing a number of bytes.
pub fn print_bytes(bytes: u64) -> String {
    print_with_unit(bytes, &BYTES)
}

/// A stretch of time with its unit, in seconds: `30d`.
pub fn parse_seconds(text: &str) -> Option<u64> {
    parse_with_unit(text, &SECONDS).filter(|seconds| (1..=100 * 366 * 86_400).contains(seconds))
}

/// The shortest way of writing a number of seconds.
pub fn print_seconds(seconds: u64) -> String {
    print_with_unit(seconds, &SECONDS)
}

const BYTES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const SECONDS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

fn parse_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| plain)?.checked_mul(*unit)
}

fn print_with_unit(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().find(|(_, unit)| amount.is_multiple_of(*unit));
    fits.map_or_else(|| amount.to_string(), |(name, unit)| format!("{}{name}", amount / unit))
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

fn value(text: &str) -> bool {
    // What the log would escape would also turn a consent page around.
    let plain = text.chars().count() <= 512 && crate::audit::plain(text) == text;
    plain && !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && c != '=' && c != ',')
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
            if !word(key.strip_suffix('<').unwrap_or(key)) || !values.iter().all(|v| value(v)) {
                return Err(fail("a constraint is 'key=value,value' without empty values and invisible characters"));
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
    fn sizes_and_times_have_units() {
        for (text, bytes) in [("64KiB", Some(65_536)), ("1MiB", Some(1_048_576)), ("10B", Some(10))] {
            assert_eq!(parse_bytes(text), bytes);
            assert_eq!(bytes.map(print_bytes).as_deref(), Some(text));
        }
        for text in ["64", "KiB", "-1KiB", "+1KiB", "0B", "1.5MiB", "99999999999999MiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
        assert_eq!(parse_seconds("30d"), Some(2_592_000));
        assert_eq!(print_seconds(5_400), "90m");
        assert_eq!(parse_seconds("0s"), None);
    }

    #[test]
    fn a_bound_has_an_operator_of_its_own() {
        let scope: ScopeText = "kv:write ttl<=30d bytes=1MiB".parse().unwrap();
        assert_eq!(scope.to_string(), "kv:write bytes=1MiB ttl<=30d");
        assert_eq!(scope.values("ttl<"), ["30d"]);
        let error = scope.expect(&["bytes"], &[]).unwrap_err().to_string();
        assert!(error.contains("unknown constraint 'ttl<='"), "{error}");
        let error = "kv:write bytes=1B ttl=1d".parse::<ScopeText>().unwrap().expect(&["bytes"], &["ttl<"]).unwrap_err();
        assert!(error.to_string().contains("did you mean 'ttl<='?"), "{error}");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("", "empty"),
            ("tickets", "expected 'capability:action'"),
            ("tickets:read fields", "key=value"),
            ("tickets:read fields=", "without empty values"),
            ("tickets:read a=b a=c", "there twice"),
            ("Tickets:read", "lower-case"),
            ("events:receive types=\u{202e}gnp", "invisible characters"),
            ("kv:write ttl<<=1d", "key=value"),
            ("kv:write ttl<1d", "key=value"),
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
