//! The list of releases by plugin: a way to find them.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{Digest, PluginId},
    release::{ListedRelease, ReleaseId, Shelf},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, corrupt, failed},
};

impl SqliteStore {
    pub(crate) async fn list(&self, listed: ListedRelease, entry: Option<Entry>) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let new = conn
                    .execute(
                        "INSERT INTO listed_releases (digest, manifest_digest, plugin, release, version, since)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                        params![
                            listed.id.component.to_string(),
                            listed.id.manifest.to_string(),
                            listed.plugin.as_str(),
                            listed.number,
                            listed.version,
                            listed.since.0
                        ],
                    )
                    .map_err(failed)?;
                if let (1, Some(entry)) = (new, &entry) {
                    append(conn, entry)?;
                }
                Ok(new == 1)
            })
            .await
    }

    pub(crate) async fn listed(&self, plugin: &PluginId) -> Result<Vec<ListedRelease>, StoreError> {
        let plugin = plugin.to_string();
        self.db.read(move |conn| listed(conn, Some(&plugin), None)).await
    }

    /// The listed releases whose component has this digest.
    pub async fn listed_as(&self, component: Digest) -> Result<Vec<ListedRelease>, StoreError> {
        self.db.read(move |conn| listed(conn, None, Some(&component.to_string()))).await
    }

    pub(crate) async fn listed_revision(&self) -> Result<u64, StoreError> {
        // None is ever taken out.
        self.db
            .read(|conn| {
                conn.prepare_cached("SELECT count(*) FROM listed_releases")
                    .and_then(|mut query| query.query_row([], |row| row.get(0)))
                    .map_err(failed)
            })
            .await
    }
}

#[async_trait]
impl Shelf for SqliteStore {
    async fn all_releases(&self) -> Result<Vec<ListedRelease>, StoreError> {
        let mut all = self.db.read(|conn| listed(conn, None, None)).await?;
        // Of one plugin they are in order already.
        all.sort_by(|a, b| a.plugin.cmp(&b.plugin));
        Ok(all)
    }
}

fn listed(conn: &Connection, plugin: Option<&str>, digest: Option<&str>) -> Outcome<Vec<ListedRelease>> {
    let mut query = conn
        .prepare_cached(
            "SELECT digest, manifest_digest, release, version, since, plugin FROM listed_releases
             WHERE (?1 IS NULL OR plugin = ?1) AND (?2 IS NULL OR digest = ?2) ORDER BY release DESC, number DESC",
        )
        .map_err(failed)?;
    type Row = (String, String, u64, String, i64, String);
    let rows: Vec<Row> = query
        .query_map([plugin, digest], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)?;
    let read = |(component, manifest, number, version, since, plugin): Row| {
        Ok(ListedRelease {
            plugin: plugin.parse().map_err(corrupt)?,
            id: ReleaseId {
                component: component.parse().map_err(corrupt)?,
                manifest: manifest.parse().map_err(corrupt)?,
            },
            number,
            version,
            since: Timestamp(since),
        })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Kind, release::ReleaseStore as _};

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn lists_each_once_and_the_highest_first() {
        let (_dir, store) = store();
        let release = |number: u64, plugin: &str| ListedRelease {
            plugin: plugin.parse().unwrap(),
            id: ReleaseId { component: Digest::of(&[number as u8]), manifest: Digest::of(plugin.as_bytes()) },
            number,
            version: format!("1.0.{number}"),
            since: Timestamp(7),
        };
        for number in [1, 3, 2] {
            let put = || store.list_release(release(number, "com.example.a"), Some(entry(Kind::ReleasePublished)));
            assert!(put().await.unwrap());
            assert!(!put().await.unwrap(), "it is there already");
        }
        assert!(store.list_release(release(9, "com.example.b"), None).await.unwrap());
        let found = store.releases_of(&"com.example.a".parse().unwrap()).await.unwrap();
        assert_eq!(found, [3, 2, 1].map(|number| release(number, "com.example.a")));
        assert_eq!(store.listed_as(Digest::of(&[9])).await.unwrap(), [release(9, "com.example.b")]);
        assert_eq!(store.releases_revision().await.unwrap(), 4);
        assert_eq!(store.entry_count().await.unwrap(), 3, "what changed nothing left no entry");
    }
}
