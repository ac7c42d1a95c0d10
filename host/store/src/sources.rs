//! Registered sources of events.
//!
//! Invariants: a source comes with its first secret and goes with its last, in one transaction; what is changed of a source is changed
//! for the tenant that it was looked up for, and for no other that has its name since.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::SourceName,
    rotation::SourceKeys,
    secret::Swap,
    source::{Added, MOST, NewSource, Source, SourceStore},
};
use rusqlite::params;

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
    secrets,
};

/// Whether a tenant has its source still.
pub(crate) fn is_there(conn: &Writing, source: &Source) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sources WHERE name = ?1 AND body ->> 'tenant' = ?2)";
    let whose = params![source.name.as_str(), source.tenant.as_str()];
    conn.query_row(sql, whose, |row| row.get(0)).map_err(failed)
}

/// Writes how a source's secrets stand.
pub(crate) fn put_keys(conn: &Writing, source: &Source, keys: &SourceKeys) -> Outcome<()> {
    let body = serde_json::to_string(keys).map_err(corrupt)?;
    let sql = "INSERT INTO source_keys VALUES (?1, ?2) ON CONFLICT (source) DO UPDATE SET body = excluded.body";
    conn.execute(sql, params![source.name.as_str(), body]).map(drop).map_err(failed)
}

/// Whether a source can be added under its name, to those of its tenant.
fn may_add(conn: &Writing, source: &Source) -> Outcome<Added> {
    // Whose events are known by a name is not told to another tenant, nor are its own taken for them.
    let taken = "SELECT EXISTS (SELECT 1 FROM sources WHERE name = ?1)
                 OR EXISTS (SELECT 1 FROM events WHERE origin = ?1 AND tenant <> ?2)";
    let whose = params![source.name.as_str(), source.tenant.as_str()];
    if conn.query_row(taken, whose, |row| row.get(0)).map_err(failed)? {
        return Ok(Added::Taken);
    }
    let count = "SELECT count(*) FROM sources WHERE body ->> 'tenant' = ?1";
    let count: usize = conn.query_row(count, [source.tenant.as_str()], |row| row.get(0)).map_err(failed)?;
    Ok(if count < MOST { Added::Done } else { Added::TooMany })
}

fn add(conn: &Writing, new: &NewSource, entry: &Entry) -> Outcome<Added> {
    let source = &new.source;
    let may = may_add(conn, source)?;
    if may != Added::Done {
        return Ok(may);
    }
    if let Some(secret) = &new.secret
        && secrets::put_with(conn, secret)? != Swap::Done
    {
        return Ok(Added::Stale);
    }
    // One that a rotation has left, which was cut off while the source before was taken away.
    secrets::forget(conn, &source.slot(source.next_secret_name()))?;
    let body = serde_json::to_string(source).map_err(corrupt)?;
    let sql = "INSERT INTO sources (name, body) VALUES (?1, ?2)";
    conn.execute(sql, params![source.name.as_str(), body]).map_err(failed)?;
    put_keys(conn, source, &new.keys)?;
    append(conn, entry)?;
    Ok(Added::Done)
}

fn remove(conn: &Writing, source: &Source, entry: &Entry) -> Outcome<bool> {
    if !is_there(conn, source)? {
        return Ok(false);
    }
    conn.execute("DELETE FROM sources WHERE name = ?1", [source.name.as_str()]).map_err(failed)?;
    conn.execute("DELETE FROM source_keys WHERE source = ?1", [source.name.as_str()]).map_err(failed)?;
    for name in [source.secret_name(), source.next_secret_name()] {
        secrets::forget(conn, &source.slot(name))?;
    }
    append(conn, entry)?;
    Ok(true)
}

#[async_trait]
impl SourceStore for SqliteStore {
    async fn add_source(&self, new: NewSource, entry: Entry) -> Result<Added, StoreError> {
        self.db.write(move |conn| add(conn, &new, &entry)).await
    }

    async fn remove_source(&self, source: &Source, entry: Entry) -> Result<bool, StoreError> {
        let source = source.clone();
        self.db.write(move |conn| remove(conn, &source, &entry)).await
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
    use portcullis_model::{audit::Kind, event::EventForm, rotation::RotationStore as _, secret::SecretStore as _};

    use super::*;
    use crate::{
        secrets::tests::first_of,
        testing::{entry, store},
    };

    fn source(tenant: &str, name: &str) -> Source {
        Source { name: name.parse().unwrap(), tenant: tenant.parse().unwrap(), form: EventForm::Github }
    }

    async fn add(store: &SqliteStore, source: Source) -> Added {
        let new = NewSource { source, keys: SourceKeys::default(), secret: None };
        store.add_source(new, entry(Kind::SourceAdded)).await.unwrap()
    }

    #[tokio::test]
    async fn a_name_under_which_another_tenants_events_came_is_not_given_again() {
        let (_dir, store) = store();
        let event = |conn: &crate::db::Writing| {
            let sql =
                "INSERT INTO events (tenant, origin, source, id, body) VALUES ('acme', 'acme-support', 's', '1', '{}')";
            conn.execute(sql, []).map(drop).map_err(failed)
        };
        store.db.write(event).await.unwrap();
        assert_eq!(add(&store, source("other", "acme-support")).await, Added::Taken);
        assert_eq!(add(&store, source("acme", "acme-support")).await, Added::Done, "its own");
        assert_eq!(add(&store, source("acme", "acme-support")).await, Added::Taken, "once");
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_and_another_one_its_own() {
        let (_dir, store) = store();
        for number in 0..MOST {
            assert_eq!(add(&store, source("acme", &format!("desk-{number}"))).await, Added::Done);
        }
        assert_eq!(add(&store, source("acme", "one-more")).await, Added::TooMany);
        assert_eq!(add(&store, source("other", "one-more")).await, Added::Done);
        assert!(store.remove_source(&source("acme", "desk-0"), entry(Kind::SourceRemoved)).await.unwrap());
        assert_eq!(add(&store, source("acme", "again")).await, Added::Done);
    }

    #[tokio::test]
    async fn whoever_comes_second_to_a_name_changes_nothing_of_the_first() {
        let (_dir, store) = store();
        let desk = source("acme", "desk");
        let slot = desk.slot(desk.secret_name());
        let new = |secret| NewSource { source: desk.clone(), keys: SourceKeys::default(), secret: Some(secret) };
        // Both were made before either was stored.
        let (first, second) = (first_of(&store, &slot, 7).await, first_of(&store, &slot, 8).await);
        assert_eq!(store.add_source(new(first), entry(Kind::SourceAdded)).await.unwrap(), Added::Done);
        assert_eq!(store.add_source(new(second.clone()), entry(Kind::SourceAdded)).await.unwrap(), Added::Taken);
        let kept = store.slot(&slot).await.unwrap().unwrap();
        assert_eq!((kept.generations.len(), kept.current().unwrap().sealed.as_slice()), (1, &[7u8][..]));
        assert!(store.remove_source(&desk, entry(Kind::SourceRemoved)).await.unwrap());
        assert_eq!(store.slot(&slot).await.unwrap(), None, "it goes with its source");
        assert_eq!(store.add_source(new(second), entry(Kind::SourceAdded)).await.unwrap(), Added::Done);
    }

    #[tokio::test]
    async fn a_name_that_is_another_tenants_by_now_is_left_as_it_is() {
        let (_dir, store) = store();
        let (before, now) = (source("acme", "desk"), source("other", "desk"));
        assert_eq!(add(&store, before.clone()).await, Added::Done);
        assert!(store.remove_source(&before, entry(Kind::SourceRemoved)).await.unwrap());
        assert_eq!(add(&store, now.clone()).await, Added::Done);
        let written = store.entry_count().await.unwrap();
        assert!(!store.remove_source(&before, entry(Kind::SourceRemoved)).await.unwrap());
        let keys = SourceKeys { generation: 5, ..SourceKeys::default() };
        assert!(!store.put_source_keys(&before, keys, vec![entry(Kind::SourceRotated)]).await.unwrap());
        assert_eq!(store.sources().await.unwrap(), std::slice::from_ref(&now));
        assert_eq!(store.source_keys().await.unwrap(), [(now.name, SourceKeys::default())]);
        assert_eq!(store.entry_count().await.unwrap(), written);
    }
}
