//! A tenant that left is deleted: all rows that are its own, the keys that its secrets are under, and what lies beside its entries of the
//! log.
//!
//! Invariants: that it begins is on record, and from the same transaction on nothing is taken of the tenant any more and its id is not
//! given again; it ends in a transaction in which nothing of it was found, once what went is out of all files, and not before; each step can be done again, so that a
//! deletion that was cut off is done again from its beginning; what there may be much of goes in turns ([`turns`]), since all others'
//! changes wait for each transaction; a person who belongs to another tenant as well stays; bodies of entries
//! stay, which commit to what is gone.

mod turns;

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{Entry, Kind},
    id::{Digest, PersonId, TenantId},
    installation::Installation,
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::parts::PARTS;
use crate::{
    SqliteStore,
    audit::{append, append_one},
    db::{Outcome, Writing, corrupt, failed},
    erasure,
};

/// A deletion that is on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deletion {
    /// Of which tenant.
    pub tenant: TenantId,
    /// Since when.
    pub begun: Timestamp,
    /// The entry of the log that put it on record.
    pub entry: u64,
    /// What there was of it when it began: rows, by part.
    pub found: BTreeMap<String, u64>,
    /// When nothing of it was left; `None`: it is not done.
    pub ended: Option<Timestamp>,
    /// The digest of its certificate, once there is one.
    pub certificate: Option<Digest>,
}

/// What begins a deletion.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Of which tenant.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Its installations that are there, as they are to be: uninstalled. Each with the generation that is replaced and the entry about it.
    pub installations: Vec<(Installation, u64, Entry)>,
    /// What lies outside of this storage, by part.
    pub beside: BTreeMap<String, u64>,
    /// The entry about it.
    pub entry: Entry,
}

fn count(conn: &Connection, table: &str, tenant: &TenantId) -> Outcome<u64> {
    let sql = format!("SELECT count(*) FROM {table}");
    conn.query_row(&sql, [tenant.as_str()], |row| row.get(0)).map_err(failed)
}

/// How many values there are beside entries of the tenant, from this entry on.
fn count_values(conn: &Connection, tenant: &TenantId, from: u64) -> Outcome<u64> {
    let sql = format!("SELECT count(*) FROM {VALUES}");
    conn.query_row(&sql, params![tenant.as_str(), from], |row| row.get(0)).map_err(failed)
}

/// What there is of a tenant, by part. Parts that are empty are left out. `known`: values beside the log that were counted before, and up
/// to which entry.
fn found(conn: &Connection, tenant: &TenantId, known: (u64, u64)) -> Outcome<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for part in PARTS {
        let mut rows = 0;
        for table in part.rows {
            rows += count(conn, table, tenant)?;
        }
        if rows > 0 {
            all.insert(part.name.to_owned(), rows);
        }
    }
    let people = only_here(conn, tenant, None)?.len() as u64;
    let values = known.0 + count_values(conn, tenant, known.1)?;
    all.extend([("accounts", people), ("audit-values", values)].map(|(name, n)| (name.to_owned(), n)));
    all.retain(|_, n| *n > 0);
    Ok(all)
}

/// The values until now, and the entry up to which they were counted.
fn known_values(conn: &Connection, tenant: &TenantId) -> Outcome<(u64, u64)> {
    let tx = conn.unchecked_transaction().map_err(failed)?;
    let upto = tx.query_row("SELECT coalesce(max(idx) + 1, 0) FROM audit", [], |row| row.get(0)).map_err(failed)?;
    Ok((count_values(&tx, tenant, 0)?, upto))
}

/// Personal values beside entries of the tenant from an entry on, less those of the entry that says who had it deleted.
const VALUES: &str =
    "audit_openings o CROSS JOIN audit a ON a.idx = o.idx WHERE a.tenant = ?1 AND o.value IS NOT NULL AND o.idx >= ?2
  AND o.idx IS NOT (SELECT entry FROM tenant_deletions WHERE tenant = ?1)";

/// The people who belong to this tenant and to nothing else: all, or the first of them.
fn only_here(conn: &Connection, tenant: &TenantId, most: Option<usize>) -> Outcome<Vec<PersonId>> {
    let sql = "SELECT person FROM people_members one WHERE place = ?1
      AND NOT EXISTS (SELECT 1 FROM people_members WHERE person = one.person AND place <> ?1) ORDER BY person LIMIT ?2";
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let most = most.and_then(|most| i64::try_from(most).ok()).unwrap_or(-1);
    let ids: Vec<String> = query
        .query_map(params![tenant.as_str(), most], |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    ids.iter().map(|id| id.parse().map_err(corrupt)).collect()
}

fn deletion(row: &Row<'_>) -> Outcome<Deletion> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    let told: Option<String> = row.get(5).map_err(failed)?;
    Ok(Deletion {
        tenant: text(0)?.parse().map_err(corrupt)?,
        begun: Timestamp(row.get(1).map_err(failed)?),
        entry: row.get(2).map_err(failed)?,
        found: serde_json::from_str(&text(3)?).map_err(corrupt)?,
        ended: row.get::<_, Option<i64>>(4).map_err(failed)?.map(Timestamp),
        certificate: told.map(|digest| digest.parse().map_err(corrupt)).transpose()?,
    })
}

fn read(conn: &Connection, tenant: &TenantId) -> Outcome<Option<Deletion>> {
    let sql = "SELECT tenant, begun, entry, found, ended, told FROM tenant_deletions WHERE tenant = ?1";
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let mut rows = query.query([tenant.as_str()]).map_err(failed)?;
    rows.next().map_err(failed)?.map(deletion).transpose()
}

fn begin(conn: &Writing, leaving: &Leaving, known: (u64, u64)) -> Outcome<bool> {
    let tenant = &leaving.tenant;
    if read(conn, tenant)?.is_some() {
        return Ok(false);
    }
    let mut there = found(conn, tenant, known)?;
    there.extend(leaving.beside.clone());
    let index = append_one(conn, &leaving.entry.clone().with("found", serde_json::json!(there)))?;
    for (installation, expected, entry) in &leaving.installations {
        if erasure::uninstall(conn, installation, *expected, entry)?.is_none() {
            return Err(portcullis_model::error::StoreError(format!(
                "installation {} was changed by somebody else just now; nothing was deleted, try again",
                installation.id
            )));
        }
    }
    let left: u64 = conn
        .query_row(
            "SELECT count(*) FROM installations WHERE tenant = ?1
             AND coalesce(json_extract(body, '$.state'), '') NOT IN ('uninstalled', 'erased')",
            [tenant.as_str()],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if left > 0 {
        return Err(portcullis_model::error::StoreError(format!(
            "{left} installations of '{tenant}' are not uninstalled; nothing was deleted"
        )));
    }
    let found = serde_json::to_string(&there).map_err(corrupt)?;
    conn.execute(
        "INSERT INTO tenant_deletions (tenant, begun, entry, found) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.as_str(), leaving.at.0, index, found],
    )
    .map_err(failed)?;
    Ok(true)
}

/// Deletes the rows of one part that are left. One that is not begun is not touched.
fn delete(conn: &Writing, tenant: &TenantId, at: usize) -> Outcome<()> {
    let (Some(part), true) = (PARTS.get(at), read(conn, tenant)?.is_some()) else { return Ok(()) };
    let people = if part.name == "people" { only_here(conn, tenant, None)? } else { Vec::new() };
    if part.name == "installations" {
        // The revision of installations must never come back to what it was.
        conn.execute(
            "UPDATE tenant_deletions SET generations = generations + 1 +
               (SELECT coalesce(sum(generation), 0) FROM installations WHERE tenant = ?1) WHERE tenant = ?1",
            [tenant.as_str()],
        )
        .map_err(failed)?;
    }
    for table in part.rows {
        conn.execute(&format!("DELETE FROM {table}"), [tenant.as_str()]).map_err(failed)?;
    }
    for person in &people {
        for sql in [
            "DELETE FROM people_sessions WHERE person = ?1",
            "DELETE FROM people_factors WHERE person = ?1",
            "DELETE FROM people WHERE id = ?1",
        ] {
            conn.execute(sql, [person.as_str()]).map_err(failed)?;
        }
    }
    match part.name {
        // Whoever stays does not sign in through what was the tenant's.
        "people" => conn.execute(
            "UPDATE people SET subject_tenant = NULL, subject = NULL, body = json_set(body, '$.subject', NULL)
             WHERE subject_tenant = ?1",
            [tenant.as_str()],
        ),
        "risks" => conn.execute("UPDATE duty_revision SET value = value + 1", []),
        "freezes" => conn.execute("UPDATE freeze_revision SET value = value + 1", []),
        "roots" => conn.execute("UPDATE trust_revision SET value = value + 1", []),
        _ => Ok(0),
    }
    .map(drop)
    .map_err(failed)
}

fn end(conn: &Writing, tenant: &TenantId, erased: u64, at: Timestamp, entry: &Entry) -> Outcome<BTreeMap<String, u64>> {
    let left = found(conn, tenant, (0, erased))?;
    if left.is_empty() {
        let ended = "UPDATE tenant_deletions SET ended = ?2 WHERE tenant = ?1 AND ended IS NULL";
        if conn.execute(ended, params![tenant.as_str(), at.0]).map_err(failed)? == 1 {
            append(conn, entry)?;
        }
    }
    Ok(left)
}

impl SqliteStore {
    /// What there is of a tenant, by part.
    pub async fn found_of_tenant(&self, tenant: TenantId) -> Outcome<BTreeMap<String, u64>> {
        self.db
            .read(move |conn| {
                let tx = conn.unchecked_transaction().map_err(failed)?;
                found(&tx, &tenant, (0, 0))
            })
            .await
    }

    /// The deletion of a tenant, where one is on record.
    pub async fn deletion(&self, tenant: TenantId) -> Outcome<Option<Deletion>> {
        self.db.read(move |conn| read(conn, &tenant)).await
    }

    /// The deletions that are not done.
    pub async fn deletions_under_way(&self) -> Outcome<Vec<Deletion>> {
        self.db
            .read(|conn| {
                let sql = "SELECT tenant, begun, entry, found, ended, told FROM tenant_deletions WHERE ended IS NULL ORDER BY begun";
                let mut query = conn.prepare_cached(sql).map_err(failed)?;
                let mut rows = query.query([]).map_err(failed)?;
                let mut all = Vec::new();
                while let Some(row) = rows.next().map_err(failed)? {
                    all.push(deletion(row)?);
                }
                Ok(all)
            })
            .await
    }

    /// Puts a deletion on record, with its installations uninstalled, in one transaction. From then on nothing is taken of the tenant any
    /// more. False where one is on record already; an error where an installation is active that is not among these.
    pub async fn begin_deletion(&self, leaving: Leaving) -> Outcome<bool> {
        let whose = leaving.tenant.clone();
        // The log is long: what it has until now is counted before all others' changes wait.
        let known = self.db.read(move |conn| known_values(conn, &whose)).await?;
        self.db.write(move |conn| begin(conn, &leaving, known)).await
    }

    /// Deletes what there is of a tenant whose deletion is on record, a part after the other, and has it forgotten besides by `forget`:
    /// whoever follows the log. Then, where nothing is left, says so with this entry. Gives what is left, by part: nothing, where it is done.
    /// Can be done again after it was cut off.
    ///
    /// # Errors
    /// Storage; as `forget`. It is not done then.
    pub async fn delete_tenant(
        &self,
        tenant: &TenantId,
        at: Timestamp,
        entry: Entry,
        forget: impl Future<Output = Outcome<()>> + Send,
    ) -> Outcome<BTreeMap<String, u64>> {
        if self.deletion(tenant.clone()).await?.is_none() {
            return self.found_of_tenant(tenant.clone()).await;
        }
        // What was handed in until now is written first.
        self.db.write_of(Some(tenant.clone()), |_| Ok(())).await?;
        for (at, part) in PARTS.iter().enumerate() {
            self.delete_in_turns(tenant, part).await?;
            let whose = tenant.clone();
            self.db.write(move |conn| delete(conn, &whose, at)).await?;
        }
        let erased = Entry { kind: Kind::AuditErased, ..entry.clone() }.with("why", "its tenant was deleted");
        let upto = self.erase_in_turns(tenant, &erased).await?;
        // Before it is said to be done: nobody would do it after that.
        self.db.empty_wal().await?;
        forget.await?;
        let whose = tenant.clone();
        self.db.write(move |conn| end(conn, &whose, upto, at, &entry)).await
    }

    /// Keeps the digest of the certificate of a deletion that is done, with the entry about it. False where there is one.
    pub async fn certified_deletion(&self, tenant: TenantId, digest: Digest, entry: Entry) -> Outcome<()> {
        self.db
            .write(move |conn| {
                let sql = "UPDATE tenant_deletions SET told = ?2 WHERE tenant = ?1 AND ended IS NOT NULL";
                conn.execute(sql, params![tenant.as_str(), digest.to_string()]).map_err(failed)?;
                append(conn, &entry)
            })
            .await
    }

    /// Whether a tenant of this id was deleted, or is being.
    pub async fn was_deleted(&self, tenant: &TenantId) -> Outcome<bool> {
        let tenant = tenant.to_string();
        self.db
            .read(move |conn| {
                let mut query =
                    conn.prepare_cached("SELECT 1 FROM tenant_deletions WHERE tenant = ?1").map_err(failed)?;
                query.query_row([tenant], |_| Ok(())).optional().map(|row| row.is_some()).map_err(failed)
            })
            .await
    }
}

#[cfg(test)]
mod tests;
