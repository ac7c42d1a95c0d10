//! Answers for freezes on the way of every request: what is frozen is refused, and what is under way when a freeze comes is ended.
//!
//! The table lies in memory and is replaced as a whole. Without a freeze a request costs one comparison; with some, a look into a
//! few hash tables. A request under way watches for the next table and holds the one that it was last held against, so that it is
//! known when none goes on that has not seen the newest.
//!
//! Invariants: what is added holds at once, also while credentials are being read, and for what has begun and not left yet; what is lifted or released goes on only after the credentials
//! were read anew, so that nothing goes out with an old one; a table that cannot be read leaves the last one in force.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{
        Arc, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder},
    connection::ConnectionKey,
    error::{ServiceError, StoreError},
    freeze::{Carried, Extent, Freeze, FreezeState, FreezeStore, Freezes, Frozen, Released, Subject},
    id::PluginId,
    time::Clock,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

use crate::connection::Connections;

/// How often changes by other processes are looked for.
pub const TICK: Duration = Duration::from_millis(100);
/// How long requests that were told to end are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the credentials in use again, before anything goes on that was frozen.
#[async_trait]
pub trait Reload: Send + Sync {
    /// From then on nothing older is used than what was stored when this was called.
    async fn reload(&self) -> Result<(), String>;
}

#[async_trait]
impl Reload for Connections {
    async fn reload(&self) -> Result<(), String> {
        self.refresh().await.map(drop).map_err(|error| error.to_string())
    }
}

/// Why the table could not be made anew. Whatever was frozen is frozen still.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BookError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The credentials could not be read again.
    #[error("credentials cannot be read again, and what was frozen stays so: {0}")]
    Reload(String),
}

/// What a look at the store changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that is in force.
    pub revision: u64,
    /// Freezes that were not there before.
    pub added: Vec<u64>,
    /// Requests that were under way and were ended.
    pub ended: u64,
    /// Requests that have not seen it within five seconds.
    pub left: usize,
}

/// A freeze, and the revision that it was first read with.
type Known = (Freeze, u64);

#[derive(Debug, Default)]
struct Table {
    freezes: Vec<Known>,
    by_extent: HashMap<Extent, Vec<usize>>,
    released: HashSet<Released>,
    ended: Arc<AtomicU64>,
}

impl Table {
    fn new(freezes: Vec<Known>, released: HashSet<Released>, ended: &Arc<AtomicU64>) -> Self {
        let mut by_extent: HashMap<Extent, Vec<usize>> = HashMap::new();
        for (at, (freeze, _)) in freezes.iter().enumerate() {
            by_extent.entry(freeze.extent.clone()).or_default().push(at);
        }
        Self { freezes, by_extent, released, ended: ended.clone() }
    }

    fn is_empty(&self) -> bool {
        self.freezes.is_empty()
    }

    fn check(&self, subject: &Subject, carried: &[Carried]) -> Result<(), Frozen> {
        if self.is_empty() {
            return Ok(());
        }
        let whole = [
            Extent::All,
            Extent::Tenant(subject.tenant.clone()),
            Extent::Installation(subject.installation.clone()),
            Extent::Plugin(subject.plugin.clone()),
        ];
        for extent in whole.into_iter().chain(publishers(&subject.plugin)) {
            self.check_extent(&extent, subject, carried)?;
        }
        for one in carried {
            let this = std::slice::from_ref(one);
            if let Some(provider) = &one.provider {
                self.check_extent(&Extent::Provider(provider.clone()), subject, this)?;
            }
            self.check_extent(&Extent::Connection(key(subject, one)), subject, this)?;
        }
        Ok(())
    }

    fn check_extent(&self, extent: &Extent, subject: &Subject, carried: &[Carried]) -> Result<(), Frozen> {
        for (freeze, _) in self.by_extent.get(extent).into_iter().flatten().filter_map(|at| self.freezes.get(*at)) {
            if !self.is_released(freeze.number, subject, carried) {
                return Err(freeze.into());
            }
        }
        Ok(())
    }

    /// Whether this freeze lets it go on: the whole installation, or each of the credentials that it carries.
    fn is_released(&self, freeze: u64, subject: &Subject, carried: &[Carried]) -> bool {
        let released = |name: Option<&str>| {
            self.released.contains(&Released {
                freeze,
                tenant: subject.tenant.clone(),
                installation: subject.installation.clone(),
                name: name.map(str::to_owned),
            })
        };
        released(None) || (!carried.is_empty() && carried.iter().all(|one| released(Some(&one.name))))
    }

    fn has(&self, number: u64) -> bool {
        self.freezes.iter().any(|(freeze, _)| freeze.number == number)
    }

    /// These, and what is in the state and not yet here.
    fn with(&self, state: &FreezeState) -> Vec<Known> {
        let new = state.freezes.iter().filter(|freeze| !self.has(freeze.number));
        self.freezes.iter().cloned().chain(new.map(|freeze| (freeze.clone(), state.revision))).collect()
    }

    /// Whether the state lifts or releases something.
    fn is_stricter_than(&self, state: &FreezeState) -> bool {
        let lifted = |(freeze, revision): &Known| {
            *revision <= state.revision && state.freezes.iter().all(|known| known.number != freeze.number)
        };
        self.freezes.iter().any(lifted) || state.released.iter().any(|one| !self.released.contains(one))
    }
}

fn key(subject: &Subject, carried: &Carried) -> ConnectionKey {
    ConnectionKey {
        tenant: subject.tenant.clone(),
        installation: subject.installation.clone(),
        name: carried.name.clone(),
    }
}

/// All that could be the publisher of this plugin: each beginning of its id.
fn publishers(plugin: &PluginId) -> impl Iterator<Item = Extent> {
    let text = plugin.as_str();
    let ends = text.match_indices('.').map(|(at, _)| at);
    ends.filter_map(|end| text.get(..end)?.parse().ok()).map(Extent::Publisher)
}

/// All freezes, as requests see them.
pub struct FreezeBook {
    store: Arc<dyn FreezeStore>,
    reload: Arc<dyn Reload>,
    table: watch::Sender<Arc<Table>>,
    older: std::sync::Mutex<Vec<Weak<Table>>>,
    /// Requests that were ended since the start.
    ended: Arc<AtomicU64>,
    /// The revision that was last looked at for what is new, and the highest number that was reported.
    tightened: Mutex<(Option<u64>, u64)>,
    /// The revision up to which everything was lifted and released.
    loosened: Mutex<Option<u64>>,
}

impl FreezeBook {
    /// A book in which nothing is frozen yet; [`tick`](Self::tick) reads what is.
    pub fn new(store: Arc<dyn FreezeStore>, reload: Arc<dyn Reload>) -> Self {
        Self {
            store,
            reload,
            table: watch::Sender::new(Arc::default()),
            older: std::sync::Mutex::default(),
            ended: Arc::default(),
            tightened: Mutex::default(),
            loosened: Mutex::default(),
        }
    }

    /// Takes what was frozen since into force, and ends what is under way of it. `None`: there is nothing new.
    pub async fn tighten(&self) -> Result<Option<Change>, BookError> {
        let began = self.ended.load(Ordering::Relaxed);
        match self.take_in().await? {
            Some(change) => Ok(Some(self.seen(change, began).await)),
            None => Ok(None),
        }
    }

    /// Takes what was frozen since into force.
    async fn take_in(&self) -> Result<Option<Change>, BookError> {
        let mut tightened = self.tightened.lock().await;
        if tightened.0 == Some(self.store.freeze_revision().await?) {
            return Ok(None);
        }
        let state = self.store.freezes().await?;
        let table = self.table.borrow().clone();
        if state.freezes.iter().any(|freeze| !table.has(freeze.number)) {
            self.publish(table.with(&state), table.released.clone());
        }
        tightened.0 = Some(state.revision);
        let new = state.freezes.iter().map(|freeze| freeze.number).filter(|number| *number > tightened.1);
        let added: Vec<u64> = new.collect();
        tightened.1 = added.iter().copied().max().unwrap_or(tightened.1);
        let change = Change { revision: state.revision, added, ended: 0, left: 0 };
        Ok(Some(change).filter(|change| !change.added.is_empty()))
    }

    /// Waits until nothing goes on that has not seen the change. `began`: how many had been ended before it.
    async fn seen(&self, change: Change, began: u64) -> Change {
        let left = self.all_have_seen().await;
        Change { ended: self.ended.load(Ordering::Relaxed) - began, left, ..change }
    }

    /// Lets go on what was lifted or released since, after the credentials were read anew.
    pub async fn loosen(&self) -> Result<(), BookError> {
        let mut loosened = self.loosened.lock().await;
        if *loosened == Some(self.store.freeze_revision().await?) {
            return Ok(());
        }
        // The state first: whatever let something go on was stored after the credential that it is to go on with.
        let state = self.store.freezes().await?;
        let stricter = self.table.borrow().is_stricter_than(&state);
        if stricter {
            self.reload.reload().await.map_err(BookError::Reload)?;
            let _nobody_adds = self.tightened.lock().await;
            let table = self.table.borrow().clone();
            let holds = |(freeze, revision): &Known| {
                *revision > state.revision || state.freezes.iter().any(|known| known.number == freeze.number)
            };
            let freezes = table.with(&state).into_iter().filter(holds).collect();
            self.publish(freezes, state.released.into_iter().collect());
        }
        *loosened = Some(state.revision);
        Ok(())
    }

    /// One look at the store, for both.
    pub async fn tick(&self) -> Result<Option<Change>, BookError> {
        let change = self.tighten().await?;
        self.loosen().await?;
        Ok(change)
    }

    /// Looks for changes until `stop` turns true, and writes down when a freeze holds. Reading the credentials anew may take its
    /// time, and keeps no freeze waiting.
    pub async fn run(self: Arc<Self>, recorder: Arc<dyn Recorder>, clock: Arc<dyn Clock>, stop: watch::Receiver<bool>) {
        // What was frozen before there was anything to end.
        if let Some(standing) = self.standing() {
            record(recorder.as_ref(), enforced(&standing, clock.as_ref(), Duration::ZERO)).await;
        }
        let tightening = async {
            let (mut stop, mut waiting) = (stop.clone(), JoinSet::new());
            while pause(&mut stop).await {
                let (at, began) = (Instant::now(), self.ended.load(Ordering::Relaxed));
                match self.take_in().await {
                    // The next freeze does not wait for what this one waits for.
                    Ok(Some(change)) => {
                        let (book, recorder, clock) = (self.clone(), recorder.clone(), clock.clone());
                        waiting.spawn(async move {
                            let change = book.seen(change, began).await;
                            record(recorder.as_ref(), enforced(&change, clock.as_ref(), at.elapsed())).await;
                        });
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "freezes cannot be read; those that were known hold"),
                }
                while waiting.try_join_next().is_some() {}
            }
            waiting.join_all().await;
        };
        let loosening = async {
            let mut stop = stop.clone();
            while pause(&mut stop).await {
                if let Err(error) = self.loosen().await {
                    tracing::error!(%error, "nothing that was frozen goes on");
                }
            }
        };
        tokio::join!(tightening, loosening);
    }

    /// Lets a request begin, and gives what ends it when a freeze comes. `carried` says what it carries, where that is asked.
    pub fn enter<C: Fn() -> Vec<Carried>>(&self, subject: Subject, carried: C) -> Result<Pass<C>, Frozen> {
        let mut tables = self.table.subscribe();
        let table = tables.borrow_and_update().clone();
        if !table.is_empty() {
            table.check(&subject, &carried())?;
        }
        Ok(Pass { subject, carried, tables, table })
    }

    /// The last look before something leaves that was let begin: whether it may still leave with what it really carries.
    pub fn leaves(&self, subject: &Subject, carried: impl FnOnce() -> Vec<Carried>) -> Result<(), Frozen> {
        let table = self.table.borrow();
        if table.is_empty() {
            return Ok(());
        }
        table.check(subject, &carried()).inspect_err(|_| {
            table.ended.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// What holds at the moment, as a change; `None` where nothing does.
    fn standing(&self) -> Option<Change> {
        let table = self.table.borrow();
        let added: Vec<u64> = table.freezes.iter().map(|(freeze, _)| freeze.number).collect();
        let revision = table.freezes.iter().map(|(_, revision)| *revision).max()?;
        Some(Change { revision, added, ended: 0, left: 0 })
    }

    fn publish(&self, freezes: Vec<Known>, released: HashSet<Released>) {
        let old = self.table.send_replace(Arc::new(Table::new(freezes, released, &self.ended)));
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        older.retain(|table| table.strong_count() > 0);
        older.push(Arc::downgrade(&old));
    }

    /// Waits until every request under way was held against the newest table. Gives how many tables are still held by some.
    async fn all_have_seen(&self) -> usize {
        let patience = Instant::now() + PATIENCE;
        loop {
            let left = {
                let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
                older.retain(|table| table.strong_count() > 0);
                older.iter().map(Weak::strong_count).sum()
            };
            if left == 0 || Instant::now() >= patience {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Freezes for FreezeBook {
    fn check(&self, subject: &Subject, carried: &[Carried]) -> Result<(), Frozen> {
        self.table.borrow().check(subject, carried)
    }
}

/// Waits for the next look; false at the end.
async fn pause(stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(TICK) => {}
        _ = stop.changed() => {}
    }
    !*stop.borrow()
}

async fn record(recorder: &dyn Recorder, entry: Entry) {
    if let Err(error) = recorder.record(vec![entry]).await {
        tracing::error!(%error, "that a freeze holds could not be recorded");
    }
}

fn enforced(change: &Change, clock: &dyn Clock, took: Duration) -> Entry {
    Entry::new(clock.now(), Kind::FreezeEnforced, Actor::Host, None)
        .with("revision", change.revision)
        .with("freezes", change.added.clone())
        .with("requests-ended", change.ended)
        .with("requests-left", change.left)
        .with("took-ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// A request that was let begin.
pub struct Pass<C> {
    subject: Subject,
    carried: C,
    tables: watch::Receiver<Arc<Table>>,
    table: Arc<Table>,
}

impl<C: Fn() -> Vec<Carried>> Pass<C> {
    /// Does the work, or drops it as soon as a freeze covers it.
    pub async fn unless_frozen<T>(
        mut self,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                changed = self.tables.changed() => {
                    if changed.is_err() {
                        return work.await;
                    }
                    self.look_again()?;
                }
                done = &mut work => return done,
            }
        }
    }

    /// Takes notice of freezes for something that is not dropped when one comes: the last table that let it go on is held, so that
    /// it is known that it does. Ends with the book.
    pub(super) async fn look_on(&mut self) {
        while self.tables.changed().await.is_ok() {
            let table = self.tables.borrow_and_update().clone();
            if table.check(&self.subject, &(self.carried)()).is_ok() {
                self.table = table;
            }
        }
    }

    fn look_again(&mut self) -> Result<(), Frozen> {
        self.table = self.tables.borrow_and_update().clone();
        if self.table.is_empty() {
            return Ok(());
        }
        self.table.check(&self.subject, &(self.carried)()).inspect_err(|_| {
            self.table.ended.fetch_add(1, Ordering::Relaxed);
        })
    }
}
