//! The world of the corpus: one host for all guests, a victim whose data nobody may see or change, a server that does not play
//! by the rules, and names that lead where they should not.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use portcullis_broker::resolve::Resolve;
use portcullis_cli::serve::runtime_resolving;
use portcullis_e2e::{Lab, Package, event};
use portcullis_model::{
    event::{Event, EventForm},
    id::{Digest, TenantId},
    installation::Installation,
    release::StoredRelease,
};
use portcullis_packages::{
    install::{InstallError, Order},
    manifest::Manifest,
    release_dir::ReleaseFiles,
    statement::Statement,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{component::Base, rogue::Rogue};

/// What is in every text of the victim's, and nowhere else.
pub const CANARY: &str = "CANARY-5e1f";
/// What is in the credential that the host adds, and nowhere else.
pub const SECRET: &str = "PORTCULLIS-ATTACK-CREDENTIAL";
const TOKEN: &str = "PORTCULLIS-ATTACK-CREDENTIAL-9f8e7d6c5b4a";
/// The tenant that nobody else may see.
const VICTIM: &str = "victim";
/// What all guests together may add to the memory of the process. Most of it is compiled code, which is kept.
const MEMORY: u64 = 1_536 << 20;

/// All that the guests are run in.
pub struct World {
    /// The host.
    pub lab: Lab,
    /// The server.
    pub rogue: Rogue,
    /// The components.
    pub base: Base,
    /// How often each name was looked up.
    pub look_ups: Arc<Mutex<BTreeMap<String, usize>>>,
    victim: String,
    memory: u64,
    _dir: TempDir,
}

impl World {
    /// Builds the guests and sets everything up.
    pub async fn new() -> Self {
        let base = Base::build();
        let dir = tempfile::tempdir().unwrap();
        let rogue = Rogue::start(dir.path()).await;
        let config = format!(
            "[egress]\nconnect-timeout-ms = 1000\ntotal-timeout-ms = 3000\ncircuit-failures = 1000\n{}",
            rogue.config()
        );
        let mut lab = Lab::with(&config).await;
        let names = Names::default();
        let look_ups = names.0.clone();
        lab.runtime = runtime_resolving(&lab.host, Arc::new(names)).unwrap();
        lab.seed(VICTIM).await;
        mark(&Connection::open(lab.host.home.helpdesk()).unwrap());
        let victim = fingerprint(&Connection::open(lab.host.home.helpdesk()).unwrap());
        Self { lab, rogue, base, look_ups, victim, memory: resident(), _dir: dir }
    }

    /// Whether the victim's data is as it was.
    pub fn victim_is_well(&self) -> bool {
        fingerprint(&Connection::open(self.lab.host.home.helpdesk()).unwrap()) == self.victim
    }

    /// MiB that the process has grown by, and whether that is within bounds.
    pub fn growth(&self) -> (u64, bool) {
        let grown = resident().saturating_sub(self.memory);
        (grown >> 20, grown <= MEMORY)
    }

    /// Installs a component in a tenant, signed by a publisher who checks nothing.
    pub async fn install(
        &self,
        tenant: &str,
        package: &Package,
        granted: Option<&[String]>,
    ) -> Result<Installation, InstallError> {
        let manifest = Manifest::parse(&package.manifest).unwrap();
        let digest = Digest::of(&package.component);
        let envelope = Statement::new(&manifest, &digest).signed(&self.lab.key).unwrap().to_json();
        let stored = StoredRelease { digest, manifest: package.manifest.clone(), envelope };
        let grant = granted.map(|scopes| scopes.iter().map(|scope| scope.parse().unwrap()).collect());
        self.lab.trust(package).await;
        let files = ReleaseFiles::new(stored, package.component.clone());
        let tenant: TenantId = tenant.parse().unwrap();
        self.lab.try_install(&files, Order { tenant, grant, limits: None }).await
    }

    /// Connects a credential for the server.
    pub async fn connect(&self, installation: &Installation) {
        self.lab.connect(installation, Rogue::HOST, TOKEN).await;
    }
}

/// An event in the tenant of the installation.
pub fn event_for(installation: &Installation, zendesk: bool, data: Value) -> Event {
    let plain = Event { tenant: installation.tenant.clone(), ..event(data) };
    if !zendesk {
        return plain;
    }
    let data = json!({
        "account_id": 1, "id": "z1", "subject": "zen:ticket:1005", "time": "2026-10-05T08:12:44Z",
        "type": "zen:event-type:ticket.comment_added", "zendesk_event_version": "2022-11-06",
        "detail": {
            "id": "1005", "subject": "hidden-subject", "description": "hidden-description", "status": "OPEN", "tags": ["hidden-tag"],
            "requester_id": "9010085", "custom_fields": [{ "id": "x", "value": "hidden-field" }], "via": { "from": "hidden@example.test" },
        },
        "event": { "comment": { "id": "1", "body": "hidden-comment", "author": { "id": "9010085" } } },
        "requester": { "email": "hidden@example.test" },
    });
    let kind = "zen:event-type:ticket.comment_added".to_owned();
    Event { kind, form: EventForm::Zendesk, data, ..plain }
}

/// Gives the victim records that no other tenant has.
fn mark(desk: &Connection) {
    desk.execute_batch(&format!(
        "BEGIN;
         INSERT INTO organizations (tenant, id, name, domain_names, tags, organization_fields)
             VALUES ('{VICTIM}', 770003, '{CANARY}', '[]', '[]', '[]');
         INSERT INTO users (tenant, id, name, email, phone, role, organization_id, tags, locale, time_zone)
             VALUES ('{VICTIM}', 7700002, '{CANARY}', 'canary@victim.example', '+1 202-555-0199', 'end-user', 770003, '[]', NULL, NULL);
         INSERT INTO tickets (tenant, id, subject, status, priority, type, requester_id, assignee_id, organization_id, tags,
                              custom_fields, created_at, updated_at)
             VALUES ('{VICTIM}', 77001, '{CANARY} canary', 'open', NULL, NULL, 7700002, NULL, 770003, '[\"canary-tag\"]', '[]', 1, 1);
         INSERT INTO comments (tenant, id, ticket_id, author_id, body, public, created_at)
             VALUES ('{VICTIM}', 77990001, 77001, '7700002', '{CANARY} body', 1, 1);
         COMMIT;"
    ))
    .unwrap();
}

/// All rows of the victim, in every table that knows tenants.
fn fingerprint(desk: &Connection) -> String {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%tenant TEXT%' ORDER BY name";
    let names: Vec<String> =
        desk.prepare(tables).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(names.len() >= 4, "{names:?}");
    let mut sum = Sha256::new();
    for name in names {
        let mut rows = desk.prepare(&format!("SELECT * FROM {name} WHERE tenant = '{VICTIM}' ORDER BY 1, 2")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap()));
            sum.update(values.collect::<Vec<_>>().join("|"));
        }
    }
    format!("{:x}", sum.finalize())
}

/// Bytes of memory that the process holds.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
    kib << 10
}

/// A resolver whose names lead where they should not.
#[derive(Default)]
struct Names(Arc<Mutex<BTreeMap<String, usize>>>);

const ADDRESSES: &[(&str, &[&str])] = &[
    ("loopback", &["127.0.0.1"]),
    ("loopback-six", &["::1"]),
    ("any", &["0.0.0.0"]),
    ("private", &["10.0.0.1"]),
    ("carrier", &["100.64.0.1"]),
    ("link-local", &["fe80::1"]),
    ("metadata", &["169.254.169.254"]),
    ("metadata-six", &["fd00:ec2::254"]),
    ("mapped", &["::ffff:127.0.0.1"]),
    ("compatible", &["::7f00:1"]),
    ("translated", &["::ffff:0:7f00:1"]),
    ("nat64", &["64:ff9b::7f00:1"]),
    ("nat64-local", &["64:ff9b:1::a9fe:a9fe"]),
    ("six-to-four", &["2002:7f00:1::1"]),
    ("teredo", &["2001:0:7f00:1::1"]),
    ("unique-local", &["fc00::1"]),
    ("site-local", &["fec0::1"]),
    ("isatap", &["2620::5efe:7f00:1"]),
    ("multicast", &["224.0.0.1"]),
    ("mixed", &["127.0.0.1", "192.0.9.1"]),
    ("mixed-last", &["192.0.9.1", "192.0.9.2", "10.0.0.1"]),
];

#[portcullis_runtime::wasmtime_wasi::async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let turn = {
            let mut seen = self.0.lock().unwrap();
            let turn = seen.entry(host.to_owned()).or_default();
            *turn += 1;
            *turn
        };
        let label = host.strip_suffix(".rebind.example.test").unwrap_or_default();
        let many: Vec<String> =
            (1..250).map(|last| format!("192.0.9.{last}")).chain(["127.0.0.1".to_owned()]).collect();
        let found: Vec<&str> = match ADDRESSES.iter().find(|(name, _)| *name == label) {
            Some((_, addresses)) => addresses.to_vec(),
            None if label == "many" => many.iter().map(String::as_str).collect(),
            // A public address at which nobody is, and then another one.
            None if label == "turns" && turn == 1 => vec!["192.0.9.1"],
            None if label == "turns" => vec!["127.0.0.1"],
            None => return Err(io::Error::other("no such name")),
        };
        Ok(found.iter().map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect())
    }
}

/// Texts that may be in nothing that a guest or a log gets.
pub fn forbidden() -> BTreeSet<&'static str> {
    [CANARY, SECRET].into()
}
