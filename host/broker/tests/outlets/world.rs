//! A store with a log, and outlets of it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use portcullis_broker::{
    egress::{Config, Private},
    outlet::{Collector, Endpoint, Follower, Form, Line, Pace, SyslogTarget, Way},
    resolve::SystemResolver,
};
use portcullis_evidence::outlet::{Sender, otlp::Otlp, syslog::Syslog};
use portcullis_model::{
    audit::{
        Actor, Entry, Kind, Recorder as _,
        query::Filter,
        reader::{AuditReader, Found, Shown, Window},
    },
    error::StoreError,
    outlet::{Outlet, OutletStore as _},
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::{AuditIndex, SqliteStore};
use tokio::{sync::watch, task::JoinHandle};

use super::receiver::NAME;

pub struct Counted(AtomicU64);
impl Rng for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().zip(next.iter().cycle()).for_each(|(byte, next)| *byte = *next);
    }
}
impl Clock for Counted {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000 + i64::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap())
    }
}

struct Reader(AuditIndex, SqliteStore);

#[async_trait]
impl AuditReader for Reader {
    async fn written(&self) -> Result<u64, StoreError> {
        self.1.entry_count().await
    }
    async fn published(&self) -> Result<u64, StoreError> {
        self.1.entry_count().await
    }
    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        self.0.search(filter, window).await
    }
    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        self.0.entries(from, most).await
    }
    async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A host with a log.
pub struct World {
    pub store: Arc<SqliteStore>,
    pub folder: tempfile::TempDir,
    reader: Arc<dyn AuditReader>,
}

/// An outlet at work.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// In good order.
    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }

    /// As if the process had died.
    pub async fn die(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// Quick, so that nobody waits.
const PACE: Pace = Pace {
    look: Duration::from_millis(20),
    first: Duration::from_millis(40),
    longest: Duration::from_millis(300),
    patience: 3,
    steady: Duration::from_millis(400),
};

fn sender() -> Sender {
    Sender { origin: "host.example/audit".into(), personal: false }
}

/// Where the receiver's name leads, and what else may be said of the way there.
pub fn leading_to(port: u16, ca_pem: Option<&str>) -> Config {
    let address = ([127, 0, 0, 1], port).into();
    let one = Private { host: NAME.to_owned(), address, ca_pem: ca_pem.map(str::to_owned) };
    Config { private: vec![one], connect_timeout: Duration::from_secs(2), ..Config::default() }
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("host.db")).unwrap());
        let index = AuditIndex::new(&folder.path().join("index.db"), store.as_ref().clone());
        let reader = Arc::new(Reader(index, store.as_ref().clone()));
        Self { store, folder, reader }
    }

    /// Writes so many entries.
    pub async fn write(&self, many: u64) {
        for n in 0..many {
            let entry = Entry::new(Timestamp(1_700_000_000_000), Kind::PluginGranted, person(), None).with("n", n);
            self.store.record(vec![entry]).await.unwrap();
        }
    }

    pub async fn record(&self, entry: Entry) {
        self.store.record(vec![entry]).await.unwrap();
    }

    pub fn line(&self, port: u16, config: &Config, hold: Duration) -> (Way, Form) {
        let target = SyslogTarget { host: NAME.into(), port, ca_pem: None };
        let line = Line::new(target, config, Arc::new(SystemResolver::default())).unwrap().holding(hold);
        let form = Syslog { sender: sender(), facility: 13, hostname: "host.example".into(), enterprise: Some(64_000) };
        (Way::Line(line), Arc::new(move |shown: &Shown| form.message(shown)))
    }

    pub fn collector(&self, url: &str, headers: Option<PathBuf>, config: &Config) -> (Way, Form) {
        let (endpoint, form): (Endpoint, _) = (url.parse().unwrap(), Otlp { sender: sender() });
        let resolver = Arc::new(SystemResolver::default());
        let collector = Collector::new(endpoint, headers, form.around(), config, resolver).unwrap();
        (Way::Collector(collector), Arc::new(move |shown: &Shown| form.record(shown)))
    }

    /// Turns an outlet on, and has it follow.
    pub async fn follow(&self, (way, form): (Way, Form)) -> Running {
        let entry = Entry::new(Timestamp(1_700_000_000_000), Kind::OutletStarted, Actor::Host, None);
        let outlet = self.store.outlet_on("siem", "there", entry).await.unwrap();
        let follower = Follower {
            name: "siem",
            way,
            form,
            reader: self.reader.clone(),
            store: self.store.clone(),
            clock: Arc::new(Counted(AtomicU64::new(0))),
            rng: Arc::new(Counted(AtomicU64::new(0))),
            pace: PACE,
        };
        let (stop, stopped) = watch::channel(false);
        Running { stop, task: tokio::spawn(follower.run(outlet, stopped)) }
    }

    pub async fn outlet(&self) -> Outlet {
        self.store.outlets().await.unwrap().remove(0)
    }

    /// Waits until the outlet stands as is wanted.
    pub async fn until(&self, what: impl Fn(&Outlet) -> bool) -> Outlet {
        let began = Instant::now();
        loop {
            let outlet = self.outlet().await;
            if what(&outlet) {
                return outlet;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{outlet:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The kinds of all entries that are about outlets.
    pub async fn told(&self) -> Vec<Kind> {
        let all = self.store.entries(0, 100_000).await.unwrap();
        let kept = all.iter().filter(|one| one.kind.starts_with("outlet.") && one.disposed.is_none());
        kept.map(|one| one.read().unwrap().kind).collect()
    }

    /// Disposes of all that can be disposed of below an index.
    pub async fn dispose(&self, below: u64) {
        let late = Timestamp(1_900_000_000_000);
        while let Some(due) = self.store.disposable(None, late, below).await.unwrap() {
            let entry = Entry::new(late, Kind::AuditDisposed, Actor::Host, None);
            assert!(self.store.dispose(due, entry).await.unwrap());
        }
    }

    /// The indices of what was disposed of.
    pub async fn disposed(&self) -> Vec<u64> {
        let all = self.store.entries(0, 100_000).await.unwrap();
        all.iter().filter(|one| one.disposed.is_some()).map(|one| one.index).collect()
    }
}

pub fn person() -> Actor {
    Actor::Person { name: "dana of accounts".into() }
}
