//! Whether a plugin uses generative AI, whose, and with what data (DAT-14).
//!
//! Invariant: a plugin that uses it says all of it, the two answers that may be awkward included; one that says nothing
//! says that it uses none.

use std::fmt;

use portcullis_model::class::Class;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{
    ManifestError,
    key::{Form, Key, PURPOSE},
    list,
    table::Reader,
};

const USES: Key = Key::must("uses", Form::Flag, "true", "Whether the plugin uses generative AI.");
const PROVIDER: Key = Key::may("provider", Form::Line(120), "\"Example AI GmbH\"", "The company whose model it is.");
const WHY: Key = Key::may("purpose", PURPOSE, "\"To suggest an answer to your agents.\"", "What it is used for.");
const DATA: Key = Key::may(
    "data",
    Form::Classes(1),
    "[\"personal\"]",
    "The classes of data that the model is given; each one of data-classes.",
);
const TRAINS: Key = Key::may("trains", Form::Flag, "false", "Whether a model is trained with that data.");
const MEDICAL: Key =
    Key::may("medical-advice", Form::Flag, "false", "Whether its answers can be advice about somebody's health.");

pub(super) const KEYS: &[Key] = &[USES, PROVIDER, WHY, DATA, TRAINS, MEDICAL];

/// How a plugin uses generative AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AiUse {
    /// The company whose model it is.
    pub provider: String,
    /// What it is used for, in the publisher's words.
    pub purpose: String,
    /// The classes of data that the model is given; at least one.
    pub data: Vec<Class>,
    /// Whether a model is trained with that data.
    pub trains: bool,
    /// Whether its answers can be advice about somebody's health.
    pub medical_advice: bool,
}

/// The use, if it says that there is one.
pub(super) fn read(table: &Reader<'_>, declared: &[Class]) -> Result<Option<AiUse>, ManifestError> {
    let rest = &KEYS[1..];
    if !table.flag(&USES)? {
        return match rest.iter().find(|key| table.has(key)) {
            Some(key) => Err(table.wrong(key, "stands only where uses = true; drop one of them")),
            None => Ok(None),
        };
    }
    if let Some(key) = rest.iter().find(|key| !table.has(key)) {
        return Err(table.missing(key));
    }
    Ok(Some(AiUse {
        provider: table.line(&PROVIDER)?,
        purpose: table.line(&WHY)?,
        data: table.declared(&DATA, declared)?,
        trains: table.flag(&TRAINS)?,
        medical_advice: table.flag(&MEDICAL)?,
    }))
}

/// Everything where it is used, and nothing else where it is not.
pub(super) fn rule() -> Value {
    let rest: Vec<&str> = KEYS[1..].iter().map(|key| key.name).collect();
    json!({
        "if": { "properties": { (USES.name): { "const": true } } },
        "then": { "required": rest },
        "else": { "maxProperties": 1 },
    })
}

/// The table as it would be written.
pub(super) fn written<S: Serializer>(ai: &Option<AiUse>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Table<'a> {
        uses: bool,
        #[serde(flatten)]
        how: Option<&'a AiUse>,
    }
    Table { uses: ai.is_some(), how: ai.as_ref() }.serialize(to)
}

impl fmt::Display for AiUse {
    /// One clause, for an admin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trains = if self.trains { "a model is TRAINED with them" } else { "no model is trained with them" };
        let medical = if self.medical_advice { "; it can give MEDICAL ADVICE" } else { "" };
        write!(f, "{}, given {} data: {}; {trains}{medical}", self.provider, list(&self.data), self.purpose)
    }
}
