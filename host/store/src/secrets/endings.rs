//! Connections that are still to be revoked where they were issued.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, Kind},
    connection::{ConnectionKey, Standing},
    ending::{Ending, EndingStore},
    error::StoreError,
    installation::Installation,
    secret::{Head, Slot},
    time::Timestamp,
    webhook::SIGNING,
};
use rusqlite::{Connection, Row, params};

use super::{installation, rows};
use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
    installations,
};

/// How long others leave an ending to whoever took its installation out.
const FIRST: i64 = 60_000;

/// Keeps a generation that is still to be revoked: what cannot be opened any more, nobody can revoke.
pub(super) const NOT_ENDING: &str = "NOT EXISTS (SELECT 1 FROM connection_endings e
    WHERE e.tenant = secret_generations.tenant AND e.installation = secret_generations.installation
    AND e.name = secret_generations.name)";

/// The provider that a row names as its origin, if it can be read.
const PROVIDER: &str = "SELECT CASE WHEN json_valid(origin) THEN json_extract(origin, '$.provider') END
    FROM secret_generations WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND generation = ?4";

fn read(row: &Row<'_>) -> Outcome<Ending> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    let provider: Option<String> = row.get(4).map_err(failed)?;
    Ok(Ending {
        key: ConnectionKey {
            tenant: text(0)?.parse().map_err(corrupt)?,
            installation: text(1)?.parse().map_err(corrupt)?,
            name: text(2)?,
        },
        generation: row.get(3).map_err(failed)?,
        provider: provider.and_then(|one| one.parse().ok()),
        since: Timestamp(row.get(5).map_err(failed)?),
        tries: row.get(6).map_err(failed)?,
        next: Timestamp(row.get(7).map_err(failed)?),
    })
}

fn all(conn: &Connection) -> Outcome<Vec<Ending>> {
    let sql = "SELECT tenant, installation, name, generation, provider, since, tries, next FROM connection_endings
               ORDER BY since, tenant, installation, name, generation";
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// Revokes the head, and writes the ending.
fn end(conn: &Connection, slot: &Slot, head: &Head, since: Timestamp, next: Timestamp) -> Outcome<()> {
    let standing = Standing::Revoked { since };
    rows::write_head(conn, slot, &Head { standing, claimant: None, ..head.clone() })?;
    let sql = format!(
        "INSERT INTO connection_endings (tenant, installation, name, generation, provider, since, tries, next)
         VALUES (?1, ?2, ?3, ?4, ({PROVIDER}), ?5, 0, ?6) ON CONFLICT DO NOTHING"
    );
    let (tenant, installation) = (slot.tenant.as_str(), installation(slot));
    conn.execute(&sql, params![tenant, installation, slot.name, head.generation, since.0, next.0])
        .map(drop)
        .map_err(failed)
}

/// Ends all connections of an installation that is taken out, and deletes those of its secrets that no provider can be asked to
/// revoke, with an entry for each connection among these. Gives how many there were.
pub(crate) fn end_all(conn: &Writing, one: &Installation, because: &Entry) -> Outcome<u64> {
    let (mut many, next) = (0, Timestamp(because.time.0.saturating_add(FIRST)));
    let is_its = |slot: &Slot| slot.tenant == one.tenant && slot.installation.as_ref() == Some(&one.id);
    for slot_rows in rows::all(conn)? {
        let Some(current) = slot_rows.current().filter(|row| is_its(&row.slot())) else { continue };
        let (slot, head) = (current.slot(), &slot_rows.head);
        let ended = matches!(head.standing, Standing::Revoked { .. });
        many += 1;
        if slot.name != SIGNING && !ended && !current.origin.is_empty() {
            end(conn, &slot, head, because.time, next)?;
            continue;
        }
        if slot.name != SIGNING && !ended {
            let entry =
                Entry::new(because.time, Kind::ConnectionEnded, because.actor.clone(), Some(one.tenant.clone()))
                    .about(format!("installation:{}", one.id))
                    .with("name", slot.name.as_str())
                    .with("generation", head.generation)
                    .with("upstream", "not offered");
            append(conn, &entry)?;
        }
        forget(conn, &slot)?;
    }
    Ok(many)
}

/// Deletes a slot of which nothing is to be revoked any more.
fn forget(conn: &Connection, slot: &Slot) -> Outcome<()> {
    conn.execute(
        "DELETE FROM secrets WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND NOT EXISTS
         (SELECT 1 FROM connection_endings WHERE tenant = ?1 AND installation = ?2 AND name = ?3)",
        params![slot.tenant.as_str(), installation(slot), slot.name],
    )
    .map(drop)
    .map_err(failed)
}

fn settle(conn: &Writing, ending: &Ending, entry: &Entry) -> Outcome<bool> {
    let key = &ending.key;
    let struck = conn
        .execute(
            "DELETE FROM connection_endings WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND generation = ?4",
            params![key.tenant.as_str(), key.installation.as_str(), key.name, ending.generation],
        )
        .map_err(failed)?;
    if struck == 0 {
        return Ok(false);
    }
    if installations::is_gone(conn, &key.tenant, &key.installation)? {
        forget(conn, &key.clone().into())?;
    }
    append(conn, entry)?;
    Ok(true)
}

#[async_trait]
impl EndingStore for SqliteStore {
    async fn endings(&self) -> Result<Vec<Ending>, StoreError> {
        self.db.read(all).await
    }

    async fn end(&self, slot: &Slot, expected: Head, next: Timestamp, entry: Entry) -> Result<bool, StoreError> {
        let slot = slot.clone();
        self.db
            .write(move |conn| {
                let fits = rows::head(conn, &slot)?.as_ref() == Some(&expected);
                if fits {
                    end(conn, &slot, &expected, entry.time, next)?;
                    append(conn, &entry)?;
                }
                Ok(fits)
            })
            .await
    }

    async fn put_off(&self, ending: &Ending, next: Timestamp) -> Result<(), StoreError> {
        let ending = ending.clone();
        self.db
            .write(move |conn| {
                let key = &ending.key;
                conn.execute(
                    "UPDATE connection_endings SET tries = ?5, next = ?6
                     WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND generation = ?4",
                    params![
                        key.tenant.as_str(),
                        key.installation.as_str(),
                        key.name,
                        ending.generation,
                        ending.tries.saturating_add(1),
                        next.0
                    ],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }

    async fn settle(&self, ending: &Ending, entry: Entry) -> Result<bool, StoreError> {
        let ending = ending.clone();
        self.db.write(move |conn| settle(conn, &ending, &entry)).await
    }
}
