//! The published log for strangers: the host's from its files, views from the database.
//!
//! Invariants: nothing is served that a checkpoint does not cover; of a home older than views, the bodies at the beginning of the log
//! are served to nobody; a bundle of a view with an entry that was disposed of is not there any more.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::{Asked, Part, PublicLog};
use portcullis_audit::{bundle_of, checkpoint_file, cosigned_file, entries_file, has_tile, key_change_file, tile_file};
use portcullis_model::error::StoreError;
use portcullis_store::SqliteStore;

use crate::home::Home;

/// The log of a home.
pub struct HomeLog {
    /// Where its files lie.
    pub home: Home,
    /// Where its views lie.
    pub store: Arc<SqliteStore>,
}

/// Bytes of a hash, and of a place in the host's log.
const HASH: usize = 32;
const PLACE: usize = 8;

#[async_trait]
impl PublicLog for HomeLog {
    async fn part(&self, asked: &Asked) -> Result<Option<Vec<u8>>, StoreError> {
        match &asked.view {
            None => self.of_host(asked.part.clone()).await,
            Some(tag) => self.of_view(tag, &asked.part).await,
        }
    }
}

impl HomeLog {
    async fn of_host(&self, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        if let Part::Entries { n, .. } = part
            && n.saturating_mul(256) < self.store.log_state().await?.leaves_from
        {
            return Ok(None);
        }
        let dir = self.home.log();
        let read = move || match part {
            Part::Checkpoint => checkpoint_file(&dir),
            Part::Cosigned => cosigned_file(&dir),
            Part::KeyChange(n) => key_change_file(&dir, n),
            Part::Tile { level, n, width } => tile_file(&dir, level, n, width),
            Part::Entries { n, width } => entries_file(&dir, n, width),
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|error| StoreError(error.to_string()))?;
        read.map_err(|error| StoreError(error.to_string()))
    }

    async fn of_view(&self, tag: &str, part: &Part) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(view) = self.store.view(tag.to_owned()).await? else { return Ok(None) };
        match *part {
            Part::Checkpoint => Ok(view.checkpoint),
            Part::Tile { level, n, width } if has_tile(view.size, level, n, width) => {
                let tile = self.store.view_tile(tag.to_owned(), level, n).await?;
                Ok(tile.and_then(|tile| tile.hashes.get(..width * HASH).map(<[u8]>::to_vec)))
            }
            Part::Entries { n, width } if has_tile(view.size, 0, n, width) => self.bodies(tag, n, width).await,
            _ => Ok(None),
        }
    }

    async fn bodies(&self, tag: &str, n: u64, width: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(tile) = self.store.view_tile(tag.to_owned(), 0, n).await? else { return Ok(None) };
        let mut bodies = Vec::with_capacity(width);
        for place in tile.indices.as_chunks::<PLACE>().0.iter().take(width) {
            let row = self.store.log_rows(u64::from_be_bytes(*place), 1).await?.into_iter().next();
            let Some(body) = row.and_then(|row| row.body) else { return Ok(None) };
            bodies.push(body);
        }
        Ok(if bodies.len() == width { bundle_of(&bodies) } else { None })
    }
}
