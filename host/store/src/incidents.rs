//! Incidents, and what their containments hold.
//!
//! Invariants: a containment suspends all that its subject reaches, freezes, and is written down, in one transaction; as long as it
//! holds nothing of its subject is stored as active; what is changed was changed by nobody else since it was read.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{IncidentId, InstallationId},
    incident::{ChangeError, Contained, HeldBy, Incident, IncidentStore, Measures, Reach, Subject},
    installation::{Installation, InstallationState},
};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::{
    SqliteStore,
    audit::{append, append_all, append_one},
    db::{Outcome, Writing, corrupt, failed},
    freezes, installations,
    operations::{self, Announcement},
};

/// What a containment keeps from running.
#[derive(Serialize, Deserialize)]
struct Held {
    subject: Subject,
    holders: Vec<InstallationId>,
}

/// What keeps an installation from running.
pub(crate) fn held_by(conn: &Connection, installation: &Installation) -> Outcome<Option<HeldBy>> {
    let mut query = conn.prepare_cached("SELECT incident, body FROM incident_holds").map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let (id, body): (String, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let held: Held = serde_json::from_str(&body).map_err(corrupt)?;
        if held.subject.reaches(installation, &held.holders) {
            return Ok(Some(HeldBy { incident: id.parse().map_err(corrupt)? }));
        }
    }
    Ok(None)
}

fn find(conn: &Connection, id: &IncidentId) -> Outcome<Option<Incident>> {
    let mut query = conn.prepare_cached("SELECT body FROM incidents WHERE id = ?1").map_err(failed)?;
    let body: Option<String> = query.query_row([id.as_str()], |row| row.get(0)).optional().map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

fn ids(conn: &Connection, query: &str) -> Outcome<Vec<IncidentId>> {
    let mut query = conn.prepare_cached(query).map_err(failed)?;
    let ids: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    ids.iter().map(|id| id.parse().map_err(corrupt)).collect()
}

/// Whether the stored one is the one that this was made from.
fn expect(conn: &Connection, incident: &Incident) -> Outcome<Result<(), ChangeError>> {
    Ok(match find(conn, &incident.id)? {
        None => Err(ChangeError::Unknown(incident.id.clone())),
        Some(stored) if stored.revision != incident.revision => Err(ChangeError::Conflict(incident.id.clone())),
        Some(_) => Ok(()),
    })
}

/// Writes it under its next revision.
fn put(conn: &Connection, mut incident: Incident) -> Outcome<Incident> {
    incident.revision += 1;
    let held = incident.containment.as_ref().filter(|containment| containment.holds());
    let unreached = held.is_some_and(|held| held.reach.is_none_or(|reach| reach.calls_left > 0));
    let body = serde_json::to_string(&incident).map_err(corrupt)?;
    conn.execute(
        "UPDATE incidents SET revision = ?2, unreached = ?3, body = ?4 WHERE id = ?1",
        params![incident.id.as_str(), incident.revision, unreached, body],
    )
    .map_err(failed)?;
    Ok(incident)
}

fn contain(conn: &Writing, mut incident: Incident, measures: &Measures) -> Outcome<Contained> {
    let mut containment =
        incident.containment.take().ok_or_else(|| StoreError("an incident without a containment".into()))?;
    let reaches = |one: &Installation| !one.is_gone() && incident.subject.reaches(one, &containment.holders);
    let reached = installations::all(conn)?.into_iter().filter(reaches);
    let (active, already): (Vec<_>, Vec<_>) = reached.partition(|one| one.state == InstallationState::Active);
    (containment.suspended, containment.already) = (active.len() as u64, already.len() as u64);
    let entry = measures.contained.clone().with("suspended", containment.suspended);
    containment.log_index = append_one(conn, &entry.with("suspended-before", containment.already))?;
    let mut suspended = Vec::with_capacity(active.len());
    for one in active {
        suspended.push(one.id.clone());
        suspend(conn, one, measures)?;
    }
    for freeze in &measures.freezes {
        let number = freezes::add(conn, freeze)?;
        let extent = freeze.extent.to_string();
        append(conn, &measures.frozen.clone().with("freeze", number).with("extent", extent))?;
        containment.freezes.push((number, freeze.extent.clone()));
    }
    let held = Held { subject: incident.subject.clone(), holders: containment.holders.clone() };
    let body = serde_json::to_string(&held).map_err(corrupt)?;
    conn.execute("INSERT OR REPLACE INTO incident_holds VALUES (?1, ?2)", params![incident.id.as_str(), body])
        .map_err(failed)?;
    incident.containment = Some(containment);
    Ok(Contained { incident: put(conn, incident)?, suspended })
}

fn suspend(conn: &Writing, old: Installation, measures: &Measures) -> Outcome<()> {
    let expected = old.generation;
    let state = InstallationState::Suspended { reason: measures.reason.clone(), by_platform: false };
    let new = Installation { state, generation: expected + 1, ..old };
    if !installations::put(conn, &new, Some(expected))? {
        return Err(StoreError(format!("installation {} changed within a transaction", new.id)));
    }
    let entry = Entry { tenant: Some(new.tenant.clone()), ..measures.suspended.clone() };
    let entry = entry
        .about(format!("installation:{}", new.id))
        .with("plugin", new.plugin.as_str())
        .with("version", new.version.as_str())
        .with("digest", new.release.to_string())
        .with("generation", new.generation)
        .with("reason", measures.reason.as_str());
    append(conn, &entry)
}

fn reached(conn: &Writing, id: &IncidentId, mut reach: Reach, entry: &Entry) -> Outcome<bool> {
    let Some(mut incident) = find(conn, id)? else { return Ok(false) };
    let Some(containment) = incident.containment.as_mut().filter(|one| one.holds()) else { return Ok(false) };
    if containment.reach.is_some_and(|before| before.calls_left == 0 || reach.calls_left > 0) {
        return Ok(false);
    }
    reach.log_index = append_one(conn, entry)?;
    containment.reach = Some(reach);
    put(conn, incident)?;
    Ok(true)
}

impl SqliteStore {
    /// Tells of an incident on the status page, and writes on it under which id, in one write.
    ///
    /// # Errors
    /// As [`IncidentStore::change_incident`]; a conflict, too, where something is told under the id already.
    pub async fn announce_incident(
        &self,
        incident: Incident,
        announcement: Announcement,
        entry: Entry,
    ) -> Result<(), ChangeError> {
        self.db
            .write(move |conn| {
                if let Err(error) = expect(conn, &incident)? {
                    return Ok(Err(error));
                }
                if !operations::announce(conn, &announcement, &entry)? {
                    return Ok(Err(ChangeError::Conflict(incident.id)));
                }
                put(conn, Incident { announced: Some(announcement.id), ..incident }).map(|_| Ok(()))
            })
            .await?
    }
}

#[async_trait]
impl IncidentStore for SqliteStore {
    async fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.db
            .read(|conn| {
                let mut query =
                    conn.prepare_cached("SELECT body FROM incidents ORDER BY number DESC").map_err(failed)?;
                let bodies: Vec<String> =
                    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
            })
            .await
    }

    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        let id = id.clone();
        self.db.read(move |conn| find(conn, &id)).await
    }

    async fn open_incident(&self, incident: Incident, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let body = serde_json::to_string(&incident).map_err(corrupt)?;
                let (id, revision) = (incident.id.as_str(), incident.revision);
                conn.execute(
                    "INSERT INTO incidents (id, revision, unreached, body) VALUES (?1, ?2, 0, ?3)",
                    params![id, revision, body],
                )
                .map_err(failed)?;
                append(conn, &entry)
            })
            .await
    }

    async fn change_incident(&self, incident: Incident, entries: Vec<Entry>) -> Result<Incident, ChangeError> {
        self.db
            .write(move |conn| match expect(conn, &incident)? {
                Err(error) => Ok(Err(error)),
                Ok(()) => {
                    append_all(conn, &entries)?;
                    put(conn, incident).map(Ok)
                }
            })
            .await?
    }

    async fn contain(&self, incident: Incident, measures: Measures) -> Result<Contained, ChangeError> {
        self.db
            .write(move |conn| match expect(conn, &incident)? {
                Err(error) => Ok(Err(error)),
                Ok(()) => contain(conn, incident, &measures).map(Ok),
            })
            .await?
    }

    async fn lift(&self, incident: Incident, entry: Entry, thawed: Entry) -> Result<Incident, ChangeError> {
        self.db
            .write(move |conn| {
                if let Err(error) = expect(conn, &incident)? {
                    return Ok(Err(error));
                }
                conn.execute("DELETE FROM incident_holds WHERE incident = ?1", [incident.id.as_str()])
                    .map_err(failed)?;
                append(conn, &entry)?;
                for (number, extent) in incident.containment.iter().flat_map(|containment| &containment.freezes) {
                    // One that somebody lifted before is in the log already.
                    if freezes::lift(conn, *number)? {
                        append(conn, &thawed.clone().with("freeze", *number).with("extent", extent.to_string()))?;
                    }
                }
                put(conn, incident).map(Ok)
            })
            .await?
    }

    async fn unreached(&self) -> Result<Vec<IncidentId>, StoreError> {
        self.db.read(|conn| ids(conn, "SELECT id FROM incidents WHERE unreached = 1 ORDER BY number")).await
    }

    async fn holding(&self) -> Result<Vec<IncidentId>, StoreError> {
        self.db.read(|conn| ids(conn, "SELECT incident FROM incident_holds ORDER BY incident")).await
    }

    async fn reached(&self, id: &IncidentId, reach: Reach, entry: Entry) -> Result<bool, StoreError> {
        let id = id.clone();
        self.db.write(move |conn| reached(conn, &id, reach, &entry)).await
    }
}

#[cfg(test)]
#[path = "incidents_test.rs"]
mod tests;
