//! The follower that holds the log against the rules, and what tells people of what it finds (MON-4, DAT-13).
//!
//! It reads what is durable, from a cursor of its own, so that no write waits for it. Memories, alerts and the cursor are stored in one
//! transaction; whoever was slower throws away what they found.
//!
//! Invariants: each entry is held against the rules once, in order; what was written while no host ran is caught up with; which rules
//! those were is on record.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use portcullis_broker::{
    post::Poster,
    resolve::SystemResolver,
    standard_webhooks::{alert_family::AlertEndpointKeys, alerts::AlertKeys},
};
use portcullis_delivery::AlertSender;
use portcullis_detect::{Cell, Engine, Facts, Key, Library, Memory, State};
use portcullis_model::{
    alert::Hit,
    audit::{Actor, Entry, Kind},
    pseudonym::Pseudonyms as _,
};
use portcullis_store::{DetectStep, MemoryCell, StoredEntry};
use serde::Deserialize;
use tokio::sync::watch;

use crate::{host::Host, tasks::Tasks};

/// How often a running host looks for new entries.
const FOLLOW: Duration = Duration::from_millis(500);
/// How many entries are taken at once.
const AT_ONCE: usize = 2_000;
/// The longest time of learning, in hours: 90 days.
const LONGEST: u32 = 90 * 24;
/// What digests of personal values are made for.
const PURPOSE: &str = "detect/person";

/// The configuration's section `detect`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DetectSection {
    /// For how many hours what is new about an installation is only learnt, where a rule does not say.
    pub learn_hours: u32,
}

impl Default for DetectSection {
    fn default() -> Self {
        Self { learn_hours: 72 }
    }
}

impl DetectSection {
    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<()> {
        anyhow::ensure!(self.learn_hours <= LONGEST, "detect.learn-hours: at most {LONGEST}");
        Ok(())
    }
}

/// The rules of this home: the host's own and the operator's.
pub fn library(host: &Host) -> Result<Library> {
    Library::with(&host.home.rules()).context("the rules cannot be read")
}

/// Those rules, ready to be applied.
pub fn engine(host: &Host) -> Result<Engine> {
    let rules = library(host)?;
    Ok(Engine::new(rules.iter().map(|one| one.rule.clone()), host.config.detect.learn_hours))
}

/// What makes digests of personal values that only this host can make.
pub fn digester(host: &Host) -> Result<impl Fn(&str) -> String + Send + Sync + use<>> {
    let pseudonyms = host.pseudonyms.clone();
    // No tenant's and no installation's: the purpose keeps these apart from whatever else is made under the same key.
    let (tenant, installation) = ("portcullis".parse()?, "detect".parse()?);
    Ok(move |value: &str| hex::encode(pseudonyms.keyed(&tenant, &installation, PURPOSE, value.as_bytes())))
}

/// Has no rule remember a personal value any more.
pub async fn forget(host: &Host, value: &str) -> Result<()> {
    Ok(host.store.detect_forget(digester(host)?(value)).await?)
}

/// Holds entries against rules.
pub struct Follower {
    host: Arc<Host>,
    engine: Engine,
    digest: Box<dyn Fn(&str) -> String + Send + Sync>,
}

impl Follower {
    /// With the rules of the host's home, as they are now.
    pub fn new(host: Arc<Host>) -> Result<Self> {
        let (engine, digest) = (engine(&host)?, Box::new(digester(&host)?));
        Ok(Self { host, engine, digest })
    }

    /// Takes up all entries that were not held against the rules. Gives how many hits there were.
    pub async fn catch_up(&self) -> Result<usize> {
        let rules = self.engine.digest();
        if self.host.store.detect_cursor().await?.rules != Some(rules) {
            let entry = Entry::new(self.host.clock.now(), Kind::AlertRulesChanged, Actor::Host, None)
                .with("rules", self.engine.rules().iter().map(|rule| rule.id.clone()).collect::<Vec<_>>())
                .with("digest", rules.to_string());
            self.host.store.detect_under(rules, entry).await?;
        }
        let mut hits = 0;
        while let Some(found) = self.step().await? {
            hits += found;
        }
        Ok(hits)
    }

    /// Takes up some. None where there is nothing left.
    async fn step(&self) -> Result<Option<usize>> {
        let (cursor, entries) = self.host.store.detect_next(AT_ONCE).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        let to = cursor.next + entries.len() as u64;
        let read: Vec<(u64, Entry)> = entries.iter().filter_map(|stored| self.read(stored)).collect();
        let mut state = self.memories(&read).await?;
        let hits = tokio::task::block_in_place(|| self.hold_against(&read, &mut state));
        let cells = state.take_changed().into_iter().map(|(Key { rule, subject }, item, cell)| {
            let cell = cell.map(|cell| (cell.count, cell.first, cell.last));
            MemoryCell { rule, subject, item, cell }
        });
        let (found, now) = (hits.len(), self.host.clock.now());
        let forget = entries.iter().filter_map(erased).collect();
        let step = DetectStep { from: cursor.next, to, cells: cells.collect(), hits, forget, now };
        let stored = self.host.store.detect_step(step).await?;
        Ok(Some(if stored { found } else { 0 }))
    }

    /// An entry that a rule may be about. What cannot be read, or was disposed of, says nothing.
    fn read(&self, stored: &StoredEntry) -> Option<(u64, Entry)> {
        let entry = stored.read().ok()?;
        self.engine.wants(&entry).then_some((stored.index, entry))
    }

    /// What rules remember of what these entries are about.
    async fn memories(&self, entries: &[(u64, Entry)]) -> Result<State> {
        let looked = |(index, entry): &(u64, Entry)| self.engine.look(&Facts::of(*index, entry, self.digest.as_ref()));
        let keys: BTreeSet<Key> =
            tokio::task::block_in_place(|| entries.iter().flat_map(looked).map(|found| found.key).collect());
        let asked = keys.iter().map(|key| (key.rule.clone(), key.subject.clone())).collect();
        let mut state = State::default();
        let mut kept = self.host.store.detect_memories(asked).await?.into_iter().peekable();
        for key in keys {
            let mut cells = Vec::new();
            while let Some(one) = kept.next_if(|one| one.rule == key.rule && one.subject == key.subject) {
                cells.extend(one.cell.map(|(count, first, last)| (one.item, Cell { count, first, last })));
            }
            state.add(key, Memory::of(cells));
        }
        Ok(state)
    }

    fn hold_against(&self, entries: &[(u64, Entry)], state: &mut State) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (index, entry) in entries {
            let facts = Facts::of(*index, entry, self.digest.as_ref());
            hits.extend(self.engine.take(&facts, self.engine.look(&facts), state));
        }
        hits
    }
}

/// The subject that an entry says was erased.
fn erased(stored: &StoredEntry) -> Option<String> {
    let entry = (stored.kind == Kind::PluginErased.name()).then(|| stored.read().ok())??;
    let installation = entry.resource.as_deref()?.strip_prefix("installation:")?.to_owned();
    Some(format!("{}/{installation}", entry.tenant?))
}

/// Has the log followed and people told by a host that begins to run.
///
/// # Errors
/// A rule cannot be read: a host does not run with less of them than its operator thinks.
pub fn start(host: &Arc<Host>, address: SocketAddr, work: &mut Tasks) -> Result<()> {
    let follower = Follower::new(host.clone())?;
    let base = host.config.listen.base().unwrap_or_else(|_| format!("http://{address}"));
    let sender = Arc::new(sender(host, base)?);
    work.spawn("rules", |stop| run(follower, stop));
    work.spawn("alerts", |stop| sender.run(stop));
    Ok(())
}

/// Follows the log until `stop` turns true, and then once more.
pub async fn run(follower: Follower, mut stop: watch::Receiver<bool>) {
    loop {
        let stopping = *stop.borrow();
        if let Err(error) = follower.catch_up().await {
            tracing::error!(error = format!("{error:#}"), "the log cannot be held against the rules");
        }
        if stopping {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(FOLLOW) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// The keys that alerts are signed with.
pub fn keys(host: &Host) -> AlertKeys {
    AlertKeys::new(host.vault().clone(), host.clock.clone(), host.rng.clone())
}

/// The same keys, for acts of rotation by this actor.
pub fn rotating(host: &Host, actor: Actor) -> AlertEndpointKeys {
    AlertEndpointKeys { endpoints: host.store.clone(), keys: keys(host), clock: host.clock.clone(), actor }
}

fn sender(host: &Host, base: String) -> Result<AlertSender> {
    let post = Poster::new(&host.config.egress()?, Arc::new(SystemResolver::default()))?;
    Ok(AlertSender {
        outbox: host.store.clone(),
        signer: Arc::new(keys(host)),
        post: Arc::new(post),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        config: host.config.backends.config(),
        base,
    })
}
