//! What of an entry lies in the log, and how it is read: personal values as salted commitments, everything else as it is.
//!
//! A personal value stands in the body as `{"committed": "<base64>"}`, in place of the text. What it commits to is an [`Opening`],
//! field, salt and value, which lies beside the log and can be erased: whoever has the opening checks it against the body; whoever
//! has not learns nothing from the body, since the salt has 256 bits. The body has a nonce as well, so that its hash, which strangers
//! see, tells nothing about it either.
//!
//! Invariants: `open` gives a value only where it matches the commitment of its own field; a body is read with whatever openings are
//! left, and says of each that is not there that it is withheld or erased; the same entry and the same salts give the same bytes.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Entry;

/// A salt, or a nonce: 32 bytes of which nobody knows any before.
pub type Salt = [u8; 32];

/// What a reader without the opening sees in place of a personal value.
pub const WITHHELD: &str = "(withheld)";
/// What a reader sees in place of one whose opening was erased.
pub const ERASED: &str = "(erased)";

const COMMITTED: &str = "committed";
const DOMAIN: &[u8] = b"portcullis audit commitment 1\n";
/// A resource that is a person.
pub(super) const PERSON: &str = "user:";
/// Details of a person's act that hold what that person wrote: whoever writes a reason may name somebody in it.
pub(super) const WRITTEN: [&str; 3] = ["comment", "public-note", "reason"];

/// An entry as it goes into the log, and what lies beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The bytes that are hashed: JSON with sorted keys.
    pub body: Vec<u8>,
    /// What its commitments commit to.
    pub openings: Vec<Opening>,
}

/// What one commitment commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Which field: `actor.name`, `resource` or `detail.<name>`.
    pub field: String,
    /// The salt, as hex where it is written down.
    #[serde(with = "hexed")]
    pub salt: Salt,
    /// The value.
    pub value: String,
}

/// The openings of one entry that a reader has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// Those that are there.
    pub open: Vec<Opening>,
    /// Fields whose openings were erased.
    pub erased: Vec<String>,
}

/// Why a body cannot be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealedError {
    /// It is not an entry.
    #[error("it is not an entry: {0}")]
    Form(String),
    /// An opening is not what the body commits to: one of them was changed.
    #[error("the value of {0} that is stored beside the log is not the one that the log commits to")]
    Mismatch(String),
    /// It was disposed of, as that entry says.
    #[error("it was disposed of at the end of its retention, as entry {0} says")]
    Disposed(u64),
}

impl Opening {
    /// The commitment, as base64: SHA-256 over a domain, the field's name, the salt and the value.
    pub fn commitment(&self) -> String {
        let mut hash = Sha256::new_with_prefix(DOMAIN);
        hash.update(self.field.as_bytes());
        hash.update(b"\n");
        hash.update(self.salt);
        hash.update(self.value.as_bytes());
        BASE64_STANDARD.encode(hash.finalize())
    }
}

impl Entry {
    /// Reads a body with what is left of its openings. A value without one reads `(erased)` where that is known, `(withheld)` where not.
    pub fn open(body: &[u8], openings: &Openings) -> Result<Self, SealedError> {
        let form = |error: serde_json::Error| SealedError::Form(error.to_string());
        let mut body: Map<String, Value> = serde_json::from_slice(body).map_err(form)?;
        let mut personal = Vec::new();
        for (field, place) in places(&mut body, |_| true) {
            let Some(commitment) = committed(place) else { continue };
            let opening = openings.open.iter().find(|opening| opening.field == field);
            if opening.is_some_and(|opening| opening.commitment() != commitment) {
                return Err(SealedError::Mismatch(field));
            }
            let instead = if openings.erased.contains(&field) { ERASED } else { WITHHELD };
            *place = Value::String(opening.map_or(instead, |opening| &opening.value).to_owned());
            personal.extend(field.strip_prefix("detail.").map(str::to_owned));
        }
        let mut entry: Self = serde_json::from_value(Value::Object(body)).map_err(form)?;
        entry.personal.extend(personal);
        Ok(entry)
    }

    /// The fields of a body that are commitments, by the names that openings have.
    ///
    /// # Errors
    /// It is not an entry.
    pub fn commitments(body: &[u8]) -> Result<Vec<String>, SealedError> {
        let read = serde_json::from_slice::<Map<String, Value>>(body);
        let mut body = read.map_err(|error| SealedError::Form(error.to_string()))?;
        let found = places(&mut body, |_| true).into_iter();
        Ok(found.filter_map(|(field, place)| committed(place).is_some().then_some(field)).collect())
    }
}

/// Where in a body personal values stand or their commitments do, by the field's name.
fn places(body: &mut Map<String, Value>, is_personal: impl Fn(&str) -> bool) -> Vec<(String, &mut Value)> {
    let mut places = Vec::new();
    for (name, value) in body.iter_mut() {
        match (name.as_str(), value) {
            ("actor", Value::Object(actor)) => {
                let person = actor.get("type").and_then(Value::as_str).is_some_and(|tag| PERSON_TYPES.contains(&tag));
                places.extend(actor.get_mut("name").filter(|_| person).map(|name| ("actor.name".to_owned(), name)));
            }
            ("resource", value) if committed(value).is_some() || names_a_person(value) => {
                places.push(("resource".to_owned(), value));
            }
            ("detail", Value::Object(detail)) => {
                let personal = detail.iter_mut().filter(|(name, _)| is_personal(name));
                places.extend(personal.map(|(name, value)| (format!("detail.{name}"), value)));
            }
            _ => {}
        }
    }
    places
}

/// How [`Actor::Person`](super::Actor::Person) and [`Actor::Account`](super::Actor::Account) are tagged.
const PERSON_TYPES: [&str; 2] = ["person", "account"];

fn names_a_person(resource: &Value) -> bool {
    resource.as_str().is_some_and(|resource| resource.starts_with(PERSON))
}

fn committed(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(COMMITTED)?.as_str()
}

/// A text, or `(withheld)` in place of a commitment: so every body can be read, with and without its openings.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match withheld(Value::deserialize(from)?) {
        Value::String(text) => Ok(text),
        other => Err(D::Error::custom(format!("expected a text, found {other}"))),
    }
}

/// The same for a text that may be absent.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    text(from).map(Some)
}

/// The same for each detail.
pub(super) fn detail<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Value>, D::Error> {
    let detail = BTreeMap::<String, Value>::deserialize(from)?;
    Ok(detail.into_iter().map(|(name, value)| (name, withheld(value))).collect())
}

fn withheld(value: Value) -> Value {
    if committed(&value).is_some() { Value::String(WITHHELD.into()) } else { value }
}

/// A salt as hex, where it is written down.
mod hexed {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    use super::Salt;

    pub(super) fn serialize<S: Serializer>(salt: &Salt, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(salt))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Salt, D::Error> {
        let text = String::deserialize(from)?;
        let mut salt = Salt::default();
        hex::decode_to_slice(&text, &mut salt).map_err(|_| D::Error::custom("a salt is 64 hexadecimal digits"))?;
        Ok(salt)
    }
}
