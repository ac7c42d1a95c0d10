//! What a release did when it was run in a recording sandbox before anybody used it (MNT-6): the report that is attached to
//! a review, and compared when the next release comes.
//!
//! A [`Report`] is addressed by the SHA-256 of its [bytes](Report::encode), which are canonical JSON: keys sorted, no white
//! space, whole numbers only. The same release, tool, seed and corpus give the same bytes. What changes from run to run (CPU
//! time, wall-clock time) is in [`Measured`], beside the report and not under its digest.
//!
//! Invariants:
//! - names, classes and counts, never a value: neither an argument nor an answer nor a log line is in a report;
//! - no time of day and no name of a machine;
//! - a report that was read encodes to the very bytes that it was read from; every list in it has a bound;
//! - a report is evidence, and decides nothing.

mod finding;
mod measured;

use std::collections::BTreeMap;

pub use finding::{Finding, Weight};
pub use measured::{Bucket, Measured};
use serde::{Deserialize, Serialize};

use crate::{
    id::{Digest, PluginId},
    scope::ScopeText,
};

/// What the first member of every report says.
pub const FORMAT: &str = "portcullis-behaviour/1";

/// The largest report that is read, in bytes.
pub const MAX_REPORT: usize = 1024 * 1024;

/// The largest seed: what every reader of JSON can hold as a number.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// The most entries of any one list in a report; what came after is counted in its own member.
pub const MAX_ENTRIES: usize = 100;

/// The most shapes and missing scopes of all acts of a pass together.
pub const MAX_SHAPES: usize = 200;

/// The longest text in a shape, in characters.
pub const MAX_WORDS: usize = 160;

/// Everything that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// What was run.
    pub release: Subject,
    /// What ran it: the tool's version. Another version may make other inputs of the same seed.
    pub tool: String,
    /// What generated and mutated inputs, and the answers to the plugin, were made from: at most [`MAX_SEED`].
    pub seed: u64,
    /// What it was run on.
    pub corpus: Corpus,
    /// Under each grant that was tried, what it did: first under all that it asks for, then under what it requires.
    pub passes: Vec<Pass>,
    /// Whether the same input made it do the same.
    pub determinism: Determinism,
}

/// Which release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Subject {
    /// Which plugin, as its manifest says.
    pub plugin: PluginId,
    /// Its version, for people.
    pub version: String,
    /// The release's number.
    pub release: u64,
    /// Digest of the component.
    pub component: Digest,
    /// Digest of the manifest's text.
    pub manifest: Digest,
}

/// Where an input comes from. In a corpus they follow one another in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Bundled with the tool: realistic events.
    Sample,
    /// Brought along by whoever ran it.
    Given,
    /// A valid event with one thing varied.
    Generated,
    /// Made to do harm.
    Hostile,
    /// Changed by chance, several times over.
    Mutated,
}

/// The inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Corpus {
    /// Digest over all inputs, in order.
    pub digest: Digest,
    /// How many of each family. The inputs are numbered from 0, in the order of [`Family`].
    pub inputs: BTreeMap<Family, u64>,
    /// The types of its events.
    pub kinds: Vec<String>,
    /// The HTTP statuses that requests were answered with, among hostile bodies and failures.
    pub statuses: Vec<u16>,
}

/// Under which grant a pass was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granted {
    /// All scopes that the manifest asks for.
    All,
    /// Those without which, by its manifest, it does not work.
    Required,
}

/// What it did under one grant.
///
/// A call that was cut off by time (the limits `cpu-ms` and `wall-ms`) counts once for each thing that it did, however often
/// it did it: how often depends on the machine. It counts for no [`Peaks`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pass {
    /// Which grant.
    pub granted: Granted,
    /// The scopes in it.
    pub scopes: Vec<ScopeText>,
    /// Why it could not be called at all; then everything else is empty.
    pub unloadable: Option<String>,
    /// How many calls there were.
    pub calls: u64,
    /// How many inputs were left out because too many calls before were cut off by time.
    pub left_out: u64,
    /// How the calls ended: `ok`, `trap`, `limit cpu-ms`, `failed invalid`, `refused`, and how many did.
    pub ends: BTreeMap<String, u64>,
    /// What it asked the host for, by the act's name, such as `tickets.get`.
    pub acts: BTreeMap<String, ActUse>,
    /// Where it tried to send requests to.
    pub hosts: Vec<HostUse>,
    /// Entries that found no place in `hosts`.
    pub hosts_left_out: u64,
    /// Denials beyond those that the audit log lists of one call: of which acts is not known.
    pub denials_unlisted: u64,
    /// Traps and limits.
    pub breakages: Vec<Breakage>,
    /// Calls that broke in a way that found no place in `breakages`.
    pub breakages_left_out: u64,
    /// The most that any one call used.
    pub peaks: Peaks,
}

/// One act of a capability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ActUse {
    /// How often it was permitted.
    pub permitted: u64,
    /// How often it was denied.
    pub denied: u64,
    /// The number of the first input at which it was asked for.
    pub first: u64,
    /// The scopes that would have covered what was denied.
    pub needed: Vec<Needed>,
    /// In which shapes it was asked for, where it was permitted.
    pub shapes: Vec<ShapeUse>,
    /// Acts of which the scope or the shape found no place in the lists.
    pub left_out: u64,
}

/// A scope that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Needed {
    /// The least that would have covered it; of a request, of its whole host.
    pub scope: ScopeText,
    /// How often.
    pub denied: u64,
    /// The number of the first input.
    pub first: u64,
}

/// The arguments of an act, by name: field names, classes of lengths and counts, where an id came from, and what of the event
/// or of earlier answers was in a text. Never a value.
pub type Shape = BTreeMap<String, String>;

/// A shape and how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShapeUse {
    /// Which.
    pub shape: Shape,
    /// How often.
    pub acts: u64,
    /// The number of the first input.
    pub first: u64,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tried {
    /// It was permitted. Here it went to the recorder.
    Permitted,
    /// It was denied: no scope covers it.
    Denied,
    /// It was refused before anybody looked at scopes: such a URL is never allowed.
    Refused,
}

/// A place that requests were to go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostUse {
    /// The host's name; of a refused one what stood there, such as an address.
    pub host: String,
    /// The port; absent where none can be made out.
    pub port: Option<u16>,
    /// The method.
    pub method: String,
    /// What became of it.
    pub tried: Tried,
    /// Of a refused one, why.
    pub problem: Option<String>,
    /// How often.
    pub requests: u64,
    /// The number of the first input.
    pub first: u64,
}

/// A way in which calls broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Breakage {
    /// `trap` or `limit`.
    pub how: Broke,
    /// The trap's or the limit's name.
    pub kind: String,
    /// Where in its source, in the plugin's own words (`src/lib.rs:10:5`), where it logged them.
    pub place: Option<String>,
    /// How many calls, by the family of their inputs.
    pub calls: BTreeMap<Family, u64>,
    /// The number of the first input.
    pub first: u64,
}

/// How a call broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broke {
    /// The plugin's own fault ended it: a panic, a division by zero, a read out of bounds.
    Trap,
    /// A limit ended it.
    Limit,
}

/// The most of each in one call that was not cut off by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peaks {
    /// Linear memory, in bytes.
    pub memory: Peak,
    /// Calls into the host.
    pub host_calls: Peak,
    /// Acts, permitted and denied.
    pub acts: Peak,
    /// Outbound requests that were permitted.
    pub requests: Peak,
    /// Log lines that were kept.
    pub log_lines: Peak,
    /// Bytes of them.
    pub log_bytes: Peak,
    /// Log lines that were dropped.
    pub log_dropped: Peak,
}

/// A largest value, and where it was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peak {
    /// The value.
    pub most: u64,
    /// The number of the first input with it.
    pub input: u64,
}

impl Peak {
    /// Takes one more value into account.
    pub fn see(&mut self, value: u64, input: u64) {
        if value > self.most {
            *self = Self { most: value, input };
        }
    }
}

/// What can differ between two calls on the same input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Which acts it asked for, in which order, and whether they were permitted.
    Acts,
    /// With which arguments.
    Arguments,
    /// How the call ended.
    Outcome,
    /// What it logged.
    Log,
}

/// Whether the same input, with the same answers but another time of day and other random bytes, made it do the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Determinism {
    /// How many inputs were run again.
    pub inputs: u64,
    /// At how many anything differed.
    pub differing: u64,
    /// At how many of those it did the same again where time and random bytes were the same: there these two explain it.
    pub by_time_or_chance: u64,
    /// At how many each thing differed.
    pub aspects: BTreeMap<Aspect, u64>,
    /// The first difference.
    pub first: Option<Difference>,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Difference {
    /// The input's number.
    pub input: u64,
    /// What differed.
    pub aspect: Aspect,
    /// Which act or log line it was, from 0; absent for an outcome.
    pub at: Option<u64>,
    /// The act's name, where it is about one.
    pub act: Option<String>,
}

/// Why a text is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// It is too long.
    #[error("a behaviour report of {0} bytes; the most is {MAX_REPORT}")]
    TooLong(usize),
    /// It cannot be read.
    #[error("no behaviour report: {0}; make it with 'portcullis plugin vet -o'")]
    Unreadable(String),
    /// It was written by a version that this one does not know.
    #[error("the report says '{0}', this version reads '{FORMAT}'; run 'portcullis plugin vet' anew")]
    Format(String),
    /// It was changed or written by something else.
    #[error("the report is not in its one canonical form: it was written by another tool, or changed")]
    NotCanonical,
}

impl Report {
    /// The bytes that its digest is over: canonical JSON.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which no report that was read or made here does.
    pub fn encode(&self) -> Result<Vec<u8>, ReportError> {
        let bytes = crate::json::sorted(self).and_then(|value| serde_json::to_vec(&value));
        bytes.map_err(|error| ReportError::Unreadable(error.to_string()))
    }

    /// What it is known by.
    ///
    /// # Errors
    /// As for [`Report::encode`].
    pub fn digest(&self) -> Result<Digest, ReportError> {
        Ok(Digest::of(&self.encode()?))
    }

    /// Reads a report. The digest of `bytes` is the report's.
    ///
    /// # Errors
    /// Where it is too long, no report, of another format, or not in the form that [`Report::encode`] gives.
    pub fn read(bytes: &[u8]) -> Result<Self, ReportError> {
        if bytes.len() > MAX_REPORT {
            return Err(ReportError::TooLong(bytes.len()));
        }
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let unreadable = |error: serde_json::Error| ReportError::Unreadable(crate::audit::plain(&error.to_string()));
        let Head { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if format != FORMAT {
            return Err(ReportError::Format(crate::audit::plain(&format)));
        }
        let report: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        if report.encode()? == bytes { Ok(report) } else { Err(ReportError::NotCanonical) }
    }

    /// The pass under this grant.
    pub fn pass(&self, granted: Granted) -> Option<&Pass> {
        self.passes.iter().find(|pass| pass.granted == granted)
    }
}

#[cfg(test)]
mod tests;
