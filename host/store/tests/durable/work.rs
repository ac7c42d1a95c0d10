//! What the process does that is killed: many acts at once, each said aloud once it was answered for.

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
    installation::{Installation, InstallationState, InstallationStore as _},
    limits::Limits,
    time::Timestamp,
    upgrade::UpgradePolicy,
};
use portcullis_store::SqliteStore;

const TASKS: u64 = 16;
/// Who acts, and on whom: personal values that lie beside the log.
pub const WHO: &str = "dana";

pub fn dir() -> PathBuf {
    std::env::var_os("DURABLE_DIR").unwrap().into()
}

pub fn store() -> Result<SqliteStore, portcullis_model::error::StoreError> {
    SqliteStore::open(&dir().join("host.db"))
}

pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // One write: a kill in between leaves no half line that looks whole.
    out.write_all(format!("> {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// An entry by a person about a person.
pub fn entry(kind: Kind, tenant: u64) -> Entry {
    let tenant = format!("tenant-{}", tenant % 3).parse().unwrap();
    Entry::new(Timestamp(1), kind, Actor::Person { name: WHO.into() }, Some(tenant)).about(format!("user:{WHO}"))
}

pub fn installation(id: &str) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: "tenant-0".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "0.1.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

/// Works until it is killed.
pub fn run() {
    let round = std::env::var("DURABLE_ROUND").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(store().unwrap());
        let next = Arc::new(AtomicU64::new(0));
        // What the last one left open, as a host does at its start.
        store.sweep_open_acts(Timestamp(2)).await.unwrap();
        let tasks: Vec<_> =
            (0..TASKS).map(|_| tokio::spawn(task(store.clone(), next.clone(), round.clone()))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

async fn task(store: Arc<SqliteStore>, next: Arc<AtomicU64>, round: String) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let id = format!("ins_{round}x{number}");
        if number.is_multiple_of(4) {
            // An effect and its entry.
            let entry = Entry { resource: Some(format!("installation:{id}")), ..entry(Kind::PluginInstalled, 0) };
            assert!(store.put_installation(installation(&id), None, entry).await.unwrap());
        } else {
            // An act: permitted, durable; then done, and how it ended.
            let permit = entry(Kind::ActPermitted, number).with("id", id.as_str()).with("act", "users.get");
            store.record(vec![permit]).await.unwrap();
            store.note(entry(Kind::ActOutcome, number).with("id", id.as_str()).with("outcome", "ok"));
        }
        say(&id);
    }
}
