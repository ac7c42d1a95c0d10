//! Compares the database with the published log: bodies, whose they are, what lies beside them, and the tiles of views.
//!
//! Invariants: the log was verified before, and its leaves are read with proof again; what was disposed of is judged by its leaf
//! hash, and what was erased by an entry that says so; memory is a batch, a right edge a view, and the places of what was erased.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use portcullis_audit::{Checkpoint, Leaf, Log, LogVerifier, View, record_hash};
use portcullis_model::{
    audit::{Entry, Kind},
    id::TenantId,
    time::Timestamp,
};
use portcullis_store::{SqliteStore, StoredEntry, StoredView};
use serde::Serialize;

const BATCH: u64 = 4_096;
/// The most faults that are named.
const MOST: usize = 20;

/// What came of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Compared {
    /// Entries that are not what was published; the first 20.
    pub differs_at: Vec<u64>,
    /// All that is wrong, in words; the first 20.
    pub faults: Vec<String>,
    /// Entries that are newer than the log's head.
    pub unpublished: u64,
    /// Entries of which only the leaf hash is left.
    pub disposed: u64,
    /// How many entries there are of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// When the newest was made.
    pub last: Option<Timestamp>,
}

impl Compared {
    pub(super) fn append_to(&self, words: &mut String) {
        self.kinds.iter().for_each(|(kind, count)| words.push_str(&format!("\n  {count:>8} {kind}")));
        if self.disposed > 0 {
            words.push_str(&format!(
                "\n{} entries were disposed of; the log proves that they were there.",
                self.disposed
            ));
        }
        if self.unpublished > 0 {
            words.push_str(&format!("\n{} newer entries are in the database and not published yet.", self.unpublished));
        }
    }

    fn differs(&mut self, index: u64, what: impl Into<String>) {
        if self.differs_at.len() < MOST {
            self.differs_at.push(index);
        }
        self.wrong(what);
    }

    fn wrong(&mut self, what: impl Into<String>) {
        if self.faults.len() < MOST {
            self.faults.push(what.into());
        }
    }
}

/// Everything that the comparison needs to know of the views.
struct Views<'a> {
    store: &'a SqliteStore,
    known: HashMap<String, StoredView>,
    made: HashMap<String, View>,
    only: Option<&'a str>,
    /// What was disposed of, by the entry that is to say so.
    disposals: BTreeMap<u64, Disposal>,
    /// What was erased, index and field, by the entry that is to say so.
    erasures: BTreeMap<u64, Vec<(u64, String)>>,
    found: Compared,
}

/// What one entry is to say was disposed of.
struct Disposal {
    tenant: Option<TenantId>,
    first: u64,
    last: u64,
    count: u64,
}

/// Compares all of the log with the database, or one view alone.
pub(crate) async fn compare(store: &SqliteStore, log: &Log, key: &LogVerifier, only: Option<&str>) -> Result<Compared> {
    let state = store.log_state().await?;
    let known = store.log_views().await?.into_iter().map(|view| (view.tag.clone(), view)).collect();
    let mut views = Views {
        store,
        known,
        made: HashMap::new(),
        only,
        disposals: BTreeMap::new(),
        erasures: BTreeMap::new(),
        found: Compared::default(),
    };
    let size = log.head().size();
    let mut from = 0;
    while from < size {
        // What a publisher that died has not stored of the views is made up for by the next one, and is no fault.
        let behind = from >= state.advanced;
        let to = (from + BATCH).min(if behind { size } else { size.min(state.advanced) });
        let mut logged: Vec<Vec<u8>> = Vec::new();
        tokio::task::block_in_place(|| log.entries(from..to, |_, bytes| logged.push(bytes.to_vec())))?;
        let rows = rows(store, from, to).await?;
        for ((index, bytes), row) in (from..).zip(&logged).zip(rows) {
            views.entry(index, bytes, row);
        }
        views.full_tiles(!behind).await?;
        from = to;
    }
    views.tombstones().await?;
    views.erased(log).await?;
    views.edges(key, state.advanced >= size).await?;
    views.found.unpublished = store.entry_count().await?.saturating_sub(size);
    Ok(views.found)
}

/// The rows of a range, in order; absent where there is none.
async fn rows(store: &SqliteStore, from: u64, to: u64) -> Result<Vec<Option<StoredEntry>>> {
    let count = usize::try_from(to - from)?;
    let mut rows = match store.entries(from, count).await {
        Ok(rows) => rows.into_iter().map(Some).collect(),
        // A row is missing: find out which.
        Err(_) => {
            let mut rows = Vec::with_capacity(count);
            for index in from..to {
                rows.push(store.entries(index, 1).await.unwrap_or_default().into_iter().next());
            }
            rows
        }
    };
    rows.resize(count, None);
    Ok(rows)
}

impl Views<'_> {
    fn entry(&mut self, index: u64, logged: &[u8], row: Option<StoredEntry>) {
        let leaf = Leaf::read(logged);
        let others = |only: &str| leaf.as_ref().is_none_or(|leaf| leaf.view != only);
        if self.only.is_some_and(others) {
            return;
        }
        if let Some(leaf) = &leaf {
            let made = self.made.entry(leaf.view.clone()).or_insert_with(|| View::new(leaf.view.clone()));
            made.push_hash(index, leaf.entry);
        }
        let Some(row) = row else {
            return self.found.differs(index, format!("entry {index} is missing from the database"));
        };
        let owner = match &leaf {
            Some(leaf) => match self.known.get(&leaf.view) {
                Some(view) => view.tenant.clone(),
                None => {
                    return self.found.wrong(format!("entry {index}: the database does not know view {}", leaf.view));
                }
            },
            None => row.tenant.as_deref().and_then(|tenant| tenant.parse().ok()),
        };
        if row.tenant.as_deref() != owner.as_ref().map(TenantId::as_str) {
            let (is, was) = (name(row.tenant.as_deref()), name(owner.as_ref().map(TenantId::as_str)));
            return self
                .found
                .differs(index, format!("entry {index} is {is} in the database, and was published as {was}"));
        }
        if let Some(by) = row.disposed {
            self.found.disposed += 1;
            let said =
                self.disposals.entry(by).or_insert(Disposal { tenant: owner, first: index, last: index, count: 0 });
            (said.last, said.count) = (index, said.count + 1);
            return;
        }
        if !is_published(logged, &row.body) {
            return self
                .found
                .differs(index, format!("entry {index} in the database is not the one that was published"));
        }
        self.read(index, &row, owner.as_ref());
    }

    /// What stands in a body that is the published one, and whether what lies beside it is what it commits to.
    fn read(&mut self, index: u64, row: &StoredEntry, owner: Option<&TenantId>) {
        match row.read() {
            Ok(entry) if entry.tenant.as_ref() != owner => {
                let of = |tenant: Option<&TenantId>| name(tenant.map(TenantId::as_str));
                let (says, is) = (of(entry.tenant.as_ref()), of(owner));
                self.found.wrong(format!("entry {index} says that it is {says}, and was published as {is}"));
            }
            Ok(entry) if entry.kind.name() != row.kind || entry.time != row.time => {
                let (kind, time) = (portcullis_model::audit::plain(&row.kind), row.time);
                self.found.differs(
                    index,
                    format!(
                        "entry {index} is {} of {}, and the database lists it as {kind} of {time}",
                        entry.kind.name(),
                        entry.time
                    ),
                );
            }
            Ok(entry) => {
                self.openings(index, row);
                *self.found.kinds.entry(entry.kind.name()).or_default() += 1;
                self.found.last = Some(entry.time);
            }
            Err(error) => self.found.wrong(format!("entry {index}: {error}")),
        }
    }

    /// Whether of all that a body commits to there is the opening, or an entry that is to say that it was erased.
    fn openings(&mut self, index: u64, row: &StoredEntry) {
        for field in Entry::commitments(&row.body).unwrap_or_default() {
            if row.openings.open.iter().any(|opening| opening.field == field) {
                continue;
            }
            match row.erased.get(&field) {
                Some(by) => self.erasures.entry(*by).or_default().push((index, field)),
                None => self.not_said(index, &field),
            }
        }
    }

    fn not_said(&mut self, index: u64, field: &str) {
        self.found.wrong(format!("entry {index}: the value of {field} is gone, and no entry says that it was erased"));
    }

    /// Whether entries say of all that was erased that it was: later ones, which are the published ones.
    async fn erased(&mut self, log: &Log) -> Result<()> {
        for (by, gone) in std::mem::take(&mut self.erasures) {
            let named = self.names_erased(by, log).await?;
            for (index, field) in gone {
                if by <= index || !named.contains(&index) {
                    self.not_said(index, &field);
                }
            }
        }
        Ok(())
    }

    /// The entries of which an entry says that values were erased. None, where it is no such entry, or not the published one.
    async fn names_erased(&self, by: u64, log: &Log) -> Result<BTreeSet<u64>> {
        let Some(row) = self.store.entries(by, 1).await.unwrap_or_default().pop() else { return Ok(BTreeSet::new()) };
        let mut same = true;
        if by < log.head().size() {
            tokio::task::block_in_place(|| {
                log.entries(by..by + 1, |_, logged| same = is_published(logged, &row.body))
            })?;
        }
        let said = row.read().ok().filter(|entry| same && entry.kind == Kind::AuditErased);
        let named = said.as_ref().and_then(|entry| entry.detail.get("entries")).and_then(serde_json::Value::as_array);
        Ok(named.into_iter().flatten().filter_map(serde_json::Value::as_u64).collect())
    }

    /// Whether entries say of all that was disposed of that it was.
    async fn tombstones(&mut self) -> Result<()> {
        for (by, gone) in &self.disposals {
            let said = self.store.entries(*by, 1).await.unwrap_or_default().pop();
            let says = |entry: Entry| {
                let number = |name: &str| entry.detail.get(name).and_then(serde_json::Value::as_u64);
                entry.kind == Kind::AuditDisposed
                    && entry.tenant == gone.tenant
                    && number("from").is_some_and(|from| from <= gone.first)
                    && number("to").is_some_and(|to| to >= gone.last)
                    && number("count").is_some_and(|count| count >= gone.count)
            };
            if !said.and_then(|row| row.read().ok()).is_some_and(says) {
                let (first, last) = (gone.first, gone.last);
                self.found.wrong(format!(
                    "entries from {first} to {last} are gone, and entry {by} does not say that they were disposed of"
                ));
            }
        }
        Ok(())
    }

    /// The tiles that became full, against those that are stored, where these are to be there.
    async fn full_tiles(&mut self, stored: bool) -> Result<()> {
        for (tag, view) in &mut self.made {
            for tile in view.take_full().into_iter().filter(|_| stored) {
                let stored = self.store.view_tile(tag.clone(), tile.level, tile.n).await?;
                if stored.is_none_or(|stored| (stored.hashes, stored.indices) != (tile.hashes, tile.indices)) {
                    self.found.wrong(format!("view {tag}: tile {}/{} is not that of its entries", tile.level, tile.n));
                }
            }
        }
        Ok(())
    }

    /// The partial tiles, and the signed heads. Views may have moved on meanwhile, and are behind where a publisher died.
    async fn edges(&mut self, key: &LogVerifier, are_current: bool) -> Result<()> {
        let known: Vec<StoredView> = self.store.log_views().await?;
        for (tag, view) in &mut self.made {
            let Some(known) = known.iter().find(|known| known.tag == *tag) else { continue };
            if known.size < view.size() {
                if are_current {
                    self.found.wrong(format!(
                        "view {tag} has {} entries, and {} are published",
                        known.size,
                        view.size()
                    ));
                }
                continue;
            }
            for tile in view.take_tiles() {
                let stored = self.store.view_tile(tag.clone(), tile.level, tile.n).await?;
                let begins = |stored: &portcullis_store::StoredTile| {
                    stored.hashes.starts_with(&tile.hashes) && stored.indices.starts_with(&tile.indices)
                };
                if !stored.as_ref().is_some_and(begins) {
                    self.found.wrong(format!("view {tag}: tile {}/{} is not that of its entries", tile.level, tile.n));
                }
            }
            let head = known.checkpoint.as_deref().context("a view without a head")?;
            match Checkpoint::open(head, &key.of_view(tag)) {
                Ok(head) if head.size() == view.size() && head.root() != view.root() => {
                    self.found.wrong(format!("view {tag}: its checkpoint has another root than its entries"));
                }
                Ok(_) => {}
                Err(error) => self.found.wrong(format!("view {tag}: its checkpoint {error}")),
            }
        }
        Ok(())
    }
}

/// Whether a body is the one that was published: by its leaf, or as it is where the log has bodies.
fn is_published(logged: &[u8], body: &[u8]) -> bool {
    Leaf::read(logged).map_or_else(|| logged == body, |leaf| leaf.entry == record_hash(body))
}

fn name(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "the host's own".to_owned(), |tenant| format!("tenant {tenant}'s"))
}
