//! Freezes, and what they release.
//!
//! Invariants: a number is never given twice; whatever changes what is frozen raises the revision in the same transaction.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    freeze::{Freeze, FreezeState, FreezeStore, Released},
    id::RotationId,
};
use rusqlite::{Connection, Row, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, corrupt, failed},
};

fn revision(conn: &Connection) -> Outcome<u64> {
    conn.prepare_cached("SELECT value FROM freeze_revision")
        .and_then(|mut query| query.query_row([], |row| row.get(0)))
        .map_err(failed)
}

/// What is frozen has changed.
pub(crate) fn changed(conn: &Connection) -> Outcome<()> {
    conn.execute("UPDATE freeze_revision SET value = value + 1", []).map(drop).map_err(failed)
}

/// Adds one under the next number, and gives that.
pub(crate) fn add(conn: &Connection, freeze: &Freeze) -> Outcome<u64> {
    conn.execute("INSERT INTO freezes (body) VALUES ('')", []).map_err(failed)?;
    let number = u64::try_from(conn.last_insert_rowid()).map_err(corrupt)?;
    let body = serde_json::to_string(&Freeze { number, ..freeze.clone() }).map_err(corrupt)?;
    conn.execute("UPDATE freezes SET body = ?2 WHERE number = ?1", params![number, body]).map_err(failed)?;
    changed(conn)?;
    Ok(number)
}

/// Lifts one, with all that it had released. False where there is none.
pub(crate) fn lift(conn: &Connection, number: u64) -> Outcome<bool> {
    conn.execute("DELETE FROM freeze_released WHERE freeze = ?1", [number]).map_err(failed)?;
    let gone = conn.execute("DELETE FROM freezes WHERE number = ?1", [number]).map_err(failed)?;
    changed(conn)?;
    Ok(gone == 1)
}

/// Lets something go on under a freeze that goes on.
pub(crate) fn release(conn: &Connection, released: &Released) -> Outcome<()> {
    let Released { freeze, tenant, installation, name } = released;
    conn.prepare_cached("INSERT OR IGNORE INTO freeze_released VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut s| {
            s.execute(params![freeze, tenant.as_str(), installation.as_str(), name.as_deref().unwrap_or_default()])
        })
        .map_err(failed)?;
    changed(conn)
}

fn read_released(row: &Row<'_>) -> Outcome<Released> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    Ok(Released {
        freeze: row.get(0).map_err(failed)?,
        tenant: text(1)?.parse().map_err(corrupt)?,
        installation: text(2)?.parse().map_err(corrupt)?,
        name: Some(text(3)?).filter(|name| !name.is_empty()),
    })
}

/// The numbers of those that belong to an act.
pub(crate) fn of_act(conn: &Connection, act: &RotationId) -> Outcome<Vec<u64>> {
    let all = state(conn)?.freezes.into_iter();
    Ok(all.filter(|freeze| freeze.act.as_ref() == Some(act)).map(|freeze| freeze.number).collect())
}

fn state(conn: &Connection) -> Outcome<FreezeState> {
    let mut query = conn.prepare_cached("SELECT body FROM freezes ORDER BY number").map_err(failed)?;
    let bodies: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    let freezes = bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect::<Outcome<_>>()?;
    let mut query =
        conn.prepare_cached("SELECT freeze, tenant, installation, name FROM freeze_released").map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut released = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        released.push(read_released(row)?);
    }
    Ok(FreezeState { revision: revision(conn)?, freezes, released })
}

#[async_trait]
impl FreezeStore for SqliteStore {
    async fn freeze_revision(&self) -> Result<u64, StoreError> {
        self.db.read(revision).await
    }

    async fn freezes(&self) -> Result<FreezeState, StoreError> {
        self.db
            .read(|conn| {
                // One snapshot of all three tables.
                let tx = conn.unchecked_transaction().map_err(failed)?;
                state(&tx)
            })
            .await
    }

    async fn add_freeze(&self, freeze: Freeze, entry: Entry) -> Result<u64, StoreError> {
        self.db
            .write(move |conn| {
                let number = add(conn, &freeze)?;
                append(conn, &entry.with("freeze", number))?;
                Ok(number)
            })
            .await
    }

    async fn lift_freeze(&self, number: u64, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let was = lift(conn, number)?;
                if was {
                    append(conn, &entry.with("freeze", number))?;
                }
                Ok(was)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Kind, freeze::Extent, time::Timestamp};

    use super::*;
    use crate::testing::{entry, store};

    fn freeze(extent: Extent) -> Freeze {
        let (reason, by) = ("a partner was breached".into(), "dana".into());
        Freeze { number: 0, extent, reason, by, since: Timestamp(1), act: None, incident: None, platform: false }
    }

    #[tokio::test]
    async fn a_freeze_is_there_until_it_is_lifted_and_its_number_is_its_own() {
        let (_dir, store) = store();
        let add = |extent| store.add_freeze(freeze(extent), entry(Kind::FreezeAdded));
        assert_eq!(add(Extent::All).await.unwrap(), 1);
        assert_eq!(add(Extent::Tenant("acme".parse().unwrap())).await.unwrap(), 2);
        let before = store.freezes().await.unwrap();
        assert_eq!(before.revision, store.freeze_revision().await.unwrap());
        assert_eq!(before.freezes.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
        assert!(store.lift_freeze(2, entry(Kind::FreezeLifted)).await.unwrap());
        assert!(!store.lift_freeze(2, entry(Kind::FreezeLifted)).await.unwrap());
        assert_eq!(add(Extent::All).await.unwrap(), 3, "a number is never given again");
        assert!(store.freeze_revision().await.unwrap() > before.revision);
        assert_eq!(store.entry_count().await.unwrap(), 4, "what changed nothing left no entry");
    }
}
