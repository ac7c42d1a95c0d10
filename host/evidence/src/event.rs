//! An entry as a CloudEvent (CloudEvents 1.0, JSON format) whose data is an OCSF event.
//!
//! Invariants: `raw_data` is the body, byte for byte, so that SHA-256 over a byte of zero and it is the hash that the log commits to;
//! what OCSF has no place for stands in `unmapped` under the name that it has in the entry; what was withheld or erased is given
//! as such and never as a resource.

use portcullis_model::{
    audit::{Actor, ERASED, Entry, Kind, WITHHELD, query::duties, reader::Shown},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::catalogue::{Class, Line, OCSF, OTHER, Status, line};

/// What stands before a kind in an event's type.
const TYPE: &str = "dev.portcullis.";
/// What the product is called in events.
const PRODUCT: &str = "Portcullis";

/// An event: CloudEvents 1.0 around OCSF.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// The log's origin and the entry's index: the same for the same entry, whoever reads it.
    pub id: String,
    /// The log's origin.
    pub source: String,
    /// `dev.portcullis.` and the kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// When, by the host's clock.
    pub time: Timestamp,
    /// `application/json`.
    pub datacontenttype: String,
    /// Where the class of the data is defined.
    pub dataschema: String,
    /// The W3C trace context that it belongs to (CloudEvents' extension for distributed tracing).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// The OCSF event.
    pub data: Value,
}

impl CloudEvent {
    /// Of an entry that can be read; none of one that cannot, because it was disposed of or is damaged.
    pub fn of(origin: &str, shown: &Shown) -> Option<Self> {
        shown.entry.as_ref().map(|entry| Self::of_entry(origin, shown.index, entry, shown.body.as_deref()))
    }

    /// Of an entry at this place of the log of this origin, with its body where that is there.
    pub fn of_entry(origin: &str, index: u64, entry: &Entry, body: Option<&str>) -> Self {
        let event = Event { origin, index, entry, line: line(entry.kind), name: entry.kind.name() };
        let profiles = event.profiles();
        Self {
            specversion: "1.0".to_owned(),
            id: event.uid(),
            source: origin.to_owned(),
            kind: format!("{TYPE}{}", event.name),
            subject: event.resource().map(str::to_owned),
            time: entry.time,
            datacontenttype: "application/json".to_owned(),
            dataschema: format!(
                "https://schema.ocsf.io/schema/{OCSF}/classes/{}?profiles={}",
                event.line.class.name(),
                profiles.join(",")
            ),
            traceparent: entry.trace.clone(),
            data: Value::Object(event.data(body, &profiles)),
        }
    }
}

/// What an event is made of.
struct Event<'a> {
    origin: &'a str,
    index: u64,
    entry: &'a Entry,
    line: Line,
    name: String,
}

impl Event<'_> {
    fn uid(&self) -> String {
        format!("{}/{}", self.origin, self.index)
    }

    /// What it was about, where that can be said.
    fn resource(&self) -> Option<&str> {
        self.entry.resource.as_deref().filter(|resource| ![WITHHELD, ERASED, ""].contains(resource))
    }

    /// The OCSF profiles that it uses, in order.
    fn profiles(&self) -> Vec<&'static str> {
        let mut profiles = Vec::new();
        if matches!(self.line.class, Class::ApplicationLifecycle | Class::DetectionFinding) {
            profiles.push("host");
        }
        if self.decided().is_some() {
            profiles.push("security_control");
        }
        if self.line.class == Class::ApiActivity && self.trace().is_some() {
            profiles.push("trace");
        }
        profiles
    }

    /// `action_id` and `disposition_id` of what a control decided.
    fn decided(&self) -> Option<(u8, u8)> {
        match self.entry.kind {
            Kind::ActPermitted => Some((1, 1)),
            Kind::ActDenied => Some((2, 2)),
            Kind::ReleaseRefused | Kind::TokenRefused | Kind::IngestRefused | Kind::RequestRefused => Some((2, 25)),
            Kind::EventDuplicate => Some((2, 6)),
            _ => None,
        }
    }

    /// The trace's id, of `00-<trace>-<span>-<flags>`.
    fn trace(&self) -> Option<&str> {
        self.entry.trace.as_deref()?.split('-').nth(1).filter(|trace| trace.len() == 32)
    }

    fn data(&self, body: Option<&str>, profiles: &[&str]) -> Map<String, Value> {
        let Line { class, activity, severity, .. } = self.line;
        let activity = if activity == OTHER { self.verb() } else { activity };
        let status = self.line.status.of(self.entry);
        let mut data = Map::new();
        let mut put = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
        put("class_uid", json!(class.uid()));
        put("class_name", json!(class.caption()));
        put("category_uid", json!(class.category()));
        put("activity_id", json!(activity));
        put("activity_name", json!(self.entry.text("act").unwrap_or(&self.name)));
        put("type_uid", json!(class.uid() * 100 + u32::from(activity)));
        put("severity_id", json!(severity as u8));
        put("severity", json!(format!("{severity:?}")));
        put("status_id", json!(status as u8));
        put("status", json!(format!("{status:?}")));
        put("time", json!(self.entry.time.0));
        put("message", json!(self.message()));
        put("metadata", self.metadata(profiles));
        if let Some(reason) = self.entry.text("reason") {
            put("status_detail", json!(reason));
        }
        if let Some(word) = ["outcome", "end", "decision"].into_iter().find_map(|name| self.entry.text(name)) {
            put("status_code", json!(word));
        }
        if let Some((action, disposition)) = self.decided() {
            put("action_id", json!(action));
            put("disposition_id", json!(disposition));
        }
        if let Some(body) = body {
            put("raw_data", json!(body));
            put("raw_data_size", json!(body.len()));
            let value = hex::encode(Sha256::digest(body));
            put("raw_data_hash", json!({ "algorithm_id": 3, "algorithm": "SHA-256", "value": value }));
        }
        put("unmapped", self.unmapped());
        put("actor", self.actor());
        self.of_class(status, &mut put);
        data
    }

    /// What only this class has.
    fn of_class(&self, status: Status, put: &mut impl FnMut(&str, Value)) {
        match self.line.class {
            Class::ApiActivity => {
                let operation = self.entry.text("act").unwrap_or(&self.name);
                put("api", json!({ "operation": operation, "service": { "name": PRODUCT } }));
                put("src_endpoint", self.source());
                put("resources", json!(self.resources()));
                if let Some(trace) = self.trace() {
                    put("trace", json!({ "uid": trace }));
                }
                if let Some(sent) = self.sent() {
                    put("dst_endpoint", sent.endpoint);
                    put("http_request", sent.request);
                }
                if let Some(code) = self.entry.detail.get("status").and_then(Value::as_u64) {
                    put("http_response", json!({ "code": code }));
                }
            }
            Class::ApplicationLifecycle => put("app", self.app()),
            Class::EntityManagement => put("entity", self.entity()),
            Class::Authentication => {
                put("user", self.user());
                put("service", json!({ "name": PRODUCT, "uid": self.origin }));
                if let Some(token) = self.entry.text("token") {
                    put("session", json!({ "uid": token }));
                }
                put("is_remote", json!(true));
            }
            Class::AuthorizeSession => {
                put("user", self.user());
                put("privileges", json!(if status == Status::Failure { Vec::new() } else { self.privileges() }));
            }
            Class::DetectionFinding => {
                let mut found = json!({ "uid": self.uid(), "title": self.message(), "types": [self.name] });
                if let Some(reason) = self.entry.text("reason") {
                    found["desc"] = json!(reason);
                }
                put("finding_info", found);
                put("resources", json!(self.resources()));
                put("is_alert", json!(true));
            }
        }
    }

    /// The activity that an act's name tells, where the kind does not: what is read or written, in API Activity.
    fn verb(&self) -> u8 {
        let verb = self.entry.text("act").and_then(|act| act.rsplit('.').next()).unwrap_or_default();
        match (self.line.class, verb) {
            (Class::ApiActivity, "create" | "add" | "post") => 1,
            (Class::ApiActivity, "get" | "list" | "read" | "search" | "open" | "query") => 2,
            (Class::ApiActivity, "set" | "update" | "write" | "put") => 3,
            (Class::ApiActivity, "delete" | "remove") => 4,
            _ => OTHER,
        }
    }

    fn message(&self) -> String {
        let by = match &self.entry.actor {
            Actor::Host => "the host".to_owned(),
            Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
            Actor::Automation { client } => format!("automation {client}"),
            Actor::Source { name } => format!("source {name}"),
            Actor::Client { client, .. } => format!("client {client}"),
            Actor::Plugin { plugin, .. } => plugin.to_string(),
        };
        let act = self.entry.text("act").map_or_else(String::new, |act| format!(" {act}"));
        let about = self.entry.resource.as_deref().map_or_else(String::new, |about| format!(": {about}"));
        format!("{}{act} by {by}{about}", self.name)
    }

    fn metadata(&self, profiles: &[&str]) -> Value {
        let mut metadata = json!({
            "version": OCSF,
            "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": env!("CARGO_PKG_VERSION") },
            "uid": self.uid(),
            "original_event_uid": self.index.to_string(),
            "event_code": self.name,
            "log_name": self.origin,
            "sequence": self.index,
            "labels": duties(&self.name).collect::<Vec<_>>(),
            "profiles": profiles,
        });
        if let Some(tenant) = &self.entry.tenant {
            metadata["tenant_uid"] = json!(tenant.as_str());
        }
        if let Some(call) = self.correlation() {
            metadata["correlation_uid"] = json!(call);
        }
        metadata
    }

    /// What ties entries together: the call, or else the trace.
    fn correlation(&self) -> Option<&str> {
        match &self.entry.actor {
            Actor::Plugin { call, .. } => Some(call.as_str()),
            _ => self.entry.text("call").or_else(|| self.trace()),
        }
    }

    fn unmapped(&self) -> Value {
        let mut unmapped: Map<String, Value> =
            self.entry.detail.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut put = |name: &str, value: String| drop(unmapped.insert(name.to_owned(), Value::String(value)));
        match &self.entry.actor {
            Actor::Plugin { installation, release, .. } => {
                put("actor-installation", installation.to_string());
                put("actor-release", release.to_string());
            }
            Actor::Client { installation, .. } => put("actor-installation", installation.to_string()),
            Actor::Host
            | Actor::Person { .. }
            | Actor::Account { .. }
            | Actor::Automation { .. }
            | Actor::Source { .. } => {}
        }
        if let Some(trace) = &self.entry.trace {
            put("traceparent", trace.clone());
        }
        Value::Object(unmapped)
    }

    fn actor(&self) -> Value {
        match &self.entry.actor {
            Actor::Host => json!({ "app_name": PRODUCT, "app_uid": self.origin }),
            Actor::Person { .. } | Actor::Account { session: None, .. } => json!({ "user": self.user() }),
            Actor::Account { session: Some(session), .. } => {
                json!({ "user": self.user(), "session": { "uid": session.as_str() } })
            }
            Actor::Source { name } => json!({ "app_name": "source", "app_uid": name.as_str() }),
            Actor::Client { client, .. } | Actor::Automation { client } => {
                json!({ "app_name": "client", "app_uid": client.as_str() })
            }
            Actor::Plugin { installation, plugin, call, .. } => json!({
                "app_name": plugin.as_str(), "app_uid": installation.as_str(), "session": { "uid": call.as_str() },
            }),
        }
    }

    /// Whom it was done by or for, as a user: `type_id` 1 a person, 3 the host, 4 a service.
    fn user(&self) -> Value {
        match &self.entry.actor {
            Actor::Person { name } => json!({ "name": name, "type_id": 1 }),
            Actor::Account { person, name, .. } => json!({ "uid": person.as_str(), "name": name, "type_id": 1 }),
            Actor::Host => match self.entry.text("client") {
                Some(client) => json!({ "uid": client, "type_id": 4 }),
                None => json!({ "name": PRODUCT, "type_id": 3 }),
            },
            Actor::Source { name } => json!({ "uid": name.as_str(), "type_id": 4 }),
            Actor::Client { client, .. } | Actor::Automation { client } => {
                json!({ "uid": client.as_str(), "type_id": 4 })
            }
            Actor::Plugin { installation, plugin, .. } => {
                json!({ "uid": installation.as_str(), "name": plugin.as_str(), "type_id": 4 })
            }
        }
    }

    fn source(&self) -> Value {
        match &self.entry.actor {
            Actor::Plugin { installation, plugin, .. } => {
                json!({ "svc_name": plugin.as_str(), "instance_uid": installation.as_str() })
            }
            Actor::Source { name } => json!({ "svc_name": name.as_str() }),
            Actor::Client { client, .. } | Actor::Automation { client } => json!({ "uid": client.as_str() }),
            Actor::Host | Actor::Person { .. } | Actor::Account { .. } => {
                json!({ "svc_name": PRODUCT, "uid": self.origin })
            }
        }
    }

    fn resources(&self) -> Vec<Value> {
        let mut resources = Vec::new();
        if let Some(resource) = self.resource() {
            resources.push(match typed(resource) {
                Some((kind, uid)) => json!({ "type": kind, "uid": uid, "name": resource }),
                None => json!({ "name": resource }),
            });
        }
        if let Actor::Plugin { release, .. } = &self.entry.actor {
            resources.push(json!({ "type": "release", "uid": release.to_string() }));
        }
        resources
    }

    /// What the kind is about: `vault` of `vault.key-rotated`.
    fn noun(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }

    fn app(&self) -> Value {
        if self.noun() == "host" {
            return json!({ "name": PRODUCT, "uid": self.origin, "version": env!("CARGO_PKG_VERSION") });
        }
        let name = self.entry.text("plugin").or_else(|| self.resource()).unwrap_or_else(|| self.noun());
        let mut app = json!({ "name": name });
        if let Some((_, uid)) = self.resource().and_then(typed) {
            app["uid"] = json!(uid);
        }
        if let Some(version) = self.entry.text("version") {
            app["version"] = json!(version);
        }
        app
    }

    fn entity(&self) -> Value {
        match self.resource() {
            None => json!({ "name": self.noun(), "type": self.noun() }),
            Some(resource) => match typed(resource) {
                Some((kind, uid)) => json!({ "name": resource, "type": kind, "uid": uid }),
                None => json!({ "name": resource, "type": self.noun() }),
            },
        }
    }

    fn privileges(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of = |value: &Value| match value {
            Value::Array(items) => items.iter().filter_map(text).collect(),
            other => text(other).into_iter().collect::<Vec<_>>(),
        };
        ["scopes", "scope", "agreed-to", "added"]
            .into_iter()
            .find_map(|name| self.entry.detail.get(name))
            .map_or_else(Vec::new, of)
    }

    /// Where something was sent, or was to be: of a resource such as `POST https://host/path`.
    fn sent(&self) -> Option<Sent> {
        let (method, target) = self.resource()?.split_once(' ')?;
        let url = url::Url::parse(target).ok()?;
        let host = url.host_str()?;
        let mut parts = json!({
            "url_string": target, "hostname": host, "scheme": url.scheme(), "path": url.path(),
        });
        let mut endpoint = json!({ "hostname": host });
        if let Some(port) = url.port_or_known_default() {
            parts["port"] = json!(port);
            endpoint["port"] = json!(port);
        }
        let mut request = json!({ "url": parts });
        if METHODS.contains(&method) {
            request["http_method"] = json!(method);
        }
        Some(Sent { endpoint, request })
    }
}

/// A request, as OCSF has it.
struct Sent {
    endpoint: Value,
    request: Value,
}

/// The methods that OCSF has names for.
const METHODS: &[&str] = &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// `ticket:1042` as its type and its id.
fn typed(resource: &str) -> Option<(&str, &str)> {
    let (kind, uid) = resource.split_once(':')?;
    let is_type = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (is_type && !uid.is_empty() && !uid.starts_with("//")).then_some((kind, uid))
}
