//! The registry's rows: releases with their components.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::PublisherId,
    release::{ReleaseId, ReleaseStore, StoredRelease},
    scope::ScopeText,
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

    async fn reviewed(&self, id: &ReleaseId) -> Result<Option<Vec<ScopeText>>, StoreError> {
        let id = *id;
        self.db
            .read(move |conn| {
                let row: Option<String> = conn
                    .query_row(
                        "SELECT scopes FROM reviews WHERE digest = ?1 AND manifest_digest = ?2",
                        [id.component.to_string(), id.manifest.to_string()],
                        |row| row.get(0),
                    )
                    .optional()
                    .map_err(failed)?;
                row.map(|text| serde_json::from_str(&text).map_err(corrupt)).transpose()
            })
            .await
    }

    async fn review(&self, id: ReleaseId, scopes: Vec<ScopeText>, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let text = serde_json::to_string(&scopes).map_err(corrupt)?;
                conn.execute(
                    "INSERT INTO reviews (digest, manifest_digest, scopes) VALUES (?1, ?2, ?3)
                     ON CONFLICT (digest, manifest_digest) DO UPDATE SET scopes = excluded.scopes",
                    params![id.component.to_string(), id.manifest.to_string(), text],
                )
                .map_err(failed)?;
                // Whatever was made ready for this release is stale.
                crate::installations::touch_release(conn, &id)?;
                crate::audit::append(conn, &entry)
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
    async fn a_review_replaces_the_one_before_and_makes_installations_stale() {
        let (_dir, store) = store();
        let installation = crate::testing::installation("a");
        let release = installation.release_id();
        assert!(store.put_installation(installation.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
        assert_eq!(store.reviewed(&release).await.unwrap(), None);
        for text in ["log:write", "tickets:redact"] {
            let scopes: Vec<ScopeText> = vec![text.parse().unwrap()];
            store.review(release, scopes.clone(), entry(Kind::ReleaseReviewed)).await.unwrap();
            assert_eq!(store.reviewed(&release).await.unwrap(), Some(scopes));
        }
        let now = store.installations().await.unwrap().remove(0);
        assert_eq!(now.generation, installation.generation + 2);
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
