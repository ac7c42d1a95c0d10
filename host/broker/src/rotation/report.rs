//! What an act leaves behind: one line a credential and the totals, as an in-toto Statement v1 that is then signed (INT-6).
//!
//! The statement's subject is what the act was about: the SHA-256 of its items and the generations that were to be replaced, one a line.
//!
//! Invariants: a report is derived from what is stored of the act, and from nothing else; its totals are those of its lines, and its
//! subject is that of its lines, which whoever reads it checks anew; nothing in it is a secret.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::plain,
    id::Digest,
    rotation::{Act, Line, Outcome, Revocation},
};
use serde::{Deserialize, Serialize};

/// `_type` of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// `predicateType` of a report: with the version of its form.
pub const PREDICATE: &str = "https://portcullis.dev/statements/rotation/v1";

/// The longest report, in bytes of its signed envelope. An act of about forty thousand lines.
pub const MAX_REPORT: usize = 32 * 1024 * 1024;

/// What became of how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Totals {
    /// All lines.
    pub items: usize,
    /// By outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// By what became of the old one.
    pub revocations: BTreeMap<Revocation, usize>,
    /// From the first line's first step to the last line's outcome, in milliseconds.
    pub took_ms: u64,
}

impl Totals {
    /// Those of these lines.
    pub fn of(lines: &[Line]) -> Self {
        let mut totals = Self { items: lines.len(), ..Self::default() };
        for line in lines {
            *totals.outcomes.entry(line.outcome).or_default() += 1;
            *totals.revocations.entry(line.revocation).or_default() += 1;
        }
        let first = lines.iter().filter_map(|line| line.started).min();
        let last = lines.iter().filter_map(|line| line.ended).max();
        totals.took_ms = first.zip(last).map_or(0, |(first, last)| u64::try_from(last.0 - first.0).unwrap_or(0));
        totals
    }

    /// How many lines have this outcome.
    pub fn outcome(&self, outcome: Outcome) -> usize {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// How many old ones ended so.
    pub fn revocation(&self, revocation: Revocation) -> usize {
        self.revocations.get(&revocation).copied().unwrap_or_default()
    }

    /// As names and numbers, for the log.
    pub fn named(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("items", self.items),
            ("renewed", self.outcome(Outcome::Renewed)),
            ("ended", self.outcome(Outcome::Ended)),
            ("person-needed", self.outcome(Outcome::PersonNeeded)),
            ("failed", self.outcome(Outcome::Failed)),
            ("revoked", self.revocation(Revocation::Confirmed) + self.revocation(Revocation::Replaced)),
            ("not-offered", self.revocation(Revocation::NotOffered)),
            ("revocation-failed", self.revocation(Revocation::Failed)),
        ]
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Report {
    /// The act.
    pub act: Act,
    /// From the order to the moment from which nothing in the extent went out, in milliseconds; absent where nothing was frozen.
    pub reach_ms: Option<u64>,
    /// One a credential.
    pub lines: Vec<Line>,
    /// What became of how many.
    pub totals: Totals,
}

/// Why a statement is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// It cannot be read.
    #[error("the report cannot be read: {0}")]
    Unreadable(String),
    /// It is another statement.
    #[error("this is a statement of another kind: {what} is '{found}'; expected '{expected}'")]
    Kind {
        /// Which member.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// It contradicts itself.
    #[error("the report contradicts itself: its {0} is not that of its lines")]
    Contradiction(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Report,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
}

impl Report {
    /// The report of an act.
    pub fn new(act: Act, lines: Vec<Line>) -> Self {
        let reach_ms = act.reached.map(|reached| u64::try_from(reached.at.0 - act.started.0).unwrap_or(0));
        Self { act, reach_ms, totals: Totals::of(&lines), lines }
    }

    fn subject(&self) -> Subject {
        let lines = self.lines.iter().map(|line| format!("{} {}\n", line.item, line.old_generation));
        let digest = Digest::of(lines.collect::<String>().as_bytes()).hex();
        Subject { name: format!("rotation/{}", self.act.id), digest: BTreeMap::from([("sha256".to_owned(), digest)]) }
    }

    /// The statement's bytes, to be signed.
    pub fn statement(&self) -> Result<Vec<u8>, ReportError> {
        let statement = Statement {
            kind: STATEMENT.to_owned(),
            subject: vec![self.subject()],
            predicate_type: PREDICATE.to_owned(),
            predicate: self.clone(),
        };
        serde_json::to_vec(&statement).map_err(|error| ReportError::Unreadable(error.to_string()))
    }

    /// Reads a statement whose signature was checked, and holds it against itself.
    pub fn read(statement: &[u8]) -> Result<Self, ReportError> {
        let read: Statement =
            serde_json::from_slice(statement).map_err(|error| ReportError::Unreadable(plain(&error.to_string())))?;
        for (what, found, expected) in
            [("_type", &read.kind, STATEMENT), ("predicateType", &read.predicate_type, PREDICATE)]
        {
            if found != expected {
                return Err(ReportError::Kind { what, found: plain(found), expected });
            }
        }
        let report = read.predicate;
        let subject = report.subject();
        let same = |one: &Subject| one.name == subject.name && one.digest == subject.digest;
        if read.subject.len() != 1 || !read.subject.iter().all(same) {
            return Err(ReportError::Contradiction("subject"));
        }
        if report.totals != Totals::of(&report.lines) {
            return Err(ReportError::Contradiction("total"));
        }
        Ok(report)
    }

    /// Whether everything in it is over: nothing failed, and nothing was left.
    pub fn is_whole(&self) -> bool {
        !self.lines.iter().any(Line::is_open) && self.act.reached.is_none_or(|reached| reached.left == 0)
    }
}
