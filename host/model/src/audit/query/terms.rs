//! What an entry can be found by.

use std::{collections::BTreeSet, ops::Bound};

use serde_json::Value;

use super::{Field, LONGEST_TERM, Pattern, duties};
use crate::{
    audit::{Actor, ERASED, Entry, Kind, WITHHELD},
    id::SessionId,
};

/// The most characters of a word.
const LONGEST_WORD: usize = 64;

/// All values of an entry that a filter can match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms(BTreeSet<(Field, String)>);

impl Terms {
    /// Of an entry, as it can be read.
    pub fn of(entry: &Entry) -> Self {
        let mut terms = Self::default();
        let kind = entry.kind.name();
        duties(&kind).for_each(|duty| terms.add(Field::Duty, duty));
        terms.add(Field::Kind, &kind);
        terms.text(&kind);
        if let Some(tenant) = &entry.tenant {
            terms.both(Field::Tenant, tenant.as_str());
        }
        terms.actor(&entry.actor);
        if let Some(resource) = &entry.resource {
            terms.resource(resource);
        }
        if let Some(trace) = &entry.trace {
            terms.add(Field::Trace, trace);
        }
        match entry.kind {
            Kind::ActPermitted => terms.add(Field::Decision, "permitted"),
            Kind::ActDenied => terms.add(Field::Decision, "denied"),
            Kind::ReleaseRefused | Kind::TokenRefused | Kind::IngestRefused => terms.add(Field::Decision, "refused"),
            Kind::ActUnknown => terms.add(Field::Outcome, "unknown"),
            _ => {}
        }
        for (name, value) in &entry.detail {
            terms.detail(name, value, entry.personal.contains(name));
        }
        terms
    }

    /// Of an entry that cannot be read any more, or not by this version: what the row beside it says.
    pub fn of_unreadable(kind: &str, tenant: Option<&str>) -> Self {
        let mut terms = Self::default();
        terms.add(Field::Kind, kind);
        tenant.into_iter().for_each(|tenant| terms.add(Field::Tenant, tenant));
        terms
    }

    /// Each field and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// The values of one field.
    pub fn all(&self, field: Field) -> impl Iterator<Item = &str> {
        self.0.range((field, String::new())..).take_while(move |(of, _)| *of == field).map(|(_, value)| value.as_str())
    }

    /// Whether a value of the field is meant.
    pub fn has(&self, field: Field, pattern: &Pattern) -> bool {
        let from = (field, pattern.text.clone());
        if !pattern.open {
            return self.0.contains(&from);
        }
        let next = self.0.range((Bound::Included(from), Bound::Unbounded)).next();
        next.is_some_and(|(of, value)| *of == field && pattern.means(value))
    }

    fn add(&mut self, field: Field, value: &str) {
        if value.is_empty() || value == WITHHELD || value == ERASED {
            return;
        }
        self.0.insert((field, value.chars().take(LONGEST_TERM).collect()));
    }

    fn text(&mut self, text: &str) {
        if text != WITHHELD && text != ERASED {
            self.0.extend(words(text).map(|word| (Field::Text, word)));
        }
    }

    fn both(&mut self, field: Field, value: &str) {
        self.add(field, value);
        self.text(value);
    }

    fn actor(&mut self, actor: &Actor) {
        let kind = match actor {
            Actor::Host => "host",
            Actor::Person { name } => {
                self.both(Field::Person, name);
                "person"
            }
            Actor::Account { person, name, session } => {
                self.both(Field::Person, name);
                self.both(Field::Person, person.as_str());
                self.text(session.as_ref().map_or("", SessionId::as_str));
                "person"
            }
            Actor::Automation { client } => {
                self.both(Field::Client, client.as_str());
                "client"
            }
            Actor::Source { name } => {
                self.text(name.as_str());
                "source"
            }
            Actor::Client { client, installation } => {
                self.both(Field::Client, client.as_str());
                self.both(Field::Installation, installation.as_str());
                "client"
            }
            Actor::Plugin { installation, plugin, release, call } => {
                self.both(Field::Installation, installation.as_str());
                self.both(Field::Plugin, plugin.as_str());
                self.both(Field::Release, &release.to_string());
                self.both(Field::Call, call.as_str());
                "plugin"
            }
        };
        self.add(Field::Actor, kind);
    }

    fn resource(&mut self, resource: &str) {
        self.both(Field::Record, resource);
        match resource.split_once(':') {
            Some(("installation", id)) => self.add(Field::Installation, id),
            Some(("release", digest)) => self.add(Field::Release, digest),
            Some(("event", event)) => {
                // A visit's stands for what led to it: a back end's request, by its token.
                let token = event.strip_prefix("api:");
                token.into_iter().for_each(|token| self.add(Field::Token, token));
            }
            _ => {}
        }
        self.host_of(resource.split_once(' ').map_or(resource, |(_, target)| target));
    }

    /// The host of a URL.
    fn host_of(&mut self, text: &str) {
        let Some((_, rest)) = text.split_once("://") else { return };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        self.add(Field::Host, &authority);
        // With and without its port; an IPv6 address has colons of its own, within brackets.
        if let Some((host, port)) = authority.rsplit_once(':')
            && port.bytes().all(|b| b.is_ascii_digit())
        {
            self.add(Field::Host, host);
        }
    }

    fn detail(&mut self, name: &str, value: &Value, personal: bool) {
        match value {
            Value::String(text) => {
                self.text(text);
                if personal {
                    self.add(Field::Person, text);
                }
                self.named(name, text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.detail(name, item, personal)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.detail(name, value, personal)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn named(&mut self, name: &str, text: &str) {
        let field = match name {
            "installation" => Field::Installation,
            "about" => Field::Record,
            "plugin" => Field::Plugin,
            "digest" | "release" | "from-digest" | "to-digest" => Field::Release,
            "decision" => Field::Decision,
            "outcome" | "end" => Field::Outcome,
            "act" | "id" => Field::Act,
            "call" => Field::Call,
            "client" | "of" => Field::Client,
            "token" => Field::Token,
            "grant" => Field::Family,
            "duty" | "duties" => Field::Duty,
            "host" | "destination" => Field::Host,
            "url" | "origin" => return self.host_of(text),
            "actors" => return text.split(" for ").for_each(|client| self.add(Field::Client, client)),
            "scope" | "scopes" | "before" | "added" | "dropped" | "agreed-to" => return self.scope(text),
            _ => return,
        };
        self.add(field, text);
    }

    /// A scope's whole text, and its name. A token's names several.
    fn scope(&mut self, text: &str) {
        if text.contains(':') {
            self.add(Field::Scope, text);
        }
        for word in text.split(' ').filter(|word| word.contains(':') && !word.contains('=')) {
            self.add(Field::Scope, word);
        }
    }
}

/// The words of a text: letters and digits, in small letters.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| part.chars().take(LONGEST_WORD).flat_map(char::to_lowercase).collect())
}
