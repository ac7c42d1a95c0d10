//! Taking an installation out: its credentials are ended at once, as are its client, open consents and deliveries, everything else
//! goes after a time of grace; and reading it all for an export.
//!
//! Invariants: what is removed is overwritten in the file, and the file of recent changes is emptied after it; an event whose
//! content another installation's delivery needs keeps it; each step is in one transaction with its entry.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    erasure::{Erased, ErasureStore, Stopped},
    error::StoreError,
    id::InstallationId,
    installation::Installation,
    invoke::LogLine,
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, StoredEntry,
    audit::{COLUMNS, append, select},
    consents,
    db::{Outcome, Writing, failed},
    installations, oauth,
    plugin_log::line,
    secrets::endings,
};

/// A value that a plugin stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredValue {
    /// In which bucket.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// When it is over; `None`: not before it is removed.
    pub expires: Option<Timestamp>,
}

fn count(conn: &Connection, sql: &str, one: &Installation) -> Outcome<u64> {
    conn.query_row(sql, params![one.id.as_str(), one.tenant.as_str()], |row| row.get(0)).map_err(failed)
}

fn gone(conn: &Connection, sql: &str, one: &Installation) -> Outcome<u64> {
    let rows = conn.execute(sql, params![one.id.as_str(), one.tenant.as_str()]).map_err(failed)?;
    Ok(rows as u64)
}

const SECRETS: &str = "DELETE FROM secrets WHERE installation = ?1 AND tenant = ?2";

/// Deliveries of an installation that are not through, of events that are the tenant's.
const OPEN: &str = "installation = ?1 AND state IN (0, 1) AND (SELECT tenant FROM events WHERE number = event) = ?2";

/// Content that only this installation's deliveries needed. The event's id stays, so that it is not taken a second time.
const EVENTS: &str = "UPDATE events SET body = '' WHERE tenant = ?2 AND body <> '' AND number IN
  (SELECT event FROM deliveries GROUP BY event HAVING min(installation) = ?1 AND max(installation) = ?1)";

fn erase(conn: &Connection, one: &Installation, files: Erased) -> Outcome<Erased> {
    let values = "FROM kv WHERE installation = ?1 AND tenant = ?2";
    let kv_bytes = format!("SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) {values}");
    let kv_bytes = count(conn, &kv_bytes, one)?;
    let kv_rows = gone(conn, &format!("DELETE {values}"), one)?;
    let queued_events = gone(conn, EVENTS, one)?;
    let deliveries = gone(
        conn,
        "DELETE FROM deliveries WHERE installation = ?1 AND (SELECT tenant FROM events WHERE number = event) = ?2",
        one,
    )?;
    let log_lines = gone(conn, "DELETE FROM plugin_log WHERE installation = ?1 AND tenant = ?2", one)?;
    for table in ["kv_use", "budget_use", "suspensions"] {
        gone(conn, &format!("DELETE FROM {table} WHERE installation = ?1 AND tenant = ?2"), one)?;
    }
    let secrets = gone(conn, SECRETS, one)?;
    Ok(Erased { kv_rows, kv_bytes, secrets, log_lines, deliveries, queued_events, ..files })
}

fn would_stop(conn: &Connection, one: &Installation) -> Outcome<Stopped> {
    let secrets = count(conn, "SELECT count(*) FROM secrets WHERE installation = ?1 AND tenant = ?2", one)?;
    let deliveries = count(conn, &format!("SELECT count(*) FROM deliveries WHERE {OPEN}"), one)?;
    Ok(Stopped { secrets, deliveries })
}

/// Replaces an installation by one that is uninstalled, with all that ends with it. `None` where its generation is another.
pub(crate) fn uninstall(
    conn: &Writing,
    installation: &Installation,
    expected: u64,
    entry: &Entry,
) -> Outcome<Option<Stopped>> {
    if !installations::put(conn, installation, Some(expected))? {
        return Ok(None);
    }
    let close = format!("UPDATE deliveries SET state = 3, error = 'the installation was uninstalled' WHERE {OPEN}");
    let secrets = endings::end_all(conn, installation, entry)?;
    let stopped = Stopped { secrets, deliveries: gone(conn, &close, installation)? };
    gone(conn, "DELETE FROM backends WHERE installation = ?1 AND tenant = ?2", installation)?;
    consents::close(conn, installation, entry)?;
    oauth::end(conn, installation, entry)?;
    let entry = entry.clone().with("secrets", stopped.secrets).with("deliveries", stopped.deliveries);
    append(conn, &entry)?;
    Ok(Some(stopped))
}

#[async_trait]
impl ErasureStore for SqliteStore {
    async fn would_stop(&self, installation: &Installation) -> Result<Stopped, StoreError> {
        let one = installation.clone();
        self.db.read(move |conn| would_stop(conn, &one)).await
    }

    async fn uninstall(
        &self,
        installation: Installation,
        expected: u64,
        entry: Entry,
    ) -> Result<Option<Stopped>, StoreError> {
        self.db.write(move |conn| uninstall(conn, &installation, expected, &entry)).await
    }

    async fn erase(
        &self,
        installation: Installation,
        expected: u64,
        files: Erased,
        entry: Entry,
    ) -> Result<Option<Erased>, StoreError> {
        let erased = self
            .db
            .write(move |conn| {
                if !installations::put(conn, &installation, Some(expected))? {
                    return Ok(None);
                }
                let erased = erase(conn, &installation, files)?;
                consents::close(conn, &installation, &entry)?;
                append(conn, &erased.told(entry))?;
                Ok(Some(erased))
            })
            .await?;
        if erased.is_some()
            && let Err(error) = self.db.empty_wal().await
        {
            tracing::warn!(%error, "what was erased stays in the file of recent changes until that is written over");
        }
        Ok(erased)
    }
}

impl SqliteStore {
    /// The entry that says that an installation was erased, where it was.
    pub async fn entry_of_erasure(&self, id: &InstallationId) -> Outcome<Option<StoredEntry>> {
        let about = format!("installation:{id}");
        let sql = format!(
            "SELECT {COLUMNS} FROM audit a WHERE kind = 'plugin.erased'
             AND CASE WHEN disposed IS NULL THEN json_extract(CAST(body AS TEXT), '$.resource') = ?1 END"
        );
        self.db.read(move |conn| Ok(select(conn, &sql, [about])?.pop())).await
    }

    /// Up to `most` values of an installation, in the order of bucket and key, after this one.
    pub async fn values_of(
        &self,
        one: &Installation,
        after: Option<(String, String)>,
        most: usize,
    ) -> Outcome<Vec<StoredValue>> {
        let (tenant, id) = (one.tenant.to_string(), one.id.to_string());
        self.db
            .read(move |conn| {
                let (bucket, key) = after.unzip();
                let mut query = conn
                    .prepare_cached(
                        "SELECT bucket, key, value, expires FROM kv WHERE tenant = ?1 AND installation = ?2
                         AND (?3 IS NULL OR (bucket, key) > (?3, ?4)) ORDER BY bucket, key LIMIT ?5",
                    )
                    .map_err(failed)?;
                let value = |row: &rusqlite::Row<'_>| {
                    let expires: Option<i64> = row.get(3)?;
                    Ok(StoredValue {
                        bucket: row.get(0)?,
                        key: row.get(1)?,
                        value: row.get(2)?,
                        expires: expires.map(Timestamp),
                    })
                };
                query
                    .query_map(params![tenant, id, bucket, key, most], value)
                    .and_then(Iterator::collect)
                    .map_err(failed)
            })
            .await
    }

    /// Up to `most` lines of an installation's log, oldest first, after this number; each with its own.
    pub async fn log_of(&self, id: &InstallationId, after: i64, most: usize) -> Outcome<Vec<(i64, LogLine)>> {
        let id = id.clone();
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT number, time, installation, call, level, message FROM plugin_log
                         WHERE installation = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
                    )
                    .map_err(failed)?;
                query.query_map(params![id.as_str(), after, most], line).and_then(Iterator::collect).map_err(failed)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::Kind,
        consent::{ConsentStore as _, Stage, held_in},
        installation::{InstallationState, InstallationStore as _},
        queue::Queue as _,
        secret::{SealedSecret, SecretStore as _, Swap, WrappedKey},
    };

    use super::*;
    use crate::testing::{entry, event, installation, store};

    const MARK: &str = "a-mark-that-must-not-stay";

    fn uninstalled(one: &Installation, generation: u64) -> Installation {
        let state = InstallationState::Uninstalled {
            since: Timestamp(1),
            purge_at: Timestamp(2),
            reason: "x".into(),
            held: None,
        };
        Installation { state, generation, ..one.clone() }
    }

    async fn fill(store: &SqliteStore, one: &Installation) {
        assert!(store.put_installation(one.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
        let (id, tenant) = (one.id.to_string(), one.tenant.to_string());
        let rows = move |conn: &crate::db::Writing| {
            for n in 0..40 {
                // Longer than a page, so that it lies in pages of its own.
                let value = MARK.repeat(400);
                conn.execute(
                    "INSERT INTO kv VALUES (?1, ?2, 'b', ?3, ?4, NULL)",
                    params![tenant, id, format!("{n}-{MARK}"), value.as_bytes()],
                )
                .map_err(failed)?;
            }
            conn.execute("INSERT INTO kv_use VALUES (?1, ?2, 9)", params![tenant, id]).map_err(failed)?;
            conn.execute(
                "INSERT INTO plugin_log VALUES (NULL, ?1, ?2, 'call_1', 0, 'info', ?3)",
                params![tenant, id, MARK],
            )
            .map(drop)
            .map_err(failed)
        };
        store.db.write(rows).await.unwrap();
        let secret = SealedSecret {
            tenant: one.tenant.clone(),
            installation: Some(one.id.clone()),
            name: "chat".into(),
            generation: 1,
            place: "{}".into(),
            origin: String::new(),
            issued: Timestamp(0),
            expires: None,
            data_key: 1,
            sealed: vec![1],
        };
        if store.wrapping_keys().await.unwrap().is_empty() {
            let key = WrappedKey {
                tenant: one.tenant.clone(),
                number: 1,
                wrapped_by: "k".into(),
                wrapped: vec![1],
                made: Timestamp(0),
                current: true,
            };
            store.set_wrapping_key("k", None, None).await.unwrap();
            store.add_data_key(key, None, entry(Kind::VaultDataKeyMade)).await.unwrap();
        }
        let put = store.put_secret(secret, None, Timestamp(0), entry(Kind::ConnectionAdded)).await;
        assert_eq!(put.unwrap(), Swap::Done);
    }

    async fn send(store: &SqliteStore, id: &str, to: &[&str]) {
        let mut event = event(id);
        event.data = serde_json::json!({ "text": MARK });
        let to = to.iter().map(|one| one.parse().unwrap()).collect();
        store.ingest(event, to, entry(Kind::EventReceived), entry(Kind::EventDuplicate)).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_left_of_what_is_erased_and_all_of_its_neighbour() {
        let (dir, store) = store();
        let (one, other) = (installation("a"), installation("b"));
        fill(&store, &one).await;
        send(&store, "own", &["a"]).await;
        send(&store, "both", &["a", "b"]).await;
        assert_eq!(store.would_stop(&one).await.unwrap(), Stopped { secrets: 1, deliveries: 2 });
        assert_eq!(store.would_stop(&other).await.unwrap(), Stopped { secrets: 0, deliveries: 1 });
        let stopped = store.uninstall(uninstalled(&one, 2), 1, entry(Kind::PluginUninstalled)).await.unwrap().unwrap();
        assert_eq!(stopped, Stopped { secrets: 1, deliveries: 2 });
        assert!(store.secrets().await.unwrap().is_empty());
        assert_eq!(store.values_of(&one, None, 100).await.unwrap().len(), 40, "it stays for the time of grace");
        assert_eq!(store.log_of(&one.id, 0, 9).await.unwrap().len(), 1);

        let erased =
            Installation { state: InstallationState::Erased { at: Timestamp(3), held: None }, ..uninstalled(&one, 3) };
        let stale = store.erase(erased.clone(), 1, Erased::default(), entry(Kind::PluginErased)).await.unwrap();
        assert_eq!(stale, None, "somebody was faster");
        let files = Erased { files: 2, file_bytes: 7, ..Erased::default() };
        let counts = store.erase(erased, 2, files, entry(Kind::PluginErased)).await.unwrap().unwrap();
        assert_eq!((counts.kv_rows, counts.files, counts.file_bytes, counts.log_lines), (40, 2, 7, 1));
        assert_eq!((counts.deliveries, counts.queued_events, counts.secrets), (2, 1, 0));
        assert!(counts.kv_bytes > 40 * 400 * MARK.len() as u64);
        let last = store.entries(store.entry_count().await.unwrap() - 1, 1).await.unwrap().remove(0);
        let last: Entry = last.read().unwrap();
        assert_eq!((last.detail["kv-rows"].as_u64(), last.detail["files"].as_u64()), (Some(40), Some(2)));
        assert_eq!(store.deliveries(9).await.unwrap().len(), 1, "the neighbour's delivery is there");

        send(&store, "later", &["b"]).await;
        let erased =
            Installation { state: InstallationState::Erased { at: Timestamp(3), held: None }, ..installation("b") };
        assert!(store.put_installation(other, None, entry(Kind::PluginInstalled)).await.unwrap());
        let erased = Installation { generation: 2, ..erased };
        store.erase(erased, 1, Erased::default(), entry(Kind::PluginErased)).await.unwrap().unwrap();
        let mut found = Vec::new();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
                found.push(path);
            }
        }
        assert!(found.is_empty(), "the mark is still in {found:?}");
    }

    #[tokio::test]
    async fn what_is_taken_out_gets_no_credential_any_more() {
        let (_dir, store) = store();
        let (one, other) = (installation("a"), installation("b"));
        fill(&store, &one).await;
        assert!(store.put_installation(other.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
        let secret = |id: Option<&Installation>, name: String, generation| SealedSecret {
            tenant: one.tenant.clone(),
            installation: id.map(|one| one.id.clone()),
            name,
            generation,
            place: "{}".into(),
            origin: String::new(),
            issued: Timestamp(0),
            expires: None,
            data_key: 1,
            sealed: vec![1],
        };
        let put = |secret| store.put_secret(secret, None, Timestamp(0), entry(Kind::ConnectionAdded));
        let mut consents = Vec::new();
        for whose in [&one, &other] {
            let consent = crate::consents::tests::of(whose);
            assert!(store.put_consent(consent.clone(), None, entry(Kind::ConsentAsked)).await.unwrap());
            let held = held_in(&consent.id, &whose.tenant);
            assert_eq!(put(secret(None, held.name, 1)).await.unwrap(), Swap::Done);
            consents.push(consent);
        }
        store.uninstall(uninstalled(&one, 2), 1, entry(Kind::PluginUninstalled)).await.unwrap().unwrap();
        assert_eq!(store.open_consents().await.unwrap(), [consents[1].clone()], "the neighbour's alone");
        let closed = store.consent(&consents[0].id).await.unwrap().unwrap();
        assert!(matches!(&closed.stage, Stage::Ended { why, .. } if why.contains("uninstalled")), "{closed:?}");
        let held: Vec<_> = store.secrets().await.unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(held, [held_in(&consents[1].id, &other.tenant).name], "the client's secret is gone with it");
        let entries = store.entries(0, 100).await.unwrap();
        let kind = |entry: &StoredEntry| entry.read().unwrap().kind;
        assert_eq!(entries.iter().filter(|one| kind(one) == Kind::ConsentEnded).count(), 1);

        let before = store.entry_count().await.unwrap();
        assert_eq!(put(secret(Some(&one), "late".into(), 1)).await.unwrap(), Swap::Gone);
        assert_eq!(store.entry_count().await.unwrap(), before, "what changed nothing left no entry");
        assert_eq!(put(secret(Some(&other), "late".into(), 1)).await.unwrap(), Swap::Done);
        let erased =
            Installation { state: InstallationState::Erased { at: Timestamp(3), held: None }, ..uninstalled(&one, 3) };
        store.erase(erased, 2, Erased::default(), entry(Kind::PluginErased)).await.unwrap().unwrap();
        assert_eq!(put(secret(Some(&one), "late".into(), 1)).await.unwrap(), Swap::Gone);
    }

    #[tokio::test]
    async fn reads_all_of_it_page_by_page() {
        let (_dir, store) = store();
        let one = installation("a");
        fill(&store, &one).await;
        let (mut after, mut keys) = (None, Vec::new());
        loop {
            let page = store.values_of(&one, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.bucket.clone(), last.key.clone()));
            keys.extend(page.into_iter().map(|value| value.key));
        }
        assert_eq!(keys.len(), 40);
        assert!(keys.is_sorted());
    }
}
