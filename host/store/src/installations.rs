//! Installations.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{InstallationId, TenantId},
    incident::HeldBy,
    installation::{Installation, InstallationState, InstallationStore},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, corrupt, failed},
    incidents,
};

pub(crate) fn put(conn: &Connection, installation: &Installation, expected: Option<u64>) -> Outcome<bool> {
    let id = installation.id.as_str();
    let present: Option<u64> = conn
        .query_row("SELECT generation FROM installations WHERE id = ?1", [id], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    if present != expected {
        return Ok(false);
    }
    let body = serde_json::to_string(installation).map_err(corrupt)?;
    let active = installation.state == InstallationState::Active;
    if active && incidents::held_by(conn, installation)?.is_some() {
        return Ok(false);
    }
    conn.execute(
        "INSERT INTO installations (id, tenant, active, generation, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET active = excluded.active, generation = excluded.generation, body = excluded.body",
        params![id, installation.tenant.as_str(), active, installation.generation, body],
    )
    .map_err(failed)?;
    conn.execute(
        "INSERT INTO highest_releases (tenant, plugin, release) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant, plugin) DO UPDATE SET release = max(release, excluded.release)",
        params![installation.tenant.as_str(), installation.plugin.as_str(), installation.number],
    )
    .map_err(failed)?;
    Ok(true)
}

/// Raises the generation of these installations: what was made from them is stale.
pub(crate) fn touch(conn: &Connection, which: impl Fn(&Installation) -> bool) -> Outcome<()> {
    for installation in all(conn)?.into_iter().filter(which) {
        let expected = installation.generation;
        put(conn, &Installation { generation: expected + 1, ..installation }, Some(expected))?;
    }
    Ok(())
}

/// Whether an installation was uninstalled, and perhaps erased. One that nobody knows was not.
pub(crate) fn is_gone(conn: &Connection, tenant: &TenantId, id: &InstallationId) -> Outcome<bool> {
    let mut query =
        conn.prepare_cached("SELECT body FROM installations WHERE id = ?1 AND tenant = ?2").map_err(failed)?;
    let which = [id.as_str(), tenant.as_str()];
    let body: Option<String> = query.query_row(which, |row| row.get(0)).optional().map_err(failed)?;
    let one: Option<Installation> = body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()?;
    Ok(one.is_some_and(|one| one.is_gone()))
}

pub(crate) fn all(conn: &Connection) -> Outcome<Vec<Installation>> {
    let mut query = conn.prepare_cached("SELECT body FROM installations ORDER BY rowid").map_err(failed)?;
    let bodies: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

#[async_trait]
impl InstallationStore for SqliteStore {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        self.db.read(all).await
    }

    async fn installation(&self, id: &InstallationId) -> Result<Option<Installation>, StoreError> {
        let id = id.clone();
        self.db
            .read(move |conn| {
                let mut query = conn.prepare_cached("SELECT body FROM installations WHERE id = ?1").map_err(failed)?;
                let body: Option<String> =
                    query.query_row([id.as_str()], |row| row.get(0)).optional().map_err(failed)?;
                body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
            })
            .await
    }

    async fn installations_revision(&self) -> Result<u64, StoreError> {
        // Each change raises one generation by one; those of a tenant that was deleted still count.
        self.db
            .read(|conn| {
                let sql = "SELECT (SELECT coalesce(sum(generation), 0) FROM installations)
                  + (SELECT coalesce(sum(generations), 0) FROM tenant_deletions)";
                conn.prepare_cached(sql).and_then(|mut s| s.query_row([], |row| row.get(0))).map_err(failed)
            })
            .await
    }

    async fn put_installation(
        &self,
        installation: Installation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let put = put(conn, &installation, expected)?;
                if put {
                    append(conn, &entry)?;
                }
                Ok(put)
            })
            .await
    }

    async fn held_by(&self, installation: &Installation) -> Result<Option<HeldBy>, StoreError> {
        let one = installation.clone();
        self.db.read(move |conn| incidents::held_by(conn, &one)).await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Kind;

    use super::*;
    use crate::testing::{entry, installation, store};

    #[tokio::test]
    async fn a_change_needs_the_generation_that_it_was_made_from() {
        let (_dir, store) = store();
        let put = |generation, expected| {
            let installation = Installation { generation, ..installation("a") };
            store.put_installation(installation, expected, entry(Kind::PluginGranted))
        };
        assert!(put(1, None).await.unwrap());
        assert!(!put(1, None).await.unwrap());
        assert!(put(2, Some(1)).await.unwrap());
        assert!(!put(2, Some(1)).await.unwrap());
        assert_eq!(store.installations().await.unwrap(), vec![Installation { generation: 2, ..installation("a") }]);
        assert_eq!(store.installation(&"a".parse().unwrap()).await.unwrap().map(|one| one.generation), Some(2));
        assert_eq!(store.installation(&"b".parse().unwrap()).await.unwrap(), None);
        assert_eq!(store.installations_revision().await.unwrap(), 2);
        assert_eq!(store.entry_count().await.unwrap(), 2, "what changed nothing left no entry");
    }
}
