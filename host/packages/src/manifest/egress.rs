//! Where data goes, as the publisher says it: which host, in which region, run by whom, with what (INT-9, DAT-7, DAT-12).
//!
//! Invariants: a host is written in one way only, as the scopes that send know it; one entry speaks of a host at most, so
//! that no destination has two regions.

use std::{fmt, str::FromStr};

use portcullis_model::{class::Class, target::Target};
use serde::Serialize;

use super::{
    ManifestError,
    key::{Form, Key, PURPOSE},
    list,
    region::{REGION, Region},
    table::Reader,
};

/// The most entries of a manifest.
pub const MAX_EGRESS: usize = 64;

const HOST: Key = Key::must(
    "host",
    Form::Text(r"^(\*\.)?[^\s*/:@?#\\]+$", 255),
    "\"api.example.com\"",
    "Which host data is sent to, as in to= of an http:send scope: a name without scheme, port and path; *. in front stands for \
     any one label.",
);
const WHERE: Key = Key::must(
    "region",
    Form::Text(REGION, 6),
    "\"DE\"",
    "Where it is: a country by its ISO 3166-1 alpha-2 code, EEA, EU, or GLOBAL where it may be anywhere.",
);
const OPERATOR: Key =
    Key::must("operator", Form::Line(120), "\"Example GmbH\"", "The company that runs it and answers for it.");
const SUB_PROCESSOR: Key = Key::must(
    "sub-processor",
    Form::Flag,
    "true",
    "Whether that company handles the data on the publisher's behalf. False for a service that the subscriber has chosen itself.",
);
const WHY: Key = Key::must("purpose", PURPOSE, "\"To post the line to your chat room.\"", "What is sent there for.");
const DATA: Key = Key::must(
    "data",
    Form::Classes(1),
    "[\"personal\"]",
    "The classes of data that are sent there; each one of data-classes.",
);

pub(super) const KEYS: &[Key] = &[HOST, WHERE, OPERATOR, SUB_PROCESSOR, WHY, DATA];

/// A host, or all hosts with any one label before a domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Host(String);

impl Host {
    /// As it is written: `api.example.com`, `*.example.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every host that the other one means is meant by this one.
    pub fn covers(&self, other: &Self) -> bool {
        let under =
            self.0.strip_prefix("*.").zip(other.0.split_once('.')).is_some_and(|(domain, (_, rest))| domain == rest);
        self == other || under
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        if name.contains(['/', ':', '@', '?', '#', '\\', '*']) {
            return Err(format!(
                "'{text}' is no host; write a name such as api.example.com or *.example.com, without scheme, port and path"
            ));
        }
        let target: Target = format!("https://{name}/").parse().map_err(|problem: String| {
            let problem = problem.strip_prefix("url: ").unwrap_or(&problem).to_owned();
            format!("'{text}' is no host such as api.example.com or *.example.com: {problem}")
        })?;
        match target.host() == name {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "'{text}' has another spelling; write it as {}{}",
                &text[..text.len() - name.len()],
                target.host()
            )),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place that data goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Egress {
    /// Which host.
    pub host: Host,
    /// Where it is.
    pub region: Region,
    /// The company that runs it.
    pub operator: String,
    /// Whether that company handles the data on the publisher's behalf, not on the subscriber's own.
    pub sub_processor: bool,
    /// What is sent there for, in the publisher's words.
    pub purpose: String,
    /// The classes of data that are sent there, as the publisher says; at least one.
    pub data: Vec<Class>,
}

pub(super) fn read(tables: &[Reader<'_>], declared: &[Class]) -> Result<Vec<Egress>, ManifestError> {
    let mut entries: Vec<Egress> = Vec::with_capacity(tables.len());
    for table in tables {
        let one = Egress {
            host: table.parsed(&HOST)?,
            region: table.parsed(&WHERE)?,
            operator: table.line(&OPERATOR)?,
            sub_processor: table.flag(&SUB_PROCESSOR)?,
            purpose: table.line(&WHY)?,
            data: table.declared(&DATA, declared)?,
        };
        let both = |other: &&Egress| other.host.covers(&one.host) || one.host.covers(&other.host);
        if let Some(other) = entries.iter().find(both) {
            let problem = format!("'{}' and '{}' speak of the same host; keep one of them", other.host, one.host);
            return Err(table.wrong(&HOST, problem));
        }
        entries.push(one);
    }
    Ok(entries)
}

impl fmt::Display for Egress {
    /// One clause, for an admin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = if self.region.as_str() == "GLOBAL" { "anywhere" } else { self.region.as_str() };
        let role = if self.sub_processor { ", a sub-processor" } else { "" };
        write!(
            f,
            "{} ({region}), run by {}{role}: {} data; {}",
            self.host,
            self.operator,
            list(&self.data),
            self.purpose
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for text in ["api.example.com", "*.example.com", "xn--bcher-kva.example", "a_b.example"] {
            assert_eq!(text.parse::<Host>().as_ref().map(Host::as_str), Ok(text));
        }
        for (text, error) in [
            ("API.example.com", "write it as api.example.com"),
            ("*.API.example.com", "write it as *.api.example.com"),
            ("bücher.example", "write it as xn--bcher-kva.example"),
            ("api.example.com.", "write it as api.example.com"),
            ("https://api.example.com", "without scheme, port and path"),
            ("api.example.com:8443", "without scheme, port and path"),
            ("api.example.com/v1", "without scheme, port and path"),
            ("user@example.com", "without scheme, port and path"),
            ("*.*.example.com", "without scheme, port and path"),
            ("a.*.example.com", "without scheme, port and path"),
            ("*", "without scheme, port and path"),
            ("*.", "is no host"),
            ("", "is no host"),
            ("*.com", "is no host"),
            ("localhost", "is no host"),
            ("10.0.0.1", "is no host"),
            ("a b.example", "is no host"),
            ("a.example\n", "is no host"),
            ("%61.example", "write it as a.example"),
        ] {
            let found = text.parse::<Host>().unwrap_err();
            assert!(found.contains(error), "{text}: {found}");
        }
    }

    #[test]
    fn a_star_is_one_label() {
        let covers = |a: &str, b: &str| a.parse::<Host>().unwrap().covers(&b.parse().unwrap());
        for (a, b, expected) in [
            ("a.example.com", "a.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("a.example.com", "*.example.com", false),
            ("*.example.com", "b.a.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.a.example.com", "*.example.com", false),
            ("*.example.com", "*.a.example.com", false),
            ("a.example.com", "b.example.com", false),
        ] {
            assert_eq!(covers(a, b), expected, "{a} {b}");
        }
    }
}
