//! What is kept beside the published log: views, their tiles, and how far they are.
//!
//! A view is named by a random tag (decision 29). What its tree is made of lies in `view_tiles`, a row a tile: the full ones never
//! change, the partial ones are replaced. This crate computes none of it.
//!
//! Invariants: a view's tag is durable before anything that bears it is published, and never changes; views and their tiles move
//! from one published size to the next in one transaction, by compare-and-swap, and never ahead of the published log.

use portcullis_model::{audit::Kind, error::StoreError, id::TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    SqliteStore,
    db::{Outcome, corrupt, failed},
};

/// The levels that a view's tree can have.
const LEVELS: u8 = 8;

/// How far the log's views are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// The first entry of which the log has the head of its view. Of those before, it has the bodies themselves.
    pub leaves_from: u64,
    /// Up to which size of the published log the views were advanced.
    pub advanced: u64,
}

/// An entry's row, for whoever publishes or checks the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its place in the log, from 0.
    pub index: u64,
    /// Whose view it is in; absent for the host's own.
    pub tenant: Option<TenantId>,
    /// The bytes that are hashed. Absent where they were disposed of.
    pub body: Option<Vec<u8>>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredView {
    /// Its tag.
    pub tag: String,
    /// Whose it is; absent for the host's own.
    pub tenant: Option<TenantId>,
    /// How many entries it has.
    pub size: u64,
    /// Its signed head; absent before anything of it was published.
    pub checkpoint: Option<Vec<u8>>,
}

/// A tile of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTile {
    /// Its level.
    pub level: u8,
    /// Its index within the level.
    pub n: u64,
    /// Its hashes, 32 bytes each.
    pub hashes: Vec<u8>,
    /// At level 0, the places of its entries in the host's log, 8 bytes each.
    pub indices: Vec<u8>,
}

/// What became of a view.
#[derive(Clone, Debug)]
pub struct ViewChange {
    /// Which.
    pub tag: String,
    /// How many entries it has now.
    pub size: u64,
    /// Its signed head.
    pub checkpoint: Vec<u8>,
    /// The tiles that are new, or have more hashes now.
    pub tiles: Vec<StoredTile>,
}

impl SqliteStore {
    /// How far the log's views are.
    pub async fn log_state(&self) -> Outcome<LogState> {
        self.db.read(log_state).await
    }

    /// Up to `most` rows from an index on, in order. An error where one is missing.
    pub async fn log_rows(&self, from: u64, most: usize) -> Outcome<Vec<LogRow>> {
        self.db.read(move |conn| log_rows(conn, from, most)).await
    }

    /// All rows of a kind, in order. Reads all of them: for kinds that are rare.
    pub async fn log_rows_of(&self, kind: Kind) -> Outcome<Vec<LogRow>> {
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT idx, tenant, CASE WHEN disposed IS NULL THEN body END FROM audit
                         WHERE kind = ?1 ORDER BY idx",
                    )
                    .map_err(failed)?;
                let rows: Vec<LogRow> =
                    query.query_map([kind.name()], log_row).and_then(Iterator::collect).map_err(failed)?;
                Ok(rows)
            })
            .await
    }

    /// Sees to it that each of these has a view, under the tag beside it where it has none yet. Gives the tags that hold.
    pub async fn make_views(&self, views: Vec<(Option<TenantId>, String)>) -> Outcome<Vec<StoredView>> {
        self.db.write(move |conn| views.into_iter().map(|(tenant, tag)| make_view(conn, tenant, &tag)).collect()).await
    }

    /// All views, by their tags.
    pub async fn log_views(&self) -> Outcome<Vec<StoredView>> {
        self.db
            .read(|conn| {
                let mut query = conn
                    .prepare_cached("SELECT tag, tenant, size, checkpoint FROM views ORDER BY tag")
                    .map_err(failed)?;
                let views: Vec<StoredView> =
                    query.query_map([], view_row).and_then(Iterator::collect).map_err(failed)?;
                Ok(views)
            })
            .await
    }

    /// A tenant's view, or the host's own.
    pub async fn view_of(&self, tenant: Option<TenantId>) -> Outcome<Option<StoredView>> {
        self.db.read(move |conn| view_of(conn, tenant.as_ref())).await
    }

    /// A view by its tag.
    pub async fn view(&self, tag: String) -> Outcome<Option<StoredView>> {
        self.db
            .read(move |conn| {
                conn.prepare_cached("SELECT tag, tenant, size, checkpoint FROM views WHERE tag = ?1")
                    .and_then(|mut query| query.query_row([tag], view_row).optional())
                    .map_err(failed)
            })
            .await
    }

    /// A view with the last tile of each level, as they are at one moment.
    pub async fn view_edge(&self, tag: String) -> Outcome<Option<(StoredView, Vec<StoredTile>)>> {
        self.db.read(move |conn| view_edge(conn, &tag)).await
    }

    /// One tile of a view, with as many hashes as there are.
    pub async fn view_tile(&self, tag: String, level: u8, n: u64) -> Outcome<Option<StoredTile>> {
        self.db
            .read(move |conn| {
                conn.prepare_cached("SELECT hashes, indices FROM view_tiles WHERE tag = ?1 AND level = ?2 AND n = ?3")
                    .and_then(|mut query| {
                        let tile =
                            |row: &Row<'_>| Ok(StoredTile { level, n, hashes: row.get(0)?, indices: row.get(1)? });
                        query.query_row(params![tag, level, n], tile).optional()
                    })
                    .map_err(failed)
            })
            .await
    }

    /// Moves views on from one published size to another. False, and nothing changed, where they were not at `from`: somebody
    /// else was faster.
    pub async fn advance_views(&self, from: u64, to: u64, changes: Vec<ViewChange>) -> Outcome<bool> {
        self.db
            .write(move |conn| {
                let moved = conn
                    .prepare_cached("UPDATE log_state SET advanced = ?2 WHERE advanced = ?1")
                    .and_then(|mut s| s.execute([from, to]))
                    .map_err(failed)?;
                if moved == 1 {
                    changes.iter().try_for_each(|change| apply(conn, change))?;
                }
                Ok(moved == 1)
            })
            .await
    }

    /// Puts other signatures under the heads of views. One that has moved on meanwhile is left as it is.
    pub async fn sign_views(&self, heads: Vec<(String, u64, Vec<u8>)>) -> Outcome<()> {
        self.db
            .write(move |conn| {
                let mut put = conn
                    .prepare_cached("UPDATE views SET checkpoint = ?3 WHERE tag = ?1 AND size = ?2")
                    .map_err(failed)?;
                heads
                    .iter()
                    .try_for_each(|(tag, size, head)| put.execute(params![tag, size, head]).map(drop))
                    .map_err(failed)
            })
            .await
    }

    /// Forgets the tiles of all views, so that they are made again from the published log.
    pub async fn forget_view_tiles(&self) -> Outcome<()> {
        self.db
            .write(|conn| {
                conn.execute_batch(
                    "DELETE FROM view_tiles; UPDATE views SET size = 0, checkpoint = NULL;
                     UPDATE log_state SET advanced = leaves_from;",
                )
                .map_err(failed)
            })
            .await
    }
}

fn log_state(conn: &Connection) -> Outcome<LogState> {
    conn.query_row("SELECT leaves_from, advanced FROM log_state", [], |row| {
        Ok(LogState { leaves_from: row.get(0)?, advanced: row.get(1)? })
    })
    .map_err(failed)
}

fn tenant(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<TenantId>> {
    let text: Option<String> = row.get(at)?;
    let wrong = |error| rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error));
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow { index: row.get(0)?, tenant: tenant(row, 1)?, body: row.get(2)? })
}

fn log_rows(conn: &Connection, from: u64, most: usize) -> Outcome<Vec<LogRow>> {
    let mut query = conn
        .prepare_cached(
            "SELECT idx, tenant, CASE WHEN disposed IS NULL THEN body END FROM audit
             WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
        )
        .map_err(failed)?;
    let rows: Vec<LogRow> =
        query.query_map(params![from, most], log_row).and_then(Iterator::collect).map_err(failed)?;
    match rows.iter().zip(from..).find(|(row, expected)| row.index != *expected) {
        Some((_, missing)) => Err(StoreError(format!("audit entry {missing} is missing from the database"))),
        None => Ok(rows),
    }
}

fn view_row(row: &Row<'_>) -> rusqlite::Result<StoredView> {
    Ok(StoredView { tag: row.get(0)?, tenant: tenant(row, 1)?, size: row.get(2)?, checkpoint: row.get(3)? })
}

fn view_of(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<Option<StoredView>> {
    conn.prepare_cached("SELECT tag, tenant, size, checkpoint FROM views WHERE coalesce(tenant, '') = ?1")
        .and_then(|mut query| query.query_row([tenant.map_or("", TenantId::as_str)], view_row).optional())
        .map_err(failed)
}

fn view_edge(conn: &Connection, tag: &str) -> Outcome<Option<(StoredView, Vec<StoredTile>)>> {
    let one_moment = conn.unchecked_transaction().map_err(failed)?;
    let view = one_moment
        .prepare_cached("SELECT tag, tenant, size, checkpoint FROM views WHERE tag = ?1")
        .and_then(|mut query| query.query_row([tag], view_row).optional())
        .map_err(failed)?;
    let Some(view) = view else { return Ok(None) };
    let mut last = one_moment
        .prepare_cached(
            "SELECT level, n, hashes, indices FROM view_tiles WHERE tag = ?1 AND level = ?2 ORDER BY n DESC LIMIT 1",
        )
        .map_err(failed)?;
    let mut tiles = Vec::new();
    for level in 0..LEVELS {
        let tile = |row: &Row<'_>| {
            Ok(StoredTile { level: row.get(0)?, n: row.get(1)?, hashes: row.get(2)?, indices: row.get(3)? })
        };
        tiles.extend(last.query_row(params![tag, level], tile).optional().map_err(failed)?);
    }
    Ok(Some((view, tiles)))
}

fn make_view(conn: &Connection, tenant: Option<TenantId>, tag: &str) -> Outcome<StoredView> {
    conn.prepare_cached("INSERT INTO views (tag, tenant, size) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING")
        .and_then(|mut s| s.execute(params![tag, tenant.as_ref().map(TenantId::as_str)]))
        .map_err(failed)?;
    view_of(conn, tenant.as_ref())?.ok_or_else(|| corrupt(format!("the tag {tag} is another view's")))
}

fn apply(conn: &Connection, change: &ViewChange) -> Outcome<()> {
    let changed = conn
        .prepare_cached("UPDATE views SET size = ?2, checkpoint = ?3 WHERE tag = ?1")
        .and_then(|mut s| s.execute(params![change.tag, change.size, change.checkpoint]))
        .map_err(failed)?;
    if changed != 1 {
        return Err(StoreError(format!("there is no view {}", change.tag)));
    }
    let mut put = conn
        .prepare_cached(
            "INSERT INTO view_tiles (tag, level, n, hashes, indices) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (tag, level, n) DO UPDATE SET hashes = excluded.hashes, indices = excluded.indices",
        )
        .map_err(failed)?;
    let put_one =
        |tile: &StoredTile| put.execute(params![change.tag, tile.level, tile.n, tile.hashes, tile.indices]).map(drop);
    change.tiles.iter().try_for_each(put_one).map_err(failed)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Recorder as _;

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn a_view_keeps_its_first_tag_and_moves_by_compare_and_swap() {
        let (_dir, store) = store();
        let acme: Option<TenantId> = Some("acme".parse().unwrap());
        let made = store.make_views(vec![(acme.clone(), "a".into()), (None, "b".into())]).await.unwrap();
        assert_eq!((made[0].tag.as_str(), made[1].tag.as_str()), ("a", "b"));
        let again = store.make_views(vec![(acme.clone(), "c".into()), (None, "d".into())]).await.unwrap();
        assert_eq!(again, made);
        assert!(store.make_views(vec![(Some("other".parse().unwrap()), "a".into())]).await.is_err(), "another's tag");

        let tile = |hashes: &[u8]| StoredTile { level: 0, n: 0, hashes: hashes.into(), indices: vec![1] };
        let change = |size, hashes: &[u8]| {
            vec![ViewChange { tag: "a".into(), size, checkpoint: vec![7], tiles: vec![tile(hashes)] }]
        };
        assert!(store.advance_views(0, 5, change(2, b"x")).await.unwrap());
        assert!(!store.advance_views(0, 6, change(3, b"xy")).await.unwrap(), "somebody else was faster");
        assert_eq!(store.log_state().await.unwrap(), LogState { leaves_from: 0, advanced: 5 });
        assert_eq!(store.view_tile("a".into(), 0, 0).await.unwrap(), Some(tile(b"x")));
        assert!(store.advance_views(5, 6, change(3, b"xy")).await.unwrap());
        let (edge, tiles) = store.view_edge("a".into()).await.unwrap().unwrap();
        assert_eq!((edge.size, tiles), (3, vec![tile(b"xy")]));
        assert_eq!(store.view_edge("x".into()).await.unwrap(), None);
        assert_eq!(store.view_tile("a".into(), 0, 0).await.unwrap(), Some(tile(b"xy")));
        let view = store.view_of(acme).await.unwrap().unwrap();
        assert_eq!((view.size, view.checkpoint), (3, Some(vec![7])));
        assert_eq!(store.view_tile("b".into(), 0, 0).await.unwrap(), None, "each view has its own tiles");
        store.forget_view_tiles().await.unwrap();
        assert_eq!(store.log_state().await.unwrap().advanced, 0);
        assert_eq!(store.log_views().await.unwrap().iter().map(|view| view.size).sum::<u64>(), 0);
    }

    #[tokio::test]
    async fn rows_say_whose_they_are() {
        let (_dir, store) = store();
        let mut of_acme = entry(Kind::CallEnded);
        of_acme.tenant = Some("acme".parse().unwrap());
        store.record(vec![entry(Kind::HostStarted), of_acme.clone()]).await.unwrap();
        let rows = store.log_rows(0, 10).await.unwrap();
        assert_eq!((rows[0].tenant.clone(), rows[1].tenant.clone()), (None, of_acme.tenant));
        assert_eq!(rows[1].body.as_ref(), Some(&store.entries(1, 1).await.unwrap()[0].body));
    }
}
