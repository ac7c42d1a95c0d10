//! Profiles, attestations, accepted risks, and how postures stood.
//!
//! Invariants: whatever changes what a tenant's installations may do raises the revision, and the generation of each of those
//! installations, in the same transaction as its entry; a number is never given twice; a risk is approved once, and ends once.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    duty::{Approval, Attestation, DutyState, DutyStore, Ending, PostureLine, Risk, TurnedOn},
    error::StoreError,
    id::{ProfileName, TenantId},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, corrupt, failed},
    installations,
};

fn revision(conn: &Connection) -> Outcome<u64> {
    conn.prepare_cached("SELECT value FROM duty_revision")
        .and_then(|mut query| query.query_row([], |row| row.get(0)))
        .map_err(failed)
}

/// Something has changed; for this tenant, what its installations may do.
fn changed(conn: &Connection, tenant: Option<&TenantId>) -> Outcome<()> {
    conn.execute("UPDATE duty_revision SET value = value + 1", []).map_err(failed)?;
    match tenant {
        Some(tenant) => installations::touch(conn, |one| one.tenant == *tenant),
        None => Ok(()),
    }
}

fn bodies<T: DeserializeOwned>(conn: &Connection, query: &str) -> Outcome<Vec<T>> {
    let mut query = conn.prepare_cached(query).map_err(failed)?;
    let bodies: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

fn risk(conn: &Connection, number: u64) -> Outcome<Option<Risk>> {
    let mut query = conn.prepare_cached("SELECT body FROM duty_risks WHERE number = ?1").map_err(failed)?;
    let body: Option<String> = query.query_row([number], |row| row.get(0)).optional().map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

fn put_risk(conn: &Connection, risk: &Risk) -> Outcome<()> {
    let body = serde_json::to_string(risk).map_err(corrupt)?;
    conn.execute("UPDATE duty_risks SET body = ?2 WHERE number = ?1", params![risk.number, body]).map_err(failed)?;
    changed(conn, Some(risk.about.tenant()))
}

fn last_number(conn: &Connection) -> Outcome<u64> {
    u64::try_from(conn.last_insert_rowid()).map_err(corrupt)
}

fn attest(conn: &Connection, attestation: &Attestation) -> Outcome<u64> {
    let Attestation { duty, tenant, party, .. } = attestation;
    let whose = tenant.as_ref().map_or("", |tenant| tenant.as_str());
    let which = params![duty.as_str(), whose, party.name()];
    conn.execute("UPDATE duty_attestations SET latest = 0 WHERE duty = ?1 AND tenant = ?2 AND party = ?3", which)
        .map_err(failed)?;
    conn.execute(
        "INSERT INTO duty_attestations (duty, tenant, party, latest, lapsed, body) VALUES (?1, ?2, ?3, 1, 0, '')",
        which,
    )
    .map_err(failed)?;
    let number = last_number(conn)?;
    let body = serde_json::to_string(&Attestation { number, ..attestation.clone() }).map_err(corrupt)?;
    conn.execute("UPDATE duty_attestations SET body = ?2 WHERE number = ?1", params![number, body]).map_err(failed)?;
    changed(conn, None)?;
    Ok(number)
}

fn read_lines(conn: &Connection, tenant: &TenantId) -> Outcome<Vec<PostureLine>> {
    let mut query = conn
        .prepare_cached("SELECT line, state, since FROM duty_postures WHERE tenant = ?1 ORDER BY line")
        .map_err(failed)?;
    let line = |row: &rusqlite::Row<'_>| {
        Ok(PostureLine { key: row.get(0)?, state: row.get(1)?, since: Timestamp(row.get(2)?) })
    };
    query.query_map([tenant.as_str()], line).and_then(Iterator::collect).map_err(failed)
}

#[async_trait]
impl DutyStore for SqliteStore {
    async fn duty_revision(&self) -> Result<u64, StoreError> {
        self.db.read(revision).await
    }

    async fn duty_state(&self) -> Result<DutyState, StoreError> {
        self.db
            .read(|conn| {
                // One snapshot of all tables.
                let tx = conn.unchecked_transaction().map_err(failed)?;
                Ok(DutyState {
                    revision: revision(&tx)?,
                    profiles: bodies(&tx, "SELECT body FROM duty_profiles ORDER BY tenant, profile")?,
                    attestations: bodies(
                        &tx,
                        "SELECT body FROM duty_attestations WHERE latest = 1 AND lapsed = 0 ORDER BY number",
                    )?,
                    risks: bodies(&tx, "SELECT body FROM duty_risks ORDER BY number")?,
                })
            })
            .await
    }

    async fn turn_on(&self, on: TurnedOn, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let body = serde_json::to_string(&on).map_err(corrupt)?;
                let which = params![on.tenant.as_str(), on.profile.as_str(), body];
                let put = conn
                    .execute("INSERT INTO duty_profiles VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", which)
                    .map_err(failed)?;
                if put == 1 {
                    changed(conn, Some(&on.tenant))?;
                    append(conn, &entry)?;
                }
                Ok(put == 1)
            })
            .await
    }

    async fn turn_off(&self, tenant: TenantId, profile: ProfileName, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let which = params![tenant.as_str(), profile.as_str()];
                let gone = conn
                    .execute("DELETE FROM duty_profiles WHERE tenant = ?1 AND profile = ?2", which)
                    .map_err(failed)?;
                if gone == 1 {
                    changed(conn, Some(&tenant))?;
                    append(conn, &entry)?;
                }
                Ok(gone == 1)
            })
            .await
    }

    async fn attest(&self, attestation: Attestation, entry: Entry) -> Result<u64, StoreError> {
        self.db
            .write(move |conn| {
                let number = attest(conn, &attestation)?;
                append(conn, &entry.with("attestation", number))?;
                Ok(number)
            })
            .await
    }

    async fn propose(&self, risk: Risk, entry: Entry) -> Result<u64, StoreError> {
        self.db
            .write(move |conn| {
                let tenant = risk.about.tenant();
                conn.execute("INSERT INTO duty_risks (tenant, body) VALUES (?1, '')", [tenant.as_str()])
                    .map_err(failed)?;
                let number = last_number(conn)?;
                let body = serde_json::to_string(&Risk { number, ..risk.clone() }).map_err(corrupt)?;
                conn.execute("UPDATE duty_risks SET body = ?2 WHERE number = ?1", params![number, body])
                    .map_err(failed)?;
                changed(conn, None)?;
                append(conn, &entry.with("risk", number))?;
                Ok(number)
            })
            .await
    }

    async fn approve(&self, number: u64, approval: Approval, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let waits = |one: &Risk| one.approved.is_none() && one.ended.is_none() && approval.at < one.until;
                let Some(found) = risk(conn, number)?.filter(waits) else { return Ok(false) };
                put_risk(conn, &Risk { approved: Some(approval.clone()), ..found })?;
                append(conn, &entry.with("risk", number))?;
                Ok(true)
            })
            .await
    }

    async fn end_risk(&self, number: u64, ending: Ending, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let Some(found) = risk(conn, number)?.filter(|one| one.ended.is_none()) else { return Ok(false) };
                put_risk(conn, &Risk { ended: Some(ending.clone()), ..found })?;
                append(conn, &entry.with("risk", number))?;
                Ok(true)
            })
            .await
    }

    async fn lapse_attestation(&self, number: u64, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let update = "UPDATE duty_attestations SET lapsed = 1 WHERE number = ?1 AND lapsed = 0 AND latest = 1";
                let lapsed = conn.execute(update, [number]).map_err(failed)? == 1;
                if lapsed {
                    changed(conn, None)?;
                    append(conn, &entry.with("attestation", number))?;
                }
                Ok(lapsed)
            })
            .await
    }

    async fn postures(&self, tenant: TenantId) -> Result<Vec<PostureLine>, StoreError> {
        self.db.read(move |conn| read_lines(conn, &tenant)).await
    }

    async fn put_postures(&self, tenant: TenantId, lines: Vec<(PostureLine, Option<Entry>)>) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                for (line, entry) in &lines {
                    conn.execute(
                        "INSERT INTO duty_postures VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (tenant, line) DO UPDATE SET state = excluded.state, since = excluded.since",
                        params![tenant.as_str(), line.key, line.state, line.since.0],
                    )
                    .map_err(failed)?;
                    if let Some(entry) = entry {
                        append(conn, entry)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests;
