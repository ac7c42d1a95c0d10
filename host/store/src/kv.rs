//! Plugins' own storage.
//!
//! Invariants: a row whose time is over is never seen by a plugin; what an installation uses (`kv_use`) is the sum over its rows,
//! those included that are over and not disposed of yet.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    error::{ServiceError, StoreError},
    kv::{Expected, KvDelete, KvGet, KvList, KvSet, KvStore},
    permit::Spent,
    time::{Clock, Timestamp},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteStore,
    db::{Db, Outcome, failed},
};

/// The most expired rows that one job disposes of: others wait for the writer meanwhile.
const BATCH: u64 = 500;

/// The storage of all plugins, with the clock that says what is over.
#[derive(Clone)]
pub struct KvRows {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// The storage of plugins in this file.
    pub fn kv(&self, clock: Arc<dyn Clock>) -> KvRows {
        KvRows { db: self.db.clone(), clock }
    }

    /// Disposes of rows of any installation that are over at `now`, at most `limit` of them. Gives how many there were. Rows of
    /// an installation that writes are disposed of by its writes as well.
    pub async fn sweep_expired(&self, now: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let mut swept = 0;
        for owner in self.db.read(move |conn| owners_of_expired(conn, now)).await? {
            let owner = Arc::new(owner);
            loop {
                let (owner, most) = (owner.clone(), BATCH.min(limit - swept));
                let gone = self.db.write(move |conn| sweep(conn, &owner, now, most)).await?;
                swept += gone;
                if swept >= limit {
                    return Ok(swept);
                }
                if gone < most {
                    break;
                }
            }
        }
        Ok(swept)
    }
}

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

fn owners_of_expired(conn: &Connection, now: Timestamp) -> Outcome<Vec<Owner>> {
    conn.prepare_cached(
        "SELECT tenant, installation FROM kv_use AS u WHERE EXISTS (
           SELECT 1 FROM kv WHERE tenant = u.tenant AND installation = u.installation AND expires <= ?1)",
    )
    .and_then(|mut s| {
        s.query_map([now.0], |r| Ok(Owner { tenant: r.get(0)?, installation: r.get(1)? })).and_then(Iterator::collect)
    })
    .map_err(failed)
}

/// Disposes of at most so many rows that are over. Gives how many there were.
fn sweep(conn: &Connection, owner: &Owner, now: Timestamp, most: u64) -> Outcome<u64> {
    let sizes: Vec<u64> = conn
        .prepare_cached(
            "DELETE FROM kv WHERE tenant = ?1 AND installation = ?2 AND (bucket, key) IN (
               SELECT bucket, key FROM kv WHERE tenant = ?1 AND installation = ?2 AND expires <= ?3 LIMIT ?4)
             RETURNING length(CAST(key AS BLOB)) + length(value)",
        )
        .and_then(|mut s| {
            s.query_map(params![owner.tenant, owner.installation, now.0, most], |r| r.get(0))
                .and_then(Iterator::collect)
        })
        .map_err(failed)?;
    if !sizes.is_empty() {
        set_used(conn, owner, used(conn, owner)?.saturating_sub(sizes.iter().sum()))?;
    }
    Ok(sizes.len() as u64)
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

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Yes,
    /// Another value is there than was expected.
    Other,
    /// The quota would be passed.
    Full,
    /// The quota would be passed, and there may be more rows to dispose of: try again.
    NotSwept,
}

fn value(conn: &Connection, owner: &Owner, bucket: &str, key: &str, now: Timestamp) -> Outcome<Option<Vec<u8>>> {
    conn.prepare_cached(
        "SELECT value FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4
         AND (expires IS NULL OR expires > ?5)",
    )
    .and_then(|mut s| {
        s.query_row(params![owner.tenant, owner.installation, bucket, key, now.0], |r| r.get(0)).optional()
    })
    .map_err(failed)
}

fn is_as_expected(conn: &Connection, owner: &Owner, act: &KvSet, now: Timestamp) -> Outcome<bool> {
    let there = || value(conn, owner, &act.bucket, &act.key, now);
    Ok(match &act.expected {
        Expected::Anything => true,
        Expected::Nothing => there()?.is_none(),
        Expected::Value(expected) => there()?.as_ref() == Some(expected),
    })
}

fn set(conn: &Connection, owner: &Owner, act: &KvSet, now: Timestamp) -> Outcome<Wrote> {
    let swept = sweep(conn, owner, now, BATCH)?;
    if !is_as_expected(conn, owner, act, now)? {
        return Ok(Wrote::Other);
    }
    let before = size_of(conn, owner, &act.bucket, &act.key)?.unwrap_or(0);
    let after = (act.key.len() + act.value.len()) as u64;
    let total = used(conn, owner)?.saturating_sub(before) + after;
    if total > act.quota {
        return Ok(if swept < BATCH { Wrote::Full } else { Wrote::NotSwept });
    }
    let expires = act.ttl.map(|seconds| now.plus(Duration::from_secs(seconds)).0);
    conn.prepare_cached(
        "INSERT INTO kv (tenant, installation, bucket, key, value, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant, installation, bucket, key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
    )
    .and_then(|mut s| s.execute(params![owner.tenant, owner.installation, act.bucket, act.key, act.value, expires]))
    .map_err(failed)?;
    set_used(conn, owner, total)?;
    Ok(Wrote::Yes)
}

fn delete(conn: &Connection, owner: &Owner, act: &KvDelete, now: Timestamp) -> Outcome<()> {
    sweep(conn, owner, now, BATCH)?;
    let Some(freed) = size_of(conn, owner, &act.bucket, &act.key)? else { return Ok(()) };
    conn.prepare_cached("DELETE FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3 AND key = ?4")
        .and_then(|mut s| s.execute(params![owner.tenant, owner.installation, act.bucket, act.key]))
        .map_err(failed)?;
    set_used(conn, owner, used(conn, owner)?.saturating_sub(freed))
}

fn list(conn: &Connection, owner: &Owner, act: &KvList, now: Timestamp) -> Outcome<Vec<String>> {
    let after = act.after.as_deref().unwrap_or_default();
    conn.prepare_cached(
        "SELECT key FROM kv WHERE tenant = ?1 AND installation = ?2 AND bucket = ?3
         AND key > ?4 AND key >= ?5 AND substr(key, 1, length(?5)) = ?5
         AND (expires IS NULL OR expires > ?6) ORDER BY key LIMIT 100",
    )
    .and_then(|mut s| {
        s.query_map(params![owner.tenant, owner.installation, act.bucket, after, act.prefix, now.0], |r| r.get(0))
            .and_then(Iterator::collect)
    })
    .map_err(failed)
}

#[async_trait]
impl KvStore for KvRows {
    async fn get(&self, act: Spent<KvGet>) -> Result<Option<Vec<u8>>, ServiceError> {
        let (owner, now) = (Owner::of(&act), self.clock.now());
        let act = act.into_act();
        Ok(self.db.read(move |conn| value(conn, &owner, &act.bucket, &act.key, now)).await?)
    }

    async fn set(&self, act: Spent<KvSet>) -> Result<(), ServiceError> {
        let (owner, now) = (Arc::new(Owner::of(&act)), self.clock.now());
        let tenant = act.call().tenant.clone();
        let act = Arc::new(act.into_act());
        loop {
            let (owner, this) = (owner.clone(), act.clone());
            match self.db.write_of(Some(tenant.clone()), move |conn| set(conn, &owner, &this, now)).await? {
                Wrote::Yes => return Ok(()),
                Wrote::Other => return Err(ServiceError::Conflict),
                Wrote::Full => return Err(ServiceError::limited("kv-bytes", act.quota)),
                Wrote::NotSwept => {}
            }
        }
    }

    async fn delete(&self, act: Spent<KvDelete>) -> Result<(), ServiceError> {
        let (owner, now) = (Owner::of(&act), self.clock.now());
        let tenant = act.call().tenant.clone();
        let act = act.into_act();
        Ok(self.db.write_of(Some(tenant), move |conn| delete(conn, &owner, &act, now)).await?)
    }

    async fn list(&self, act: Spent<KvList>) -> Result<Vec<String>, ServiceError> {
        let (owner, now) = (Owner::of(&act), self.clock.now());
        let act = act.into_act();
        Ok(self.db.read(move |conn| list(conn, &owner, &act, now)).await?)
    }
}

#[cfg(test)]
mod tests;
