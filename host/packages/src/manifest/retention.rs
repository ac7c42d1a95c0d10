//! How long data is kept, as the publisher says it (DAT-8): in the plugin's own storage here, and outside of this host.
//!
//! Invariant: what is kept outside has a purpose and a way out.

use std::{fmt, str::FromStr};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    ManifestError,
    key::{Form, Key, PURPOSE},
    period::Days,
    table::Reader,
};

const STORAGE: Key = Key::must(
    "storage",
    Form::Text("^([1-9][0-9]{0,4}d|until-uninstalled|none)$", 17),
    "\"until-uninstalled\"",
    "How long the plugin keeps what it stores in this host (kv and files): days, until-uninstalled, or none where it stores \
     nothing.",
);
const OUTSIDE: Key = Key::must(
    "outside",
    Form::Text("^([1-9][0-9]{0,4}d|none)$", 6),
    "\"none\"",
    "How long the publisher keeps what was sent out of this host: days, or none where nothing is kept.",
);
const WHY: Key = Key::may(
    "outside-purpose",
    PURPOSE,
    "\"To show you the counts of the last month.\"",
    "What it is kept outside for; needed where outside is not none.",
);

pub(super) const KEYS: &[Key] = &[STORAGE, OUTSIDE, WHY];

/// How long something is kept in a plugin's own storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum Storage {
    /// It stores nothing.
    None,
    /// As long as the plugin is installed.
    UntilUninstalled,
    /// So many days at most.
    Days(Days),
}

/// How long the publisher keeps something outside of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum Outside {
    /// Nothing is kept there.
    None,
    /// So many days at most.
    Days(Days),
}

/// How long data is kept, as the publisher says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Retention {
    /// In the plugin's own storage.
    pub storage: Storage,
    /// Outside of this host.
    pub outside: Outside,
    /// What it is kept outside for; there exactly where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside_purpose: Option<String>,
}

impl Retention {
    /// `sends`: whether anything leaves this host at all.
    pub(super) fn read(table: &Reader<'_>, sends: bool) -> Result<Self, ManifestError> {
        let (storage, outside) = (table.parsed(&STORAGE)?, table.parsed(&OUTSIDE)?);
        let outside_purpose = match outside {
            Outside::None if table.has(&WHY) => {
                return Err(
                    table.wrong(&WHY, "nothing is kept outside; drop this line, or say in outside for how long")
                );
            }
            Outside::None => None,
            Outside::Days(_) if !sends => {
                let problem = "nothing leaves this host without an [[egress]]; write \"none\", or say where it goes";
                return Err(table.wrong(&OUTSIDE, problem));
            }
            Outside::Days(_) if !table.has(&WHY) => return Err(table.missing(&WHY)),
            Outside::Days(_) => Some(table.line(&WHY)?),
        };
        Ok(Self { storage, outside, outside_purpose })
    }
}

/// A purpose where something is kept outside, and only there.
pub(super) fn rule() -> Value {
    json!({
        "if": { "properties": { (OUTSIDE.name): { "const": "none" } } },
        "then": { "properties": { (WHY.name): false } },
        "else": { "required": [WHY.name] },
    })
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "until-uninstalled" => Ok(Self::UntilUninstalled),
            days => days.parse().map(Self::Days).map_err(|problem| format!("{problem}, nor until-uninstalled or none")),
        }
    }
}

impl FromStr for Outside {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            days => days.parse().map(Self::Days).map_err(|problem| format!("{problem}, nor none")),
        }
    }
}

impl From<Storage> for String {
    fn from(storage: Storage) -> String {
        match storage {
            Storage::None => "none".to_owned(),
            Storage::UntilUninstalled => "until-uninstalled".to_owned(),
            Storage::Days(days) => days.to_string(),
        }
    }
}

impl From<Outside> for String {
    fn from(outside: Outside) -> String {
        match outside {
            Outside::None => "none".to_owned(),
            Outside::Days(days) => days.to_string(),
        }
    }
}

impl fmt::Display for Retention {
    /// One clause, for an admin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.storage {
            Storage::None => f.write_str("nothing here")?,
            Storage::UntilUninstalled => f.write_str("here until it is uninstalled")?,
            Storage::Days(days) => write!(f, "here for {} at most", days.words())?,
        }
        match (self.outside, &self.outside_purpose) {
            (Outside::Days(days), Some(purpose)) => write!(f, "; outside for {} at most: {purpose}", days.words()),
            _ => f.write_str("; nothing outside"),
        }
    }
}
