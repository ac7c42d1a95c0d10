//! Rows about people: read, and put over the version that they replace.

use portcullis_model::{
    error::StoreError,
    id::PersonId,
    oauth::Put,
    people::{
        AccessSettings, Automation, BuiltIn, Factor, Invitation, Membership, Person, PersonState, Role, Session,
        SupportGrant,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Params, ToSql};
use serde::{Serialize, de::DeserializeOwned};

use super::{LOST, place};
use crate::db::{Outcome, Writing, corrupt, failed};

/// The one row that a query gives, which selects bodies.
pub(super) fn one<T: DeserializeOwned>(conn: &Connection, query: &str, params: impl Params) -> Outcome<Option<T>> {
    let mut query = conn.prepare_cached(query).map_err(failed)?;
    let body: Option<String> = query.query_row(params, |row| row.get(0)).optional().map_err(failed)?;
    body.map(|body| serde_json::from_str(&body).map_err(corrupt)).transpose()
}

/// All rows that a query gives, which selects bodies.
pub(super) fn all<T: DeserializeOwned>(conn: &Connection, query: &str, params: impl Params) -> Outcome<Vec<T>> {
    let mut query = conn.prepare_cached(query).map_err(failed)?;
    let bodies: Vec<String> = query.query_map(params, |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

/// Where a row goes.
struct Into<'a> {
    table: &'a str,
    key: &'a [(&'a str, &'a dyn ToSql)],
    rest: &'a [(&'a str, &'a dyn ToSql)],
}

/// Adds a row, or replaces the one of the same key where that is of the expected version.
fn put<T: Serialize>(conn: &Writing, into: &Into<'_>, put: &Put<T>, version: u64) -> Outcome<()> {
    let body = serde_json::to_string(&put.row).map_err(corrupt)?;
    let own: [(&str, &dyn ToSql); 2] = [("version", &version), ("body", &body)];
    let changed = match put.expected {
        None => {
            let columns: Vec<_> = into.key.iter().chain(into.rest).chain(&own).collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            let marks = vec!["?"; names.len()].join(", ");
            let sql = format!("INSERT OR IGNORE INTO {} ({}) VALUES ({marks})", into.table, names.join(", "));
            let values: Vec<&dyn ToSql> = columns.iter().map(|(_, value)| *value).collect();
            conn.prepare_cached(&sql).and_then(|mut statement| statement.execute(values.as_slice()))
        }
        Some(expected) => {
            let set: Vec<_> = into.rest.iter().chain(&own).collect();
            let sets: Vec<String> = set.iter().map(|(name, _)| format!("{name} = ?")).collect();
            let keys: Vec<String> = into.key.iter().map(|(name, _)| format!("{name} = ?")).collect();
            let sql = format!(
                "UPDATE OR IGNORE {} SET {} WHERE {} AND version = ?",
                into.table,
                sets.join(", "),
                keys.join(" AND ")
            );
            let mut values: Vec<&dyn ToSql> = set.iter().map(|(_, value)| *value).collect();
            values.extend(into.key.iter().map(|(_, value)| *value));
            values.push(&expected);
            conn.prepare_cached(&sql).and_then(|mut statement| statement.execute(values.as_slice()))
        }
    };
    if changed.map_err(failed)? == 1 { Ok(()) } else { Err(StoreError(LOST.into())) }
}

pub(super) fn person(conn: &Writing, row: &Put<Person>) -> Outcome<()> {
    let Person { id, email, subject, state, version, .. } = &row.row;
    let (tenant, subject) = match subject {
        Some((tenant, subject)) => (Some(tenant.as_str()), Some(subject.as_str())),
        None => (None, None),
    };
    let live = *state != PersonState::Removed;
    let rest: [(&str, &dyn ToSql); 4] =
        [("email", email), ("subject_tenant", &tenant), ("subject", &subject), ("live", &live)];
    put(conn, &Into { table: "people", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn membership(conn: &Writing, row: &Put<Membership>) -> Outcome<()> {
    let Membership { person, tenant, role, until, ended, version, .. } = &row.row;
    let (at, until, live) = (place(tenant.as_ref()), until.map(|at| at.0), ended.is_none());
    let key: [(&str, &dyn ToSql); 2] = [("person", &person.as_str()), ("place", &at)];
    let rest: [(&str, &dyn ToSql); 3] = [("role", &role.as_str()), ("until", &until), ("live", &live)];
    put(conn, &Into { table: "people_members", key: &key, rest: &rest }, row, *version)
}

pub(super) fn invitation(conn: &Writing, row: &Put<Invitation>) -> Outcome<()> {
    let Invitation { id, tenant, link, expires, ended, version, .. } = &row.row;
    let (at, link, live) = (place(tenant.as_ref()), link.hex(), ended.is_none());
    let rest: [(&str, &dyn ToSql); 4] = [("place", &at), ("link", &link), ("expires", &expires.0), ("live", &live)];
    put(conn, &Into { table: "people_invitations", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn factor(conn: &Writing, row: &Put<Factor>) -> Outcome<()> {
    let Factor { id, person, handle, ended, version, .. } = &row.row;
    let live = ended.is_none();
    let rest: [(&str, &dyn ToSql); 3] = [("person", &person.as_str()), ("handle", handle), ("live", &live)];
    put(conn, &Into { table: "people_factors", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn session(conn: &Writing, row: &Put<Session>) -> Outcome<()> {
    let Session { id, person, token, created, used, address, ended, version, .. } = &row.row;
    let (token, address, live) = (token.hex(), address.to_string(), ended.is_none());
    let rest: [(&str, &dyn ToSql); 6] = [
        ("person", &person.as_str()),
        ("token", &token),
        ("created", &created.0),
        ("used", &used.0),
        ("address", &address),
        ("live", &live),
    ];
    put(conn, &Into { table: "people_sessions", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn automation(conn: &Writing, row: &Put<Automation>) -> Outcome<()> {
    let Automation { id, tenant, name, ended, version, .. } = &row.row;
    let live = ended.is_none();
    let rest: [(&str, &dyn ToSql); 3] = [("tenant", &tenant.as_str()), ("name", name), ("live", &live)];
    put(conn, &Into { table: "automations", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn role(conn: &Writing, row: &Put<Role>) -> Outcome<()> {
    let Role { tenant, name, removed, version, .. } = &row.row;
    let (key, live): ([(&str, &dyn ToSql); 2], _) =
        ([("tenant", &tenant.as_str()), ("name", &name.as_str())], !removed);
    put(conn, &Into { table: "people_roles", key: &key, rest: &[("live", &live)] }, row, *version)
}

pub(super) fn support(conn: &Writing, row: &Put<SupportGrant>) -> Outcome<()> {
    let SupportGrant { id, tenant, until, ended, version, .. } = &row.row;
    let live = ended.is_none();
    let rest: [(&str, &dyn ToSql); 3] = [("tenant", &tenant.as_str()), ("until", &until.0), ("live", &live)];
    put(conn, &Into { table: "people_support", key: &[("id", &id.as_str())], rest: &rest }, row, *version)
}

pub(super) fn settings(conn: &Writing, at: &str, row: &Put<AccessSettings>) -> Outcome<()> {
    put(conn, &Into { table: "people_settings", key: &[("place", &at)], rest: &[] }, row, row.row.version)
}

/// Whether a place has an owner beside this person, for good, whose account is there.
pub(super) fn has_other_owner(conn: &Connection, at: &str, person: &PersonId) -> Outcome<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM people_members AS m JOIN people AS p ON p.id = m.person
                 WHERE m.place = ?1 AND m.person != ?2 AND m.role = ?3 AND m.live = 1 AND m.until IS NULL AND p.live = 1
                 AND json_extract(p.body, '$.state') = 'active')";
    conn.query_row(query, [at, person.as_str(), BuiltIn::Owner.name()], |row| row.get(0)).map_err(failed)
}

pub(super) fn people_of(conn: &Connection, at: &str, after: &str, most: usize) -> Outcome<Vec<(Person, Membership)>> {
    let mut query = conn
        .prepare_cached(
            "SELECT p.body, m.body FROM people_members AS m JOIN people AS p ON p.id = m.person
             WHERE m.place = ?1 AND m.person > ?2 ORDER BY m.person LIMIT ?3",
        )
        .map_err(failed)?;
    let rows = query
        .query_map(rusqlite::params![at, after, most], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let rows: Vec<(String, String)> = rows.and_then(Iterator::collect).map_err(failed)?;
    let read = |(person, member): &(String, String)| {
        Ok((serde_json::from_str(person).map_err(corrupt)?, serde_json::from_str(member).map_err(corrupt)?))
    };
    rows.iter().map(read).collect()
}

/// Sessions from new devices that nobody has said a word about, as this one is told of them.
pub(super) fn untold(conn: &Connection, to: &Session, most: usize) -> Outcome<Vec<Session>> {
    let which = "person = ?1 AND body ->> '$.device.new' AND body ->> '$.device.acknowledged' IS NULL
        AND body ->> '$.device.id' <> ?2 AND created > coalesce(
            (SELECT min(created) FROM people_sessions WHERE person = ?1 AND body ->> '$.device.id' = ?2), ?3)
        ORDER BY created, id LIMIT ?4";
    let device = serde_json::to_value(to.device.id).map_err(corrupt)?;
    sessions(conn, which, rusqlite::params![to.person.as_str(), device.as_str(), to.created.0, most])
}

/// Sessions, as of their last use.
pub(super) fn sessions(conn: &Connection, which: &str, params: impl Params) -> Outcome<Vec<Session>> {
    let sql = format!("SELECT body, used, address FROM people_sessions WHERE {which}");
    let mut query = conn.prepare_cached(&sql).map_err(failed)?;
    let rows =
        query.query_map(params, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)));
    let rows: Vec<(String, i64, String)> = rows.and_then(Iterator::collect).map_err(failed)?;
    let read = |(body, used, address): &(String, i64, String)| {
        let session: Session = serde_json::from_str(body).map_err(corrupt)?;
        let address = address.parse().map_err(corrupt)?;
        Ok(Session { used: Timestamp(*used), address, ..session })
    };
    rows.iter().map(read).collect()
}
