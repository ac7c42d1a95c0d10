//! The views that are being advanced, between the store and the arithmetic of trees.
//!
//! Invariant: a view is in memory as it was stored, or as it was advanced since by one who stores that next; whoever fails in
//! between drops all of it.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context, Result};
use portcullis_audit::{Publisher, View, ViewTile};
use portcullis_model::{id::TenantId, time::Rng};
use portcullis_store::{LogRow, SqliteStore, StoredTile, ViewChange};

/// The most views that are kept in memory, at some 20 KiB each.
const KEPT: usize = 2_000;

/// Views by their tags.
pub(super) struct Forest {
    store: Arc<SqliteStore>,
    tags: HashMap<Option<TenantId>, String>,
    views: HashMap<String, View>,
    changed: Vec<String>,
}

impl Forest {
    pub(super) fn new(store: Arc<SqliteStore>) -> Self {
        Self { store, tags: HashMap::new(), views: HashMap::new(), changed: Vec::new() }
    }

    /// Sees to it that everybody in these rows has a view.
    pub(super) async fn make(&mut self, rows: impl Iterator<Item = &LogRow>, rng: &dyn Rng) -> Result<()> {
        let mut missing = Vec::new();
        for row in rows {
            if !self.tags.contains_key(&row.tenant) && !missing.iter().any(|(tenant, _)| *tenant == row.tenant) {
                missing.push((row.tenant.clone(), fresh_tag(rng)));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for made in self.store.make_views(missing).await? {
            self.tags.insert(made.tenant, made.tag);
        }
        Ok(())
    }

    /// The view of a tenant, or the host's own, which is about to be advanced.
    pub(super) async fn of(&mut self, tenant: Option<&TenantId>) -> Result<&mut View> {
        let tag = self.tags.get(&tenant.cloned()).context("a tenant without a view")?.clone();
        self.by_tag(&tag).await
    }

    /// The same by its tag.
    pub(super) async fn by_tag(&mut self, tag: &str) -> Result<&mut View> {
        if !self.views.contains_key(tag) {
            let view = load(&self.store, tag).await?.with_context(|| {
                format!(
                    "the published log has a view {tag} that the database does not know; was it restored from an older backup? \
                     Restore the home directory whole"
                )
            })?;
            self.views.insert(tag.to_owned(), view);
        }
        if !self.changed.iter().any(|changed| changed == tag) {
            self.changed.push(tag.to_owned());
        }
        self.views.get_mut(tag).context("a view that was just read")
    }

    /// What is to be stored of the views that were advanced.
    pub(super) fn changes(&mut self, publisher: &Publisher) -> Result<Vec<ViewChange>> {
        let mut changes = Vec::with_capacity(self.changed.len());
        for tag in std::mem::take(&mut self.changed) {
            let view = self.views.get_mut(&tag).context("a view that was advanced")?;
            let checkpoint = publisher.sign_view(view)?.note().to_vec();
            let tiles = view.take_tiles().into_iter().map(stored).collect();
            changes.push(ViewChange { size: view.size(), tag, checkpoint, tiles });
        }
        if self.views.len() > KEPT {
            self.views.clear();
        }
        Ok(changes)
    }

    /// Signs the heads of all views anew.
    pub(super) async fn sign_again(&mut self, publisher: &Publisher) -> Result<()> {
        let mut heads = Vec::new();
        for known in self.store.log_views().await?.into_iter().filter(|view| view.checkpoint.is_some()) {
            if let Some(view) = load(&self.store, &known.tag).await? {
                heads.push((known.tag, view.size(), publisher.sign_view(&view)?.note().to_vec()));
            }
        }
        Ok(self.store.sign_views(heads).await?)
    }
}

async fn load(store: &SqliteStore, tag: &str) -> Result<Option<View>> {
    let Some((known, tiles)) = store.view_edge(tag.to_owned()).await? else { return Ok(None) };
    let whole =
        |tile: StoredTile| ViewTile { level: tile.level, n: tile.n, hashes: tile.hashes, indices: tile.indices };
    let tiles: Vec<ViewTile> = tiles.into_iter().map(whole).collect();
    let advice = "make the tiles anew from the published log: 'portcullis audit rebuild'";
    View::load(known.tag, known.size, &tiles, known.checkpoint.as_deref()).map(Some).context(advice)
}

fn stored(tile: ViewTile) -> StoredTile {
    StoredTile { level: tile.level, n: tile.n, hashes: tile.hashes, indices: tile.indices }
}

/// A way to the tiles of a view, for proofs. For use where blocking is allowed.
pub fn tiles_of(store: &SqliteStore, tag: &str) -> impl Fn(u8, u64) -> Result<Option<Vec<u8>>, String> + use<> {
    let (store, tag, runtime) = (store.clone(), tag.to_owned(), tokio::runtime::Handle::current());
    move |level, n| {
        let tile = runtime.block_on(store.view_tile(tag.clone(), level, n));
        tile.map(|tile| tile.map(|tile| tile.hashes)).map_err(|error| error.to_string())
    }
}

fn fresh_tag(rng: &dyn Rng) -> String {
    let mut tag = [0u8; 16];
    rng.fill(&mut tag);
    hex::encode(tag)
}
