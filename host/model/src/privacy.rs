//! Requests of data subjects (DAT-9): what a person asks for, and what a plugin answers.
//!
//! Invariant: what identifies the person is in the request alone, and a plugin is told of it only what its grant lets it read.

mod find;
mod request;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    find::{Finder, Finders, SHORTEST},
    request::{Closing, HeldCopies, NewPart, PartState, PrivacyPart, PrivacyRequest, PrivacyStore, Stage, Sweep},
};

use crate::{id::TenantId, time::Timestamp};

/// What the person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivacyKind {
    /// To get what is held about them.
    Access,
    /// To have it put right.
    Correct,
    /// To have it erased.
    Erase,
    /// To have it kept and not used.
    Restrict,
}

impl PrivacyKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Access, Self::Correct, Self::Erase, Self::Restrict];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Correct => "correct",
            Self::Erase => "erase",
            Self::Restrict => "restrict",
        }
    }
}

/// What a person is known by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    /// The id at the help desk.
    pub user: String,
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Telephone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
}

impl Identity {
    /// Everything that the person is known by, the id first, each once.
    pub fn all(&self) -> Vec<&str> {
        let rest = [&self.names, &self.emails, &self.phones].into_iter().flatten().map(String::as_str);
        let mut all: Vec<&str> = Vec::new();
        for one in std::iter::once(self.user.as_str()).chain(rest) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    /// What is wrong with it, in words for whoever gave it.
    pub fn problem(&self) -> Option<String> {
        let rest = [&self.names, &self.emails, &self.phones];
        if rest.iter().map(|some| some.len()).sum::<usize>() > MOST_IDENTIFIERS {
            return Some(format!("at most {MOST_IDENTIFIERS} names, addresses and numbers of one person"));
        }
        let bad = |text: &str| text.trim() != text || text.is_empty() || text.chars().count() > LONGEST;
        if self.all().into_iter().any(|text| bad(text) || text.chars().any(char::is_control)) {
            return Some(format!("each of 1 to {LONGEST} characters, without space around it or control characters"));
        }
        None
    }
}

/// The most names, addresses and numbers of one person.
const MOST_IDENTIFIERS: usize = 50;
/// The longest of them, in characters.
const LONGEST: usize = 320;

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(a person)")
    }
}

/// What is asked of a plugin: the data of an event in the form [`EventForm::Privacy`](crate::event::EventForm::Privacy).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PrivacyAsk {
    /// What.
    pub kind: PrivacyKind,
    /// About whom.
    pub who: Identity,
    /// By when all must be answered.
    pub deadline: Timestamp,
    /// For [`PrivacyKind::Correct`]: what is right now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Value>,
}

/// The same, as far as one plugin may know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivacyShown {
    /// What.
    pub kind: PrivacyKind,
    /// The person's id at the help desk.
    pub user: String,
    /// What else the plugin can know the person by.
    pub identifiers: Vec<String>,
    /// By when.
    pub deadline: Timestamp,
    /// What is right now.
    pub correction: Option<Value>,
}

/// What a plugin answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum PrivacyAnswer {
    /// It holds nothing about this person.
    NothingHeld,
    /// It was done.
    Done {
        /// To how many records.
        records: u32,
        /// What is held, as JSON text: personal data.
        data: Option<String>,
        /// Where and how, in the plugin's words.
        note: Option<String>,
    },
    /// It has begun.
    Later {
        /// Seconds until it makes sense to ask again.
        seconds: u32,
    },
}

impl std::fmt::Debug for PrivacyAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NothingHeld => f.write_str("NothingHeld"),
            Self::Done { records, .. } => write!(f, "Done({records} records)"),
            Self::Later { seconds } => write!(f, "Later({seconds} s)"),
        }
    }
}

/// The origin of requests of data subjects: they come from the host, through no source.
pub const ORIGIN: &str = "privacy";

/// The type of the event that carries a request, such as `portcullis.privacy.erase`.
pub fn event_kind(kind: PrivacyKind) -> String {
    format!("portcullis.privacy.{}", kind.name())
}

/// The subject of that event in a tenant: no personal data.
pub fn subject(tenant: &TenantId, id: &str) -> String {
    format!("portcullis:privacy:{tenant}:{id}")
}
