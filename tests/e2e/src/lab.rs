//! A host of its own for one test: a new home, opened, with the real runtime; and ways to look at what it did.

use std::{path::Path, sync::Arc, time::Duration};

use portcullis_broker::place::Place;
use portcullis_capabilities::Capabilities;
use portcullis_cli::{
    commands::init,
    connect::connecting,
    home::Home,
    host::{Host, person},
    serve::runtime,
};
use portcullis_model::{
    audit::{Entry, Kind, Recorder as _},
    connection::ConnectionKey,
    event::Event,
    helpdesk::Comment,
    id::TenantId,
    installation::{Installation, InstallationStore as _},
    invoke::{CallReport, Invoke as _},
    risk::AcceptedRisk,
    scope::ScopeText,
    secret::Secret,
};
use portcullis_packages::{
    install::{InstallError, Order},
    keys::SecretKey,
    release_dir::ReleaseFiles,
};
use portcullis_runtime::Runtime;
use portcullis_store::{StoredEntry, helpdesk::SqliteHelpDesk};
use serde_json::Value;
use tempfile::TempDir;

use crate::{events::event, package::Package};

/// The tenant of everything that names no other.
pub const TENANT: &str = "acme";

/// Few slots: many labs run side by side. Retries come soon.
const CONFIG: &str = "[sandbox]\nconcurrent-calls = 8\n[delivery]\nfirst-pause-ms = 20\nlongest-pause-ms = 500\n";

/// A host of one's own.
pub struct Lab {
    /// The host, opened.
    pub host: Host,
    /// What calls plugins.
    pub runtime: Arc<Runtime<Capabilities>>,
    /// The help desk, by a handle of the test's own.
    pub desk: SqliteHelpDesk,
    /// The key that all plugins here are signed with, and that is trusted for each of their publishers.
    pub key: SecretKey,
    dir: TempDir,
}

impl Lab {
    /// A new one.
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// Somebody who answers for a static token, for a day.
    pub fn risk(&self) -> AcceptedRisk {
        let until = self.host.clock.now().plus(Duration::from_secs(24 * 3_600));
        AcceptedRisk { reason: "a test's service has no OAuth".into(), accepted_by: "test".into(), until }
    }

    /// Stores a token by hand, which goes to this host in requests of this installation.
    pub async fn connect(&self, to: &Installation, host: &str, token: &str) {
        let key = ConnectionKey::of(to, "api").unwrap();
        let (place, token) = (Place::bearer(host), Secret::new(token.as_bytes().to_vec()));
        connecting(&self.host).keep(&key, &place, token, self.risk(), person()).await.unwrap();
    }

    /// A new one that searches guest memory for secrets after every call.
    pub async fn scanning() -> Self {
        Self::configured(&CONFIG.replace("[sandbox]\n", "[sandbox]\nscan-memory = true\n")).await
    }

    /// The same, and each call leaves its core dump in this directory.
    pub async fn dumping(dir: &Path) -> Self {
        let sandbox = format!("[sandbox]\nscan-memory = true\ncore-dumps = '{}'\n", dir.display());
        Self::configured(&CONFIG.replace("[sandbox]\n", &sandbox)).await
    }

    /// A new one with these further lines in its configuration.
    pub async fn with(config: &str) -> Self {
        Self::configured(&format!("{CONFIG}{config}")).await
    }

    /// A new one with so many calls at once, and these further lines in its configuration.
    pub async fn wide(slots: usize, config: &str) -> Self {
        let slots = format!("concurrent-calls = {slots}");
        Self::configured(&format!("{}{config}", CONFIG.replace("concurrent-calls = 8", &slots))).await
    }

    async fn configured(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = init::create(Home::at(dir.path().join("home")), config).await.unwrap();
        let runtime = runtime(&host).unwrap();
        let desk = SqliteHelpDesk::open(&host.home.helpdesk(), host.clock.clone()).unwrap();
        let key = SecretKey::generate(host.rng.as_ref());
        Self { host, runtime, desk, key, dir }
    }

    /// The directory that goes with it; the home lies in it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Another host on the same home, as another process would have.
    pub async fn reopened(&self) -> Host {
        Host::open(self.host.home.clone()).await.unwrap()
    }

    /// Forgets everything that was made ready, as a restart does.
    pub async fn restart(&mut self) {
        self.host = self.reopened().await;
        self.runtime = runtime(&self.host).unwrap();
    }

    /// Fills a tenant's help desk.
    pub async fn seed(&self, tenant: &str) {
        self.desk.seed(&tenant_id(tenant)).await.unwrap();
    }

    /// Installs a package in the usual tenant and grants all that it asks for.
    pub async fn install(&self, package: &Package) -> Installation {
        self.install_in(TENANT, package, None).await
    }

    /// Installs a package and grants these scopes, or all that it asks for.
    pub async fn install_in(&self, tenant: &str, package: &Package, granted: Option<&[&str]>) -> Installation {
        let grant = granted.map(|scopes| scopes.iter().map(|scope| scope.parse().unwrap()).collect());
        let order = Order { tenant: tenant_id(tenant), grant, limits: None };
        self.trust(package).await;
        self.try_install(&package.signed(&self.key), order).await.unwrap()
    }

    /// Trusts the lab's key for the package's publisher.
    pub async fn trust(&self, package: &Package) {
        self.host.trust_publisher(&package.parsed().publisher, &self.key.public()).await.unwrap();
    }

    /// Installs what was handed over, or says why not.
    pub async fn try_install(&self, files: &ReleaseFiles, order: Order) -> Result<Installation, InstallError> {
        self.host.installer().install(files, order).await
    }

    /// Replaces an installation's grant.
    pub async fn grant(&self, installation: &Installation, scopes: &[&str]) -> Installation {
        let scopes: Vec<ScopeText> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        self.host.installer().grant(&installation.id, scopes).await.unwrap()
    }

    /// Calls a plugin for a fresh event with this data.
    pub async fn call(&self, installation: &Installation, data: Value) -> CallReport {
        self.handle(installation, &event(data), 1).await
    }

    /// Calls a plugin for this event.
    pub async fn handle(&self, installation: &Installation, event: &Event, attempt: u32) -> CallReport {
        let call = self.runtime.handle(installation, event, attempt);
        // Every call ends by itself; this only says which one did not.
        let ended = tokio::time::timeout(Duration::from_secs(120), call).await;
        let report = ended.unwrap_or_else(|_| panic!("a call of {} does not end", installation.plugin));
        // As the worker does: the end of a call also ends what the call left open.
        self.host.store.record(vec![report.entry(self.host.clock.now())]).await.unwrap();
        report
    }

    /// The installations as they are now.
    pub async fn installations(&self) -> Vec<Installation> {
        self.host.store.installations().await.unwrap()
    }

    /// All entries of the audit log, as they are stored. Waits for those that were handed in.
    pub async fn stored_entries(&self) -> Vec<StoredEntry> {
        self.host.store.record(Vec::new()).await.unwrap();
        self.host.store.entries(0, 1_000_000).await.unwrap()
    }

    /// All entries of the audit log.
    pub async fn entries(&self) -> Vec<Entry> {
        let stored = self.stored_entries().await;
        stored.iter().for_each(holds_no_person);
        stored.iter().map(|entry| entry.read().unwrap()).collect()
    }

    /// The entries of this kind.
    pub async fn entries_of(&self, kind: Kind) -> Vec<Entry> {
        self.entries().await.into_iter().filter(|entry| entry.kind == kind).collect()
    }

    /// The texts of a ticket's comments by this installation.
    pub async fn comments_by(&self, installation: &Installation, ticket: &str) -> Vec<String> {
        let all = self.desk.comments_of(&installation.tenant, ticket).await.unwrap();
        let by = |comment: &Comment| comment.author_id == installation.id.as_str();
        all.into_iter().filter(by).map(|comment| comment.body).collect()
    }

    /// A connection of the test's own to the host's database, past everything that guards it.
    pub fn database(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.host.home.database()).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
    }
}

fn tenant_id(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// Whatever a test does, what people are called is in no body.
fn holds_no_person(stored: &StoredEntry) {
    let body: Value = serde_json::from_slice(&stored.body).unwrap();
    let text = String::from_utf8_lossy(&stored.body);
    assert!(body["actor"]["type"] != "person" || body["actor"]["name"]["committed"].is_string(), "{text}");
    assert!(!body["resource"].as_str().unwrap_or_default().starts_with("user:"), "{text}");
    for seeded in ["Priya Raghunathan", "priya.raghunathan"] {
        assert!(!text.contains(seeded), "{text}");
    }
}
