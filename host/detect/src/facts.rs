//! What of an entry rules look at.
//!
//! Invariants: a personal value is there as its keyed digest alone; one that was erased or is withheld is not there.

use portcullis_model::{
    audit::{
        Actor, ERASED, Entry, WITHHELD,
        query::{Field, Terms},
    },
    id::{InstallationId, TenantId},
    time::Timestamp,
};
use serde::Deserialize;

/// What of an entry is compared with what was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The host that something is sent to, with its port where it has one.
    Host,
    /// The name of a scope, such as `tickets:read`.
    Scope,
    /// The name of an act, such as `tickets.search`.
    Act,
    /// The account of the person who did it.
    Person,
    /// The device of the session that a person did it in.
    Device,
    /// An OAuth client.
    Client,
}

/// What hits are gathered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// Each installation by itself.
    Installation,
    /// Each tenant.
    Tenant,
    /// Each OAuth client.
    Client,
    /// Each person, by an id or a digest.
    Person,
    /// What each entry is about that is no tenant's, such as `endpoint:oauth`; within the host.
    Resource,
    /// The whole host.
    Host,
}

/// What of an entry is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Records read.
    Records,
    /// Bytes that left.
    BytesOut,
}

/// One entry.
pub struct Facts<'a> {
    /// Its index.
    pub index: u64,
    /// The entry.
    pub entry: &'a Entry,
    /// What it can be found by.
    pub terms: Terms,
    /// Makes a digest of a personal value that only this host can make.
    digest: &'a dyn Fn(&str) -> String,
}

impl<'a> Facts<'a> {
    /// Of an entry.
    pub fn of(index: u64, entry: &'a Entry, digest: &'a dyn Fn(&str) -> String) -> Self {
        Self { index, entry, terms: Terms::of(entry), digest }
    }

    /// When it was written.
    pub fn time(&self) -> Timestamp {
        self.entry.time
    }

    /// In whose data.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.entry.tenant.as_ref()
    }

    /// On behalf of which installation, or about which.
    pub fn installation(&self) -> Option<InstallationId> {
        self.terms.all(Field::Installation).next()?.parse().ok()
    }

    /// The one subject that it is about; none where it says nothing of that kind.
    pub fn subject(&self, by: GroupBy) -> Option<String> {
        let tenant = self.tenant();
        match by {
            GroupBy::Installation => Some(format!("{}/{}", tenant?, self.installation()?)),
            GroupBy::Tenant => tenant.map(ToString::to_string),
            GroupBy::Client => Some(format!("{}/{}", tenant?, self.terms.all(Field::Client).next()?)),
            GroupBy::Person => self.values(What::Person).pop().map(|(person, _)| format!("person:{person}")),
            GroupBy::Resource => {
                let resource = self.entry.resource.as_deref()?;
                (!resource.starts_with("user:")).then(|| match tenant {
                    Some(tenant) => format!("{tenant}/{resource}"),
                    None => resource.to_owned(),
                })
            }
            GroupBy::Host => Some("host".to_owned()),
        }
    }

    /// The values of this kind, as they are remembered, each with its form for people.
    pub fn values(&self, what: What) -> Vec<(String, String)> {
        let same = |value: &str| (value.to_owned(), value.to_owned());
        match what {
            What::Host => self.terms.all(Field::Host).max_by_key(|host| host.len()).map(same).into_iter().collect(),
            What::Scope => {
                let names = self.terms.all(Field::Scope).filter(|scope| !scope.contains([' ', '=']));
                names.map(same).collect()
            }
            What::Act => self.entry.text("act").map(same).into_iter().collect(),
            What::Client => self.terms.all(Field::Client).map(same).collect(),
            What::Person => match &self.entry.actor {
                Actor::Person { name, .. } => self.personal(name, "an account"),
                // An id, which tells nothing of who it is.
                Actor::Account { person, .. } => vec![(person.to_string(), "an account".to_owned())],
                _ => Vec::new(),
            },
            What::Device => {
                let new = self.entry.detail.get("new-device").and_then(serde_json::Value::as_bool);
                let device = match new {
                    // Labels are alike; whether it is the same device is known where it signs in.
                    Some(true) => self.entry.resource.as_deref(),
                    Some(false) => None,
                    None => self.entry.text("device"),
                };
                device.map(|device| self.personal(device, "a device")).unwrap_or_default()
            }
        }
    }

    fn personal(&self, value: &str, shown: &str) -> Vec<(String, String)> {
        match value {
            "" | WITHHELD | ERASED => Vec::new(),
            value => vec![((self.digest)(value), shown.to_owned())],
        }
    }

    /// How much of a measure it adds; none where it says nothing of it.
    pub fn measure(&self, of: Measure) -> Option<u64> {
        let name = match of {
            Measure::Records => "records",
            Measure::BytesOut => "bytes-out",
        };
        self.entry.detail.get(name)?.as_u64()
    }

    /// For how many of its kind it stands: entries that count refusals say how many.
    pub fn weight(&self) -> u64 {
        let number = |name: &str| self.entry.detail.get(name).and_then(serde_json::Value::as_u64);
        if let Some(counts) = self.entry.detail.get("counts").and_then(serde_json::Value::as_object) {
            return counts.values().filter_map(serde_json::Value::as_u64).fold(0, u64::saturating_add);
        }
        let folded = number("before").or_else(|| number("denials-unlisted").map(|n| n.saturating_sub(1)));
        number("count").unwrap_or_else(|| folded.unwrap_or(0).saturating_add(1))
    }
}
