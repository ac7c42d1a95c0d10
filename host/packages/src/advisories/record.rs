//! A record of OSV, less what is not needed here.
//!
//! Invariants: every text is escaped and cut; lists are bounded; what a record says about other ecosystems, or by Git commits, is
//! left out.

use std::collections::BTreeSet;

use portcullis_model::audit::plain;
use serde::{Deserialize, Serialize};

use super::{AdvisoryError, Rating, Severity};
use crate::inspect::dependencies::Ecosystem;

const MAX_ID: usize = 128;
const MAX_ALIASES: usize = 50;
const MAX_AFFECTED: usize = 2_000;
const MAX_EVENTS: usize = 2_000;
const MAX_VERSIONS: usize = 20_000;
const MAX_VERSION: usize = 128;
const MAX_NAME: usize = 214;

/// An advisory, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    /// Its id, such as `RUSTSEC-2024-0001`.
    pub id: String,
    /// When it was last changed, as RFC 3339 in UTC.
    pub modified: String,
    /// What others call it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// What it is about, in one line.
    pub summary: String,
    /// How bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The packages that it is about.
    pub affected: Vec<Affected>,
}

/// A package, and which versions of it are affected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affected {
    /// Where it is published: OSV's name.
    pub ecosystem: String,
    /// Its name.
    pub name: String,
    /// Stretches of versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Single versions.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub versions: BTreeSet<String>,
    /// Whether it says by commits alone which versions are affected, so that nobody can compare.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_commits: bool,
    /// That it is no vulnerability but a piece of news, and of which sort: `unmaintained`, `unsound`, `notice` (RustSec).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub informational: Option<String>,
}

/// By which order versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RangeKind {
    /// Semantic versions.
    Semver,
    /// The ecosystem's own.
    Ecosystem,
}

/// Versions from some event to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The order.
    pub kind: RangeKind,
    /// What happens at which version.
    pub events: Vec<Event>,
}

/// What happens at a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is affected from this one on; `0` stands for the very first.
    Introduced(String),
    /// It is affected no more from this one on.
    Fixed(String),
    /// It is affected up to this one, and no more after it.
    LastAffected(String),
    /// Nothing is said of this one and what follows; `*` stands for no end.
    Limit(String),
}

impl Event {
    /// The version.
    pub(super) fn version(&self) -> &str {
        match self {
            Self::Introduced(version) | Self::Fixed(version) | Self::LastAffected(version) | Self::Limit(version) => {
                version
            }
        }
    }
}

/// The record as it is published. Members that are not named here are passed over, as the schema asks of readers.
#[derive(Deserialize)]
struct Raw {
    id: String,
    modified: String,
    withdrawn: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    summary: Option<String>,
    details: Option<String>,
    #[serde(default)]
    severity: Vec<RawSeverity>,
    #[serde(default)]
    affected: Vec<RawAffected>,
    database_specific: Option<RawSpecific>,
}

#[derive(Deserialize)]
struct RawSeverity {
    score: String,
}

#[derive(Deserialize)]
struct RawAffected {
    package: Option<RawPackage>,
    #[serde(default)]
    ranges: Vec<RawRange>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<RawSeverity>,
    database_specific: Option<RawSpecific>,
}

#[derive(Deserialize)]
struct RawPackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RawRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<RawEvent>,
}

#[derive(Deserialize)]
struct RawEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// What databases say beyond the schema. A member of another shape than expected says nothing.
#[derive(Deserialize)]
struct RawSpecific {
    #[serde(default)]
    severity: serde_json::Value,
    #[serde(default)]
    informational: serde_json::Value,
    #[serde(default)]
    cvss: serde_json::Value,
}

impl Advisory {
    /// Reads a published record. `None` where it was withdrawn, or is about none of the ecosystems that plugins are made of.
    pub(super) fn of(record: serde_json::Value) -> Result<Option<Self>, AdvisoryError> {
        let wrong = |problem: String| AdvisoryError::NotRecord(plain(&problem));
        let raw: Raw = serde_json::from_value(record).map_err(|error| wrong(error.to_string()))?;
        if raw.id.is_empty() || raw.id.len() > MAX_ID || !raw.id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(format!("'{}' is no id", raw.id)));
        }
        if !is_moment(&raw.modified) {
            return Err(wrong(format!("{}: modified is '{}', not RFC 3339 in UTC", raw.id, raw.modified)));
        }
        if raw.withdrawn.is_some() {
            return Ok(None);
        }
        let severity = severity(&raw);
        let bounded = raw.affected.len() <= MAX_AFFECTED && raw.aliases.len() <= MAX_ALIASES;
        if !bounded {
            return Err(wrong(format!("{}: it has too many packages or aliases", raw.id)));
        }
        let affected: Vec<Affected> = raw
            .affected
            .into_iter()
            .filter_map(affected)
            .collect::<Result<_, String>>()
            .map_err(|problem| AdvisoryError::NotRecord(plain(&format!("{}: {problem}", raw.id))))?;
        let first_line = raw.details.as_deref().unwrap_or_default().lines().find(|line| !line.trim().is_empty());
        let summary = raw.summary.filter(|text| !text.trim().is_empty());
        Ok((!affected.is_empty()).then(|| Self {
            summary: plain(
                summary.as_deref().or(first_line).unwrap_or("no summary").trim_start_matches(['#', ' ']).trim(),
            ),
            id: raw.id,
            modified: raw.modified,
            aliases: raw.aliases.iter().map(|alias| plain(alias)).collect(),
            severity,
            affected,
        }))
    }
}

fn severity(raw: &Raw) -> Option<Severity> {
    let specific = raw.database_specific.as_ref();
    let of_affected =
        || raw.affected.iter().flat_map(|one| one.severity.iter().map(|severity| severity.score.as_str()));
    let cvss = || raw.affected.iter().find_map(|one| one.database_specific.as_ref()?.cvss.as_str());
    let vector = raw.severity.iter().map(|one| one.score.as_str()).chain(of_affected()).chain(cvss());
    let mut vectors: Vec<Severity> = vector.take(8).map(Severity::of_vector).collect();
    // Of several, the one that says the worst.
    vectors.sort_by_key(|one| std::cmp::Reverse(one.rating));
    let word = specific.and_then(|specific| specific.severity.as_str()).and_then(Rating::of_word);
    match vectors.into_iter().next() {
        Some(one) => Some(Severity { rating: one.rating.or(word), ..one }),
        None => word.map(|rating| Severity { vector: None, rating: Some(rating) }),
    }
}

/// `None` for what is of no ecosystem that is looked at.
fn affected(raw: RawAffected) -> Option<Result<Affected, String>> {
    let package = raw.package?;
    let base = package.ecosystem.split(':').next().unwrap_or_default();
    let ecosystem = Ecosystem::ALL.into_iter().find(|one| one.name() == base)?;
    if package.name.is_empty() || package.name.len() > MAX_NAME {
        return Some(Err("a package's name is empty or too long".to_owned()));
    }
    if raw.versions.len() > MAX_VERSIONS || raw.versions.iter().any(|version| version.len() > MAX_VERSION) {
        return Some(Err("it has too many versions, or one that is too long".to_owned()));
    }
    let ranged = !raw.ranges.is_empty();
    let ranges = raw.ranges.into_iter().filter_map(range).collect::<Result<Vec<_>, _>>();
    let informational = raw.database_specific.and_then(|one| one.informational.as_str().map(plain));
    Some(ranges.map(|ranges| Affected {
        ecosystem: ecosystem.name().to_owned(),
        name: plain(&package.name),
        by_commits: ranged && ranges.is_empty() && raw.versions.is_empty(),
        ranges,
        versions: raw.versions.iter().map(|version| plain(version)).collect(),
        informational,
    }))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it like this")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// `None` for a range of Git commits.
fn range(raw: RawRange) -> Option<Result<Range, String>> {
    let kind = match raw.kind.as_str() {
        "SEMVER" => RangeKind::Semver,
        "ECOSYSTEM" => RangeKind::Ecosystem,
        _ => return None,
    };
    if raw.events.len() > MAX_EVENTS {
        return Some(Err("a range has too many events".to_owned()));
    }
    let mut events = Vec::new();
    for one in raw.events {
        let all = [
            one.introduced.map(Event::Introduced),
            one.fixed.map(Event::Fixed),
            one.last_affected.map(Event::LastAffected),
            one.limit.map(Event::Limit),
        ];
        events.extend(all.into_iter().flatten());
    }
    if events.iter().any(|event| event.version().len() > MAX_VERSION || plain(event.version()) != event.version()) {
        return Some(Err("a range names a version that is none".to_owned()));
    }
    Some(Ok(Range { kind, events }))
}

/// `2024-05-01T12:00:00Z`, with any fraction of a second.
fn is_moment(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let Some(moment) = text.strip_suffix('Z') else { return false };
    let (whole, fraction) = moment.split_once('.').unwrap_or((moment, "0"));
    whole.len() == 19
        && whole.bytes().enumerate().all(shape)
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}
