//! Registered sources of events.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::SourceName,
    rotation::SourceKeys,
    source::{Source, SourceStore},
};
use rusqlite::params;

use crate::{
    SqliteStore,
    audit::append,
    db::{corrupt, failed},
};

#[async_trait]
impl SourceStore for SqliteStore {
    async fn add_source(&self, source: Source, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let body = serde_json::to_string(&source).map_err(corrupt)?;
                let added = conn
                    .execute(
                        // Whose events are known by a name is not told to another tenant, nor are its own taken for them.
                        "INSERT INTO sources (name, body) SELECT ?1, ?2
                         WHERE NOT EXISTS (SELECT 1 FROM events WHERE origin = ?1 AND tenant <> ?3) ON CONFLICT DO NOTHING",
                        params![source.name.as_str(), body, source.tenant.as_str()],
                    )
                    .map_err(failed)?;
                if added == 1 {
                    append(conn, &entry)?;
                }
                Ok(added == 1)
            })
            .await
    }

    async fn remove_source(&self, name: &SourceName, entry: Entry) -> Result<bool, StoreError> {
        let name = name.to_string();
        self.db
            .write(move |conn| {
                let gone = conn.execute("DELETE FROM sources WHERE name = ?1", [&name]).map_err(failed)?;
                if gone == 0 {
                    return Ok(false);
                }
                conn.execute("DELETE FROM source_keys WHERE source = ?1", [&name]).map_err(failed)?;
                append(conn, &entry)?;
                Ok(true)
            })
            .await
    }

    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn.prepare_cached("SELECT body FROM sources ORDER BY name").map_err(failed)?;
                let bodies: Vec<String> =
                    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
            })
            .await
    }

    async fn source_keys(&self) -> Result<Vec<(SourceName, SourceKeys)>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn.prepare_cached("SELECT source, body FROM source_keys").map_err(failed)?;
                let rows: Vec<(String, String)> = query
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let read = |(source, body): (String, String)| {
                    Ok((source.parse().map_err(corrupt)?, serde_json::from_str(&body).map_err(corrupt)?))
                };
                rows.into_iter().map(read).collect()
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Kind, event::EventForm};

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn a_name_under_which_another_tenants_events_came_is_not_given_again() {
        let (_dir, store) = store();
        let event = |conn: &crate::db::Writing| {
            let sql =
                "INSERT INTO events (tenant, origin, source, id, body) VALUES ('acme', 'acme-support', 's', '1', '{}')";
            conn.execute(sql, []).map(drop).map_err(failed)
        };
        store.db.write(event).await.unwrap();
        let of = |tenant: &str| Source {
            name: "acme-support".parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            form: EventForm::Github,
        };
        assert!(!store.add_source(of("other"), entry(Kind::SourceAdded)).await.unwrap());
        assert!(store.add_source(of("acme"), entry(Kind::SourceAdded)).await.unwrap(), "its own");
        assert!(!store.add_source(of("acme"), entry(Kind::SourceAdded)).await.unwrap(), "once");
    }
}
