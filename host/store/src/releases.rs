//! The registry's rows: releases with their components.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::PublisherId,
    release::{ReleaseId, ReleaseStore, StoredRelease},
};
use rusqlite::{OptionalExtension, params};

use crate::{
    SqliteStore,
    db::{corrupt, failed},
};

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

    async fn release(&self, id: &ReleaseId) -> Result<Option<(StoredRelease, Arc<[u8]>)>, StoreError> {
        let id = *id;
        self.db
            .read(move |conn| {
                conn.query_row(
                    "SELECT manifest, envelope, component FROM releases WHERE digest = ?1 AND manifest_digest = ?2",
                    [id.component.to_string(), id.manifest.to_string()],
                    |row| {
                        let release =
                            StoredRelease { digest: id.component, manifest: row.get(0)?, envelope: row.get(1)? };
                        Ok((release, row.get::<_, Vec<u8>>(2)?.into()))
                    },
                )
                .optional()
                .map_err(failed)
            })
            .await
    }

    async fn publisher_keys(&self, publisher: &PublisherId) -> Result<Vec<[u8; 32]>, StoreError> {
        let publisher = publisher.to_string();
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached("SELECT key FROM publisher_keys WHERE publisher = ?1 ORDER BY key")
                    .map_err(failed)?;
                let keys: Vec<Vec<u8>> =
                    query.query_map([publisher], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                keys.into_iter().map(|key| key.try_into().map_err(|_| corrupt("a key of another length"))).collect()
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Kind, id::Digest, installation::InstallationStore};

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn gives_back_what_was_put() {
        let (_dir, store) = store();
        let digest = Digest::of(b"x");
        let release = StoredRelease { digest, manifest: "m".into(), envelope: "{}".into() };
        assert!(store.release(&release.id()).await.unwrap().is_none());
        store.put_release(release.clone(), b"x".to_vec().into()).await.unwrap();
        let (stored, component) = store.release(&release.id()).await.unwrap().unwrap();
        assert_eq!((&stored, component.as_ref()), (&release, b"x".as_ref()));
        let other = StoredRelease { manifest: "another".into(), ..release.clone() };
        store.put_release(other, b"x".to_vec().into()).await.unwrap();
        assert_eq!(store.release(&release.id()).await.unwrap().unwrap().0, release, "each manifest is a release");
    }

    #[tokio::test]
    async fn keys_are_kept_a_publisher() {
        let (_dir, store) = store();
        let (one, other): (PublisherId, PublisherId) = ("com.example".parse().unwrap(), "org.example".parse().unwrap());
        for key in [[1; 32], [2; 32], [1; 32]] {
            store.trust_key(one.clone(), key, entry(Kind::TrustAdded)).await.unwrap();
        }
        assert_eq!(store.publisher_keys(&one).await.unwrap(), vec![[1; 32], [2; 32]]);
        assert!(store.publisher_keys(&other).await.unwrap().is_empty());
    }
}
