//! The registry's rows: releases with their components.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{Digest, PluginId},
    release::{ListedRelease, ReleaseId, ReleaseStore, StoredRelease},
};
use rusqlite::{OptionalExtension, params};

use crate::{
    SqliteStore,
    db::{corrupt, failed},
};

impl SqliteStore {
    /// The releases with this component: one for each manifest that it was released with.
    pub async fn releases_with(&self, component: &Digest) -> Result<Vec<ReleaseId>, StoreError> {
        let component = *component;
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached("SELECT manifest_digest FROM releases WHERE digest = ?1 ORDER BY manifest_digest")
                    .map_err(failed)?;
                let manifests: Vec<String> = query
                    .query_map([component.to_string()], |row| row.get(0))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let read = |text: String| Ok(ReleaseId { component, manifest: text.parse().map_err(corrupt)? });
                manifests.into_iter().map(read).collect()
            })
            .await
    }
}

#[async_trait]
impl ReleaseStore for SqliteStore {
    async fn put_release(&self, release: StoredRelease, component: Arc<[u8]>) -> Result<(), StoreError> {
        let id = release.id();
        self.db
            .write(move |conn| {
                // Replacing heals a row that was damaged: the caller has just checked what it puts here.
                conn.execute(
                    "INSERT INTO releases (digest, manifest_digest, manifest, envelope, component)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (digest, manifest_digest) DO UPDATE SET manifest = excluded.manifest,
                     envelope = excluded.envelope, component = excluded.component",
                    params![
                        id.component.to_string(),
                        id.manifest.to_string(),
                        release.manifest,
                        release.envelope,
                        component.as_ref()
                    ],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }

    async fn release(&self, id: &ReleaseId) -> Result<Option<StoredRelease>, StoreError> {
        let id = *id;
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT manifest, envelope FROM releases WHERE digest = ?1 AND manifest_digest = ?2",
                    )
                    .map_err(failed)?;
                query
                    .query_row([id.component.to_string(), id.manifest.to_string()], |row| {
                        Ok(StoredRelease { digest: id.component, manifest: row.get(0)?, envelope: row.get(1)? })
                    })
                    .optional()
                    .map_err(failed)
            })
            .await
    }

    async fn component(&self, id: &ReleaseId) -> Result<Option<Arc<[u8]>>, StoreError> {
        let id = *id;
        self.db
            .read(move |conn| {
                conn.query_row(
                    "SELECT component FROM releases WHERE digest = ?1 AND manifest_digest = ?2",
                    [id.component.to_string(), id.manifest.to_string()],
                    |row| Ok(row.get::<_, Vec<u8>>(0)?.into()),
                )
                .optional()
                .map_err(failed)
            })
            .await
    }

    async fn list_release(&self, listed: ListedRelease, entry: Option<Entry>) -> Result<bool, StoreError> {
        self.list(listed, entry).await
    }

    async fn releases_of(&self, plugin: &PluginId) -> Result<Vec<ListedRelease>, StoreError> {
        self.listed(plugin).await
    }

    async fn releases_revision(&self) -> Result<u64, StoreError> {
        self.listed_revision().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::store;

    #[tokio::test]
    async fn gives_back_what_was_put() {
        let (_dir, store) = store();
        let digest = Digest::of(b"x");
        let release = StoredRelease { digest, manifest: "m".into(), envelope: "{}".into() };
        assert!(store.release(&release.id()).await.unwrap().is_none());
        store.put_release(release.clone(), b"x".to_vec().into()).await.unwrap();
        assert_eq!(store.release(&release.id()).await.unwrap().as_ref(), Some(&release));
        assert_eq!(store.component(&release.id()).await.unwrap().as_deref(), Some(b"x".as_ref()));
        let other = StoredRelease { manifest: "another".into(), ..release.clone() };
        store.put_release(other, b"x".to_vec().into()).await.unwrap();
        assert_eq!(store.release(&release.id()).await.unwrap().unwrap(), release, "each manifest is a release");
    }
}
