//! Roots, withdrawals and statements, as they were signed.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{PluginId, TenantId},
    release::ReleaseId,
    trust::{RootScope, StoredTrust, TrustStore},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
    installations,
};

fn changed(conn: &Writing, entry: &Entry) -> Outcome<()> {
    conn.execute("UPDATE trust_revision SET value = value + 1", []).map_err(failed)?;
    append(conn, entry)
}

fn revision(conn: &Connection) -> Outcome<u64> {
    conn.prepare_cached("SELECT value FROM trust_revision")
        .and_then(|mut query| query.query_row([], |row| row.get(0)))
        .map_err(failed)
}

#[async_trait]
impl TrustStore for SqliteStore {
    async fn trust(&self) -> Result<StoredTrust, StoreError> {
        self.db
            .read(|conn| {
                // One snapshot of all three.
                let tx = conn.unchecked_transaction().map_err(failed)?;
                let mut query = tx
                    .prepare_cached("SELECT scope, envelope FROM trust_roots ORDER BY scope, version")
                    .map_err(failed)?;
                let rows: Vec<(String, String)> = query
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let roots = rows.into_iter().map(|(scope, text)| Ok((scope.parse().map_err(corrupt)?, text)));
                let roots = roots.collect::<Outcome<Vec<(RootScope, String)>>>()?;
                let mut query =
                    tx.prepare_cached("SELECT envelope FROM withdrawals ORDER BY number").map_err(failed)?;
                let withdrawals = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                Ok(StoredTrust { revision: revision(&tx)?, roots, withdrawals })
            })
            .await
    }

    async fn trust_revision(&self) -> Result<u64, StoreError> {
        self.db.read(revision).await
    }

    async fn put_root(
        &self,
        scope: RootScope,
        version: u64,
        envelope: String,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let scope = scope.to_string();
                let newest: u64 = conn
                    .query_row("SELECT coalesce(max(version), 0) FROM trust_roots WHERE scope = ?1", [&scope], |row| {
                        row.get(0)
                    })
                    .map_err(failed)?;
                if version != newest + 1 {
                    return Ok(false);
                }
                conn.execute("INSERT INTO trust_roots VALUES (?1, ?2, ?3)", params![scope, version, envelope])
                    .map_err(failed)?;
                installations::touch(conn, |_| true)?;
                changed(conn, &entry)?;
                Ok(true)
            })
            .await
    }

    async fn put_withdrawal(&self, envelope: String, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let new = conn
                    .execute("INSERT INTO withdrawals (envelope) VALUES (?1) ON CONFLICT DO NOTHING", [envelope])
                    .map_err(failed)?;
                if new == 0 {
                    return Ok(());
                }
                installations::touch(conn, |_| true)?;
                changed(conn, &entry)
            })
            .await
    }

    async fn statements(&self, release: &ReleaseId) -> Result<Vec<String>, StoreError> {
        let id = *release;
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT envelope FROM statements WHERE digest = ?1 AND manifest_digest = ?2 ORDER BY number",
                    )
                    .map_err(failed)?;
                query
                    .query_map([id.component.to_string(), id.manifest.to_string()], |row| row.get(0))
                    .and_then(Iterator::collect)
                    .map_err(failed)
            })
            .await
    }

    async fn put_statement(&self, release: ReleaseId, envelope: String, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let new = conn
                    .execute(
                        "INSERT INTO statements (digest, manifest_digest, envelope) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO NOTHING",
                        params![release.component.to_string(), release.manifest.to_string(), envelope],
                    )
                    .map_err(failed)?;
                if new == 0 {
                    return Ok(());
                }
                // Whatever was made ready for this release is stale, where the statement holds.
                let holds = |one: &portcullis_model::installation::Installation| {
                    entry.tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant)
                };
                installations::touch(conn, |one| one.release_id() == release && holds(one))?;
                changed(conn, &entry)
            })
            .await
    }

    async fn highest_release(&self, tenant: &TenantId, plugin: &PluginId) -> Result<Option<u64>, StoreError> {
        let (tenant, plugin) = (tenant.to_string(), plugin.to_string());
        self.db
            .read(move |conn| {
                conn.query_row(
                    "SELECT release FROM highest_releases WHERE tenant = ?1 AND plugin = ?2",
                    [tenant, plugin],
                    |row| row.get(0),
                )
                .optional()
                .map_err(failed)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Kind, id::Digest, installation::InstallationStore as _};

    use super::*;
    use crate::testing::{entry, installation, store};

    #[tokio::test]
    async fn a_root_follows_the_one_before() {
        let (_dir, store) = store();
        let put = |scope: &str, version, text: &str| {
            store.put_root(scope.parse().unwrap(), version, text.into(), entry(Kind::TrustChanged))
        };
        assert!(!put("platform", 2, "b").await.unwrap());
        assert!(put("platform", 1, "a").await.unwrap());
        assert!(!put("platform", 1, "other").await.unwrap(), "a root never changes");
        assert!(put("platform", 2, "b").await.unwrap());
        assert!(put("tenant:acme", 1, "c").await.unwrap());
        let stored = store.trust().await.unwrap();
        assert_eq!(stored.revision, 3);
        let texts: Vec<&str> = stored.roots.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c"]);
        assert_eq!(store.entry_count().await.unwrap(), 3, "what changed nothing left no entry");
    }

    #[tokio::test]
    async fn what_is_new_makes_installations_stale_and_what_is_not_does_nothing() {
        let (_dir, store) = store();
        let one = installation("a");
        assert!(store.put_installation(one.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
        let generation = async || store.installations().await.unwrap().remove(0).generation - one.generation;
        for _ in 0..2 {
            store.put_statement(one.release_id(), "s".into(), entry(Kind::ReleaseReviewed)).await.unwrap();
            store.put_withdrawal("w".into(), entry(Kind::ReleaseWithdrawn)).await.unwrap();
        }
        assert_eq!(generation().await, 2);
        assert_eq!(store.trust_revision().await.unwrap(), 2);
        assert_eq!(store.statements(&one.release_id()).await.unwrap(), ["s"]);
        assert_eq!(store.trust().await.unwrap().withdrawals, ["w"]);
        let other = ReleaseId { manifest: Digest::of(b"other"), ..one.release_id() };
        assert!(store.statements(&other).await.unwrap().is_empty());
        store.put_statement(other, "t".into(), entry(Kind::ReleaseReviewed)).await.unwrap();
        assert_eq!(generation().await, 2, "another release's statement is nothing to it");
    }

    #[tokio::test]
    async fn the_highest_release_never_falls() {
        let (_dir, store) = store();
        let one = installation("a");
        let highest = async || store.highest_release(&one.tenant, &one.plugin).await.unwrap();
        assert_eq!(highest().await, None);
        for (generation, number) in [(1, 4), (2, 7), (3, 5)] {
            let one = portcullis_model::installation::Installation { generation, number, ..one.clone() };
            let expected = (generation > 1).then_some(generation - 1);
            assert!(store.put_installation(one, expected, entry(Kind::PluginInstalled)).await.unwrap());
        }
        assert_eq!(highest().await, Some(7));
    }
}
