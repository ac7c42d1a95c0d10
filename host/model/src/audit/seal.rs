//! How an entry is written into the log: in one pass, straight into the bytes that are hashed.
//!
//! Each act writes some of these, and what they cost is most of what the host's own log costs.
//!
//! Invariants: the bytes are JSON with sorted keys and nothing else; no personal value is among them; salts are drawn in the order of
//! the fields in the body, the nonce's first.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Actor, Entry, Kind, RecordError,
    sealed::{Opening, PERSON, Salt, Sealed, WRITTEN},
};
use crate::{
    id::{CallId, ClientId, Digest, InstallationId, PersonId, PluginId, SessionId, SourceName, TenantId},
    time::Timestamp,
};

/// As large as nearly every body is, in bytes.
const USUAL: usize = 1_024;

/// An [`Entry`] less its personal values. Fields are in the order of their names, here and in [`Doer`]: that is the form.
#[derive(Serialize)]
struct Body<'a> {
    actor: Doer<'a>,
    #[serde(skip_serializing_if = "Details::is_empty")]
    detail: Details<'a>,
    kind: Kind,
    nonce: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantId>,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Doer<'a> {
    Host {
        r#type: &'static str,
    },
    Person {
        name: Text<'a>,
        r#type: &'static str,
    },
    Account {
        name: Text<'a>,
        person: &'a PersonId,
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a SessionId>,
        r#type: &'static str,
    },
    Automation {
        client: &'a ClientId,
        r#type: &'static str,
    },
    Source {
        name: &'a SourceName,
        r#type: &'static str,
    },
    Client {
        client: &'a ClientId,
        installation: &'a InstallationId,
        r#type: &'static str,
    },
    Plugin {
        call: &'a CallId,
        installation: &'a InstallationId,
        plugin: &'a PluginId,
        release: Digest,
        r#type: &'static str,
    },
}

/// A text, or what commits to it.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Clear(&'a str),
    Personal { committed: String },
}

/// The details, with commitments in place of those that have one.
struct Details<'a> {
    all: &'a BTreeMap<String, Value>,
    personal: Vec<(&'a str, Text<'a>)>,
}

/// One of them.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Clear(&'a Value),
    Sorted(Value),
    Personal(&'a Text<'a>),
}

impl Details<'_> {
    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut personal = self.personal.iter().peekable();
        // Both are in the order of their names.
        to.collect_map(self.all.iter().map(|(name, value)| {
            let committed = personal.next_if(|(of, _)| *of == name.as_str());
            let clear = || match value.is_object() || value.is_array() {
                true => {
                    let mut sorted = value.clone();
                    sorted.sort_all_objects();
                    Detail::Sorted(sorted)
                }
                false => Detail::Clear(value),
            };
            (name, committed.map_or_else(clear, |(_, text)| Detail::Personal(text)))
        }))
    }
}

/// Takes personal values out, each with a salt of its own.
struct Sealing<F> {
    salt: F,
    openings: Vec<Opening>,
}

impl<F: FnMut() -> Salt> Sealing<F> {
    fn personal(&mut self, field: String, value: &str) -> Text<'static> {
        let opening = Opening { field, salt: (self.salt)(), value: value.to_owned() };
        let committed = opening.commitment();
        self.openings.push(opening);
        Text::Personal { committed }
    }

    fn doer<'a>(&mut self, actor: &'a Actor) -> Doer<'a> {
        match actor {
            Actor::Host => Doer::Host { r#type: "host" },
            Actor::Person { name } => {
                Doer::Person { name: self.personal("actor.name".to_owned(), name), r#type: "person" }
            }
            Actor::Account { person, name, session } => {
                let name = self.personal("actor.name".to_owned(), name);
                Doer::Account { name, person, session: session.as_ref(), r#type: "account" }
            }
            Actor::Automation { client } => Doer::Automation { client, r#type: "automation" },
            Actor::Source { name } => Doer::Source { name, r#type: "source" },
            Actor::Client { client, installation } => Doer::Client { client, installation, r#type: "client" },
            Actor::Plugin { installation, plugin, release, call } => {
                Doer::Plugin { call, installation, plugin, release: *release, r#type: "plugin" }
            }
        }
    }

    fn details<'a>(&mut self, entry: &'a Entry) -> Details<'a> {
        // What a tenant's automation hands over somebody wrote as well.
        let by_a_person =
            matches!(entry.actor, Actor::Person { .. } | Actor::Account { .. } | Actor::Automation { .. });
        let is_personal = |name: &str| entry.personal.contains(name) || (by_a_person && WRITTEN.contains(&name));
        let mut personal = Vec::new();
        for (name, value) in &entry.detail {
            if let (Value::String(text), true) = (value, is_personal(name)) {
                personal.push((name.as_str(), self.personal(format!("detail.{name}"), text)));
            }
        }
        Details { all: &entry.detail, personal }
    }

    fn resource<'a>(&mut self, resource: &'a str) -> Text<'a> {
        match resource.starts_with(PERSON) {
            true => self.personal("resource".to_owned(), resource),
            false => Text::Clear(resource),
        }
    }
}

impl Entry {
    /// What goes into the log, with a nonce and a salt a personal value from `salt`.
    ///
    /// # Errors
    /// It is larger than an entry of the log can be.
    pub fn seal(&self, mut salt: impl FnMut() -> Salt) -> Result<Sealed, RecordError> {
        let nonce = BASE64_STANDARD.encode(&salt()[..16]);
        let mut sealing = Sealing { salt, openings: Vec::new() };
        let body = Body {
            actor: sealing.doer(&self.actor),
            detail: sealing.details(self),
            kind: self.kind,
            nonce,
            resource: self.resource.as_deref().map(|resource| sealing.resource(resource)),
            tenant: self.tenant.as_ref(),
            time: self.time,
            trace: self.trace.as_deref(),
        };
        let mut bytes = Vec::with_capacity(USUAL);
        serde_json::to_writer(&mut bytes, &body).map_err(|error| RecordError(error.to_string()))?;
        match bytes.len() <= usize::from(u16::MAX) {
            true => Ok(Sealed { body: bytes, openings: sealing.openings }),
            false => Err(RecordError(format!("an entry of {} bytes; the most is 65,535", bytes.len()))),
        }
    }
}
