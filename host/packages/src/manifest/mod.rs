//! The manifest, `portcullis.toml`: who publishes what, which scopes it asks for and what for, what becomes of the data, within
//! which limits.
//!
//! Invariants: every key is known, with a suggestion where one is not; the plugin's id lies below its publisher's; every
//! scope states its purpose (DAT-2); what was read is bound to the digest of its text; written out under its own names it
//! reads as the same manifest. A manifest says what a plugin asks for and what its publisher says, never what it gets.

mod ai;
mod asked;
mod check;
mod cron;
mod egress;
mod error;
mod key;
mod maintenance;
mod period;
mod region;
mod remarks;
mod retention;
mod schedule;
mod schema;
mod table;

use std::{collections::BTreeSet, fmt::Display};

pub use ai::AiUse;
pub use asked::AskedScope;
pub use cron::Cron;
pub use egress::{Egress, Host, MAX_EGRESS};
pub use error::ManifestError;
use key::{CONTACT, Form, HTTPS, Key};
pub use maintenance::Maintenance;
pub use period::{Date, Days};
use portcullis_model::{
    class::Class,
    egress::Destination,
    id::{Digest, PluginId, PublisherId},
    limits::Limits,
    scope::ScopeText,
};
pub use region::Region;
pub use retention::{Outside, Retention, Storage};
pub use schedule::{MAX_SCHEDULES, Schedule};
pub use schema::schema;
use serde::Serialize;
use table::Reader;

/// The longest manifest, in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

/// The most scopes that a manifest asks for.
pub const MAX_SCOPES: usize = 64;

const REVERSE_DNS: Form = Form::Text(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$", 128);

const ID: Key = Key::must(
    "id",
    REVERSE_DNS,
    "\"com.example.card-guard\"",
    "The plugin, in reverse-DNS form; begins with the publisher and a dot.",
);
const NAME: Key = Key::must("name", Form::Line(80), "\"Card Guard\"", "Its name, for people.");
const VERSION: Key = Key::must(
    "version",
    Form::Text(r"^\s*[0-9]+\.[0-9]+\.[0-9]+([-+]|\s*$)", 64),
    "\"1.0.0\"",
    "The release's version, for people: semantic.",
);
const RELEASE: Key = Key::must(
    "release",
    Form::Count,
    "1",
    "The release's number: a newer release has a higher one, whatever its version.",
);
const PUBLISHER: Key =
    Key::must("publisher", REVERSE_DNS, "\"com.example\"", "Who publishes and signs it, in reverse-DNS form.");
const SUMMARY: Key =
    Key::must("summary", Form::Line(200), "\"Hides card numbers in tickets\"", "What it does, in one line.");
const TERMS: Key = Key::must("terms", HTTPS, "\"https://example.com/terms\"", "Where its terms are.");
const PRIVACY: Key =
    Key::must("privacy", HTTPS, "\"https://example.com/privacy\"", "Where it says what it does with personal data.");
const SUPPORT: Key = Key::must("support", CONTACT, "\"mailto:help@example.com\"", "Where to ask for help.");
const CLASSES: Key = Key::may(
    "data-classes",
    Form::Classes(0),
    "[\"internal\", \"personal\"]",
    "The classes of data that it touches. What its scopes touch of personal, health, payment or secret data must be here.",
);
const MAINTENANCE: Key =
    Key::may("maintenance", Form::Table(maintenance::KEYS), "", "What the publisher promises about upkeep.");
const RETENTION: Key =
    Key::may("retention", Form::Table(retention::KEYS), "", "How long data is kept.").with(retention::rule);
const AI: Key = Key::may(
    "ai",
    Form::Table(ai::KEYS),
    "",
    "Whether it uses generative AI. Without this table it says that it uses none; with uses = true every key must be there.",
)
.with(ai::rule);
const SCOPES: Key = Key::may("scopes", Form::Tables(asked::KEYS, MAX_SCOPES), "", "A scope that it asks for.");
const EGRESS: Key = Key::may(
    "egress",
    Form::Tables(egress::KEYS, MAX_EGRESS),
    "",
    "A host that data is sent to: one entry for each host of its http:send scopes.",
);
const SCHEDULES: Key = Key::may(
    "schedules",
    Form::Tables(schedule::KEYS, MAX_SCHEDULES),
    "",
    "A time at which it wants to be called without an event.",
);
const LIMITS: Key = Key::may(
    "limits",
    Form::Limits,
    "",
    "The limits that it asks for, where the usual ones do not fit. The host may give less.",
);

/// All keys of a manifest.
const KEYS: &[Key] = &[
    ID,
    NAME,
    VERSION,
    RELEASE,
    PUBLISHER,
    SUMMARY,
    TERMS,
    PRIVACY,
    SUPPORT,
    CLASSES,
    MAINTENANCE,
    RETENTION,
    AI,
    SCOPES,
    EGRESS,
    SCHEDULES,
    LIMITS,
];

/// A manifest that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The digest of the text it was read from, byte for byte.
    pub digest: Digest,
    /// The plugin.
    pub id: PluginId,
    /// Its name, for people.
    pub name: String,
    /// The release's version: semantic, for people.
    pub version: String,
    /// The release's number, from 1: a newer release has a higher one.
    pub release: u64,
    /// Who publishes and signs it.
    pub publisher: PublisherId,
    /// What it does, in one line.
    pub summary: String,
    /// Where its terms are.
    pub terms: String,
    /// Where it says what it does with personal data.
    pub privacy: String,
    /// Where to ask for help: an `https` or `mailto` URL.
    pub support: String,
    /// The classes of data that it touches, as its publisher says (DAT-1).
    pub data_classes: Vec<Class>,
    /// What the publisher promises about upkeep; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// How long data is kept; `None`: it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// How it uses generative AI (DAT-14); `None`: it says that it does not.
    #[serde(serialize_with = "ai::written")]
    pub ai: Option<AiUse>,
    /// The scopes it asks for.
    pub scopes: Vec<AskedScope>,
    /// Where data goes (DAT-7). One entry for a host at most.
    pub egress: Vec<Egress>,
    /// When it wants to be called without an event.
    pub schedules: Vec<Schedule>,
    /// The limits it asks for.
    pub limits: Limits,
}

impl Manifest {
    /// Reads a manifest. The error names the table and the key, and says what to write there.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong(text.len()));
        }
        let root = text.parse::<toml::Table>().map_err(|error| ManifestError::syntax(text, &error))?;
        let top = Reader::new("the manifest", &root, KEYS)?;
        let (id, publisher) = names(&top)?;
        let data_classes = top.classes(&CLASSES)?;
        let egress = egress::read(&top.tables(&EGRESS)?, &data_classes)?;
        let retention = top.table(&RETENTION)?.map(|table| Retention::read(&table, !egress.is_empty()));
        Ok(Self {
            digest: Digest::of(text.as_bytes()),
            id,
            name: top.line(&NAME)?,
            version: version(&top)?,
            release: top.count(&RELEASE)?,
            publisher,
            summary: top.line(&SUMMARY)?,
            terms: top.url(&TERMS)?,
            privacy: top.url(&PRIVACY)?,
            support: top.url(&SUPPORT)?,
            maintenance: top.table(&MAINTENANCE)?.map(|table| Maintenance::read(&table)).transpose()?,
            retention: retention.transpose()?,
            ai: top.table(&AI)?.map_or(Ok(None), |table| ai::read(&table, &data_classes))?,
            data_classes,
            scopes: asked::read(&top.tables(&SCOPES)?)?,
            egress,
            schedules: schedule::read(&top.tables(&SCHEDULES)?)?,
            limits: top.table(&LIMITS)?.map_or_else(|| Ok(Limits::default()), |table| table.counts())?,
        })
    }

    /// Every host that it sends to, and where.
    pub fn destinations(&self) -> Vec<Destination> {
        let one = |entry: &Egress| Destination { host: entry.host.to_string(), region: entry.region.clone() };
        self.egress.iter().map(one).collect()
    }

    /// All scopes that it asks for.
    pub fn asked(&self) -> Vec<ScopeText> {
        self.scopes.iter().map(|asked| asked.scope.clone()).collect()
    }

    /// Those scopes without which the plugin does not work.
    pub fn required(&self) -> Vec<ScopeText> {
        self.scopes.iter().filter(|asked| !asked.optional).map(|asked| asked.scope.clone()).collect()
    }

    /// The capabilities that its scopes are about.
    pub fn capabilities(&self) -> BTreeSet<&str> {
        self.scopes.iter().map(|asked| asked.scope.capability()).collect()
    }
}

/// The plugin and its publisher.
fn names(top: &Reader<'_>) -> Result<(PluginId, PublisherId), ManifestError> {
    let (id, publisher): (PluginId, PublisherId) = (top.parsed(&ID)?, top.parsed(&PUBLISHER)?);
    match id.as_str().strip_prefix(publisher.as_str()) {
        Some(rest) if rest.starts_with('.') => Ok((id, publisher)),
        _ => Err(top.wrong(&ID, format!("'{id}' must begin with the publisher and a dot: '{publisher}.'"))),
    }
}

fn version(top: &Reader<'_>) -> Result<String, ManifestError> {
    let text = top.line(&VERSION)?;
    match semver::Version::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(top.wrong(&VERSION, format!("'{text}' is not a semantic version such as 1.0.0: {error}"))),
    }
}

/// Items with commas between them.
fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// The example in the documentation: its one block of TOML.
#[cfg(test)]
fn documented() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/developers/manifest.md");
    let page = std::fs::read_to_string(page).expect("the page about the manifest");
    let (_, rest) = page.split_once("```toml\n").expect("an example");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[cfg(test)]
mod data_test;
#[cfg(test)]
mod tests;
