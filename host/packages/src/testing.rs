//! What the tests of this crate share: a catalogue of two capabilities and a trigger, a manifest, a component, ports in
//! memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, RecordError, Recorder},
    authority::{Layer, Standing},
    catalogue::{Ability, Catalogue, Effect, Interface, ScopeDescription, WasiImport},
    error::StoreError,
    id::{Digest, InstallationId, PluginId, TenantId},
    installation::{Installation, InstallationStore},
    release::{ListedRelease, ReleaseId, ReleaseStore, StoredRelease},
    scope::{Risk, ScopeError, ScopeText, nearest},
    time::{Clock, Rng, Timestamp},
    trust::{RootScope, StoredTrust, TrustStore},
};

use crate::{
    keys::{PublicKey, SecretKey},
    trust::root::{Publisher, Role, Root},
};

pub(crate) const MANIFEST: &str = r#"id = "com.example.card-guard"
name = "Card Guard"
version = "1.2.0"
release = 3
publisher = "com.example"
summary = "Hides card numbers in tickets"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"

[[scopes]]
scope = "tickets:read fields=comments"
purpose = "to find card numbers"

[[scopes]]
scope = "events:receive types=ticket.created"
purpose = "to be called for new tickets"

[[scopes]]
scope = "http:send to=chat.example.test"
purpose = "to tell the team"
optional = true

[limits]
cpu-ms = 250
"#;

/// A manifest that has every key, for the catalogue below.
pub(crate) const COMPLETE: &str = r#"id = "com.example.answers"
name = "Answers"
version = "2.0.0-rc.1"
release = 7
publisher = "com.example"
summary = "Suggests answers"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
data-classes = ["internal", "personal"]

[[scopes]]
scope = "tickets:read fields=personal,internal"
purpose = "to know what to answer"

[[scopes]]
scope = "http:send to=https://ai.example.test/v1/*,https://a.logs.example.test/"
purpose = "to ask the model, and to keep what it said"
optional = true

[[egress]]
host = "ai.example.test"
region = "DE"
operator = "Example AI GmbH"
sub-processor = true
purpose = "to ask the model"
data = ["personal"]

[[egress]]
host = "*.logs.example.test"
region = "GLOBAL"
operator = "Example"
sub-processor = false
purpose = "to keep what it said"
data = ["internal"]

[[schedules]]
name = "nightly"
cron = "0 3 * * 1-5"
purpose = "to forget what is old"

[retention]
storage = "30d"
outside = "90d"
outside-purpose = "to find out why an answer was wrong"

[ai]
uses = true
provider = "Example AI GmbH"
purpose = "to suggest an answer"
data = ["personal"]
trains = false
medical-advice = false

[maintenance]
until = "2028-12-31"
security-fixes-within = "30d"
contact = "https://example.com/security"

[limits]
cpu-ms = 250
"#;

/// A component that imports tickets and exports events.
pub(crate) fn component() -> Vec<u8> {
    wat::parse_str(
        r#"(component
            (import "portcullis:plugin/types@0.1.0" (instance))
            (import "portcullis:plugin/tickets@0.1.0" (instance (export "get" (func (result string)))))
            (core module (memory 1 4) (data (i32.const 0) "see https://api.example.test/v1 \00 https://x.test"))
            (instance $handler)
            (export "portcullis:plugin/events@0.1.0" (instance $handler)))"#,
    )
    .unwrap()
}

/// The same with other imports.
pub(crate) fn importing(names: &[&str]) -> Vec<u8> {
    let imports: String = names.iter().map(|name| format!("(import \"{name}\" (instance))")).collect();
    wat::parse_str(format!("(component {imports})")).unwrap()
}

/// Knows `tickets`, `http` and `events`, each with one constraint of which sets meet by intersection.
pub(crate) struct Fake;

const SHAPES: &[(&str, &str, &str, Risk)] = &[
    ("tickets", "read", "fields", Risk::High),
    ("http", "send", "to", Risk::High),
    ("events", "receive", "types", Risk::Low),
];

const TICKETS: &Interface = &Interface {
    words: "look up or change tickets",
    abilities: &[
        Ability { words: "read tickets", functions: &["get"], actions: &["read"], effect: Effect::Tells },
        Ability { words: "delete tickets", functions: &["delete"], actions: &["delete"], effect: Effect::Changes },
        Ability { words: "keep notes", functions: &["note", "mark"], actions: &["note"], effect: Effect::Keeps },
    ],
    openers: &["open"],
    also: &[],
    in_events: &["peek"],
};

const HTTP: &Interface = &Interface {
    words: "reach the network",
    abilities: &[Ability { words: "send requests", functions: &["send"], actions: &["send"], effect: Effect::Sends }],
    openers: &[],
    also: &["wasi:http"],
    in_events: &[],
};

impl Catalogue for Fake {
    fn names(&self) -> &[&'static str] {
        &["tickets", "http"]
    }

    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
        let known: Vec<&str> = SHAPES.iter().map(|shape| shape.0).collect();
        let shape = SHAPES.iter().find(|shape| shape.0 == scope.capability());
        let Some((name, action, key, risk)) = shape else {
            return Err(scope.error(format!("no such capability; {}", nearest(scope.capability(), &known))));
        };
        if scope.action() != *action {
            return Err(scope.unknown_action(&[action]));
        }
        scope.expect_keys(&[key])?;
        let words = format!("{action}s {name} {key} {}", scope.values(key).join(", "));
        // A value that is called like a class is of it, and one that begins as a URL is where data goes.
        let values = || scope.values(key).iter();
        let classes = values().filter_map(|value| value.parse().ok()).collect();
        let host = |to: &String| Some(to.strip_prefix("https://")?.split('/').next()?.to_owned());
        Ok(vec![ScopeDescription { words, risk: *risk, classes, destinations: values().filter_map(host).collect() }])
    }

    fn interface(&self, capability: &str) -> Option<&'static Interface> {
        match capability {
            "tickets" => Some(TICKETS),
            "http" => Some(HTTP),
            _ => None,
        }
    }

    fn wasi(&self, import: &str) -> Option<WasiImport> {
        match import {
            "wasi:io/poll@0.2.0" => Some(WasiImport::Virtual),
            "wasi:clocks/wall-clock@0.2.0" => Some(WasiImport::VirtualUnless("clocks")),
            "wasi:http/types@0.2.0" => Some(WasiImport::Needs("http")),
            "wasi:keyvalue/store@0.2.0" => Some(WasiImport::Needs("kv")),
            _ => None,
        }
    }

    fn standing(&self, layers: &[(Layer, Vec<ScopeText>)], wanted: &ScopeText) -> Result<Standing, ScopeError> {
        let (mut left, mut narrowed_by) = (vec![wanted.clone()], None);
        for (layer, scopes) in layers {
            let next = self.meet(&left, scopes)?;
            if next != left && narrowed_by.is_none() {
                narrowed_by = Some(*layer);
            }
            left = next;
        }
        Ok(Standing { layers: Vec::new(), left, narrowed_by })
    }

    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
        let mut all = Vec::new();
        for (name, action, key, _) in SHAPES {
            let values = |scopes: &[ScopeText]| -> Vec<String> {
                scopes.iter().filter(|s| s.capability() == *name).flat_map(|s| s.values(key).to_vec()).collect()
            };
            let (a, b) = (values(a), values(b));
            let both: Vec<String> = a.into_iter().filter(|value| b.contains(value)).collect();
            if !both.is_empty() {
                all.push(ScopeText::new(name, action).with(key, both));
            }
        }
        for scope in a.iter().chain(b) {
            self.describe(scope)?;
        }
        Ok(all)
    }
}

/// A clock that stands still, and randomness that counts.
pub(crate) struct Fixed(pub(crate) Mutex<u8>);

impl Fixed {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(0))
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        buffer.fill(*next);
    }
}

type Stored = (StoredRelease, Arc<[u8]>);

/// Everything that is stored, in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) releases: Mutex<BTreeMap<ReleaseId, Stored>>,
    pub(crate) listed: Mutex<Vec<ListedRelease>>,
    pub(crate) trust: Mutex<StoredTrust>,
    pub(crate) statements: Mutex<BTreeMap<ReleaseId, Vec<String>>>,
    pub(crate) installations: Mutex<BTreeMap<InstallationId, Installation>>,
    pub(crate) entries: Mutex<Vec<Entry>>,
    pub(crate) race: Mutex<bool>,
}

#[async_trait]
impl ReleaseStore for Memory {
    async fn put_release(&self, release: StoredRelease, component: Arc<[u8]>) -> Result<(), StoreError> {
        self.releases.lock().unwrap().insert(release.id(), (release, component));
        Ok(())
    }

    async fn release(&self, id: &ReleaseId) -> Result<Option<StoredRelease>, StoreError> {
        Ok(self.releases.lock().unwrap().get(id).map(|(release, _)| release.clone()))
    }

    async fn component(&self, id: &ReleaseId) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(self.releases.lock().unwrap().get(id).map(|(_, component)| component.clone()))
    }

    async fn list_release(&self, listed: ListedRelease, entry: Option<Entry>) -> Result<bool, StoreError> {
        let mut all = self.listed.lock().unwrap();
        if all.iter().any(|one| one.id == listed.id) {
            return Ok(false);
        }
        all.push(listed);
        all.sort_by_key(|one| std::cmp::Reverse(one.number));
        self.entries.lock().unwrap().extend(entry);
        Ok(true)
    }

    async fn releases_of(&self, plugin: &PluginId) -> Result<Vec<ListedRelease>, StoreError> {
        Ok(self.listed.lock().unwrap().iter().filter(|one| one.plugin == *plugin).cloned().collect())
    }

    async fn releases_revision(&self) -> Result<u64, StoreError> {
        Ok(self.listed.lock().unwrap().len() as u64)
    }
}

#[async_trait]
impl TrustStore for Memory {
    async fn trust(&self) -> Result<StoredTrust, StoreError> {
        Ok(self.trust.lock().unwrap().clone())
    }

    async fn trust_revision(&self) -> Result<u64, StoreError> {
        Ok(self.trust.lock().unwrap().revision)
    }

    async fn put_root(
        &self,
        scope: RootScope,
        version: u64,
        envelope: String,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        let mut trust = self.trust.lock().unwrap();
        if version as usize != trust.roots.iter().filter(|(of, _)| *of == scope).count() + 1 {
            return Ok(false);
        }
        trust.roots.push((scope, envelope));
        trust.revision += 1;
        self.entries.lock().unwrap().push(entry);
        Ok(true)
    }

    async fn put_withdrawal(&self, envelope: String, entry: Entry) -> Result<(), StoreError> {
        let mut trust = self.trust.lock().unwrap();
        trust.withdrawals.push(envelope);
        trust.revision += 1;
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    async fn statements(&self, release: &ReleaseId) -> Result<Vec<String>, StoreError> {
        Ok(self.statements.lock().unwrap().get(release).cloned().unwrap_or_default())
    }

    async fn put_statement(&self, release: ReleaseId, envelope: String, entry: Entry) -> Result<(), StoreError> {
        self.statements.lock().unwrap().entry(release).or_default().push(envelope);
        self.trust.lock().unwrap().revision += 1;
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }

    async fn highest_release(&self, tenant: &TenantId, plugin: &PluginId) -> Result<Option<u64>, StoreError> {
        let all = self.installations.lock().unwrap();
        Ok(all.values().filter(|one| one.tenant == *tenant && one.plugin == *plugin).map(|one| one.number).max())
    }
}

#[async_trait]
impl InstallationStore for Memory {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        Ok(self.installations.lock().unwrap().values().cloned().collect())
    }

    async fn installations_revision(&self) -> Result<u64, StoreError> {
        Ok(self.installations.lock().unwrap().values().map(|one| one.generation).sum())
    }

    async fn put_installation(
        &self,
        installation: Installation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        let mut all = self.installations.lock().unwrap();
        let present = all.get(&installation.id).map(|one| one.generation);
        if present != expected || *self.race.lock().unwrap() {
            return Ok(false);
        }
        all.insert(installation.id.clone(), installation);
        self.entries.lock().unwrap().push(entry);
        Ok(true)
    }
}

#[async_trait]
impl Recorder for Memory {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
        self.entries.lock().unwrap().extend(entries);
        Ok(())
    }

    fn note(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }
}

/// A platform's first root: these keys publish what begins with com.example. Its own key is the one that signs it.
pub(crate) fn root(own: &SecretKey, publishers: &[PublicKey]) -> Root {
    let mut root = Root::new(RootScope::Platform, &own.public(), "the keeper", Timestamp(1_000_000_000_000));
    let keys = publishers.iter().map(|key| root.know(key, "a publisher")).collect();
    let publisher = Publisher { prefix: "com.example".parse().unwrap(), role: Role { keys, threshold: 1 } };
    root.publishers = Some(if publishers.is_empty() { Vec::new() } else { vec![publisher] });
    root
}

impl Memory {
    /// Has this first root in it, signed by its key. Gives the digest to pin.
    pub(crate) fn trusting(&self, own: &SecretKey, root: &Root) -> Digest {
        let envelope = root.signed(own).unwrap();
        let mut trust = self.trust.lock().unwrap();
        trust.roots.push((root.scope.clone(), envelope.to_json()));
        trust.revision += 1;
        Digest::of(envelope.unverified())
    }
}
