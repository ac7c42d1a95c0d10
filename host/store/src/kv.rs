//! Plugins' own storage.

use async_trait::async_trait;
use portcullis_model::{
    error::{ServiceError, StoreError},
    kv::{KvDelete, KvGet, KvList, KvSet, KvStore},
    permit::Spent,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    db::{Outcome, failed},
};

/// Whose rows: every statement here begins with these two.
struct Owner {
    tenant: String,
    installation: String,
}

impl Owner {
    fn of<A>(act: &Spent<A>) -> Self {
        let call = act.call();
        Self { tenant: call.tenant.to_string(), installation: call.installation.to_string() }
    }
}

fn size_of(conn: &Connection, owner: &Owner, bucket: &str, key: &str) -> Outcome<Option<u64>> {
    conn.prepare_cached(
        "SELECT length(CAST(key AS BLOB)) + length(value) FROM kv
         WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4",
    )
    .and_then(|mut s| s.query_row(params![owner.tenant, owner.installation, bucket, key], |r| r.get(0)).optional())
    .map_err(failed)
}

fn used(conn: &Connection, owner: &Owner) -> Outcome<u64> {
    conn.prepare_cached("SELECT bytes FROM kv_use WHERE tenant = ?1 AND installation = ?2")
        .and_then(|mut s| s.query_row(params![owner.tenant, owner.installation], |r| r.get(0)).optional())
        .map(Option::unwrap_or_default)
        .map_err(failed)
}

fn set_used(conn: &Connection, owner: &Owner, bytes: u64) -> Outcome<()> {
    conn.prepare_cached(
        "INSERT INTO kv_use (tenant, installation, bytes) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant, installation) DO UPDATE SET bytes = excluded.bytes",
    )
    .and_then(|mut s| s.execute(params![owner.tenant, owner.installation, bytes]))
    .map(drop)
    .map_err(failed)
}

/// False where the quota would be passed.
fn set(conn: &Connection, owner: &Owner, act: &KvSet) -> Outcome<bool> {
    let before = size_of(conn, owner, &act.bucket, &act.key)?.unwrap_or(0);
    let after = (act.key.len() + act.value.len()) as u64;
    let total = used(conn, owner)?.saturating_sub(before) + after;
    if total > act.quota {
        return Ok(false);
    }
    conn.prepare_cached(
        "INSERT INTO kv (tenant, installation, bucket, key, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, installation, bucket, key) DO UPDATE SET value = excluded.value",
    )
    .and_then(|mut s| s.execute(params![owner.tenant, owner.installation, act.bucket, act.key, act.value]))
    .map_err(failed)?;
    set_used(conn, owner, total)?;
    Ok(true)
}

fn delete(conn: &Connection, owner: &Owner, act: &KvDelete) -> Outcome<()> {
    let Some(freed) = size_of(conn, owner, &act.bucket, &act.key)? else { return Ok(()) };
    conn.prepare_cached("DELETE FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4")
        .and_then(|mut s| s.execute(params![owner.tenant, owner.installation, act.bucket, act.key]))
        .map_err(failed)?;
    set_used(conn, owner, used(conn, owner)?.saturating_sub(freed))
}

fn list(conn: &Connection, owner: &Owner, act: &KvList) -> Outcome<Vec<String>> {
    let after = act.after.as_deref().unwrap_or_default();
    conn.prepare_cached(
        "SELECT key FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3
         AND key > ?4 AND key >= ?5 AND substr(key, 1, length(?5)) = ?5 ORDER BY key LIMIT 100",
    )
    .and_then(|mut s| {
        s.query_map(params![owner.tenant, owner.installation, act.bucket, after, act.prefix], |r| r.get(0))
            .and_then(Iterator::collect)
    })
    .map_err(failed)
}

#[async_trait]
impl KvStore for SqliteStore {
    async fn get(&self, act: Spent<KvGet>) -> Result<Option<Vec<u8>>, ServiceError> {
        let owner = Owner::of(&act);
        let act = act.into_act();
        let read = move |conn: &Connection| -> Result<Option<Vec<u8>>, StoreError> {
            conn.prepare_cached(
                "SELECT value FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4",
            )
            .and_then(|mut s| {
                s.query_row(params![owner.tenant, owner.installation, act.bucket, act.key], |r| r.get(0)).optional()
            })
            .map_err(failed)
        };
        Ok(self.db.read(read).await?)
    }

    async fn set(&self, act: Spent<KvSet>) -> Result<(), ServiceError> {
        let owner = Owner::of(&act);
        let act = act.into_act();
        let quota = act.quota;
        match self.db.write(move |conn| set(conn, &owner, &act)).await? {
            true => Ok(()),
            false => Err(ServiceError::limited("kv-bytes", quota)),
        }
    }

    async fn delete(&self, act: Spent<KvDelete>) -> Result<(), ServiceError> {
        let owner = Owner::of(&act);
        let act = act.into_act();
        Ok(self.db.write(move |conn| delete(conn, &owner, &act)).await?)
    }

    async fn list(&self, act: Spent<KvList>) -> Result<Vec<String>, ServiceError> {
        let owner = Owner::of(&act);
        let act = act.into_act();
        Ok(self.db.read(move |conn| list(conn, &owner, &act)).await?)
    }
}
