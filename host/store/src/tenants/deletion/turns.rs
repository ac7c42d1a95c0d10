//! The bulk of a deletion, in turns: what is to go is looked up by readers, and goes by its keys, so much in one transaction, so that
//! nobody else's changes wait for long.
//!
//! Invariants: a turn deletes nothing before the deletion is on record, and nothing that is not the tenant's by then; rows go before
//! those that they refer to, and a person with their memberships; what a turn has deleted stays so when the next is cut off; what no turn
//! has seen is left to the step after it, which takes the whole part.

use portcullis_model::{audit::Entry, id::TenantId};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{VALUES, only_here, read};
use crate::{
    SqliteStore,
    audit::erase_found,
    db::{Outcome, Writing, failed},
    tenants::parts::Part,
};

/// How many rows go in one transaction.
pub(super) const AT_ONCE: usize = 2_000;

/// Parts that go whole: the sum of what goes of them is kept, and they are few.
const WHOLE: &[&str] = &["installations"];

/// What a row is found by.
type Key = Vec<Value>;

/// A table, and which of its rows are a tenant's.
#[derive(Clone)]
struct Table {
    name: &'static str,
    of_tenant: &'static str,
    /// The columns of its key, as SQL has a list of them.
    key: String,
    columns: usize,
}

impl Table {
    fn read(conn: &Connection, rows: &'static str) -> Outcome<Self> {
        let (name, of_tenant) = rows.split_once(" WHERE ").unwrap_or((rows, "0"));
        let sql =
            "SELECT i.name FROM pragma_table_list(?1) l, pragma_table_info(?1) i WHERE l.wr AND i.pk > 0 ORDER BY i.pk";
        let mut query = conn.prepare_cached(sql).map_err(failed)?;
        let mut columns: Vec<String> =
            query.query_map([name], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
        if columns.is_empty() {
            columns.push("rowid".to_owned());
        }
        Ok(Self { name, of_tenant, columns: columns.len(), key: columns.join(", ") })
    }

    /// The parameters of a key, after the tenant's.
    fn marks(&self) -> String {
        let marks: Vec<String> = (0..self.columns).map(|at| format!("?{}", at + 2)).collect();
        marks.join(", ")
    }

    /// Keys of the tenant's rows, in order, after this one.
    fn keys(&self, conn: &Connection, tenant: &TenantId, after: Option<Key>) -> Outcome<Vec<Key>> {
        let Self { name, of_tenant, key, columns } = self;
        let from = if after.is_some() { format!("AND ({key}) > ({})", self.marks()) } else { String::new() };
        let sql = format!("SELECT {key} FROM {name} WHERE ({of_tenant}) {from} ORDER BY {key} LIMIT {AT_ONCE}");
        let found = |row: &rusqlite::Row<'_>| (0..*columns).map(|at| row.get(at)).collect();
        conn.prepare_cached(&sql)
            .and_then(|mut query| query.query_map(params_from_iter(with(tenant, after)), found)?.collect())
            .map_err(failed)
    }

    /// Deletes the rows of these keys that are the tenant's.
    fn delete(&self, conn: &Writing, tenant: &TenantId, keys: Vec<Key>) -> Outcome<()> {
        let Self { name, of_tenant, key, .. } = self;
        let sql = format!("DELETE FROM {name} WHERE ({key}) = ({}) AND ({of_tenant})", self.marks());
        each(conn, &sql, tenant, keys)
    }

    /// Deletes some of the tenant's rows, whatever their keys, and says how many: for those that are found by other tables' rows.
    fn some(&self, conn: &Writing, tenant: &TenantId) -> Outcome<usize> {
        let Self { name, of_tenant, key, .. } = self;
        let some = format!("SELECT {key} FROM {name} WHERE {of_tenant} LIMIT {AT_ONCE}");
        conn.execute(&format!("DELETE FROM {name} WHERE ({key}) IN ({some})"), [tenant.as_str()]).map_err(failed)
    }
}

fn with(tenant: &TenantId, key: Option<Key>) -> impl Iterator<Item = Value> {
    std::iter::once(Value::Text(tenant.to_string())).chain(key.into_iter().flatten())
}

/// Does this once for each key, where the tenant's deletion is on record.
fn each(conn: &Writing, sql: &str, tenant: &TenantId, keys: Vec<Key>) -> Outcome<()> {
    if read(conn, tenant)?.is_none() {
        return Ok(());
    }
    let mut change = conn.prepare_cached(sql).map_err(failed)?;
    for key in keys {
        change.execute(params_from_iter(with(tenant, Some(key)))).map_err(failed)?;
    }
    Ok(())
}

/// Deletes some of the people who belong to this tenant alone, and says how many.
fn forget(conn: &Writing, tenant: &TenantId) -> Outcome<usize> {
    if read(conn, tenant)?.is_none() {
        return Ok(0);
    }
    let people = only_here(conn, tenant, Some(AT_ONCE))?;
    for person in &people {
        for sql in [
            "DELETE FROM people_members WHERE person = ?1",
            "DELETE FROM people_sessions WHERE person = ?1",
            "DELETE FROM people_factors WHERE person = ?1",
            "DELETE FROM people WHERE id = ?1",
        ] {
            conn.prepare_cached(sql).and_then(|mut change| change.execute([person.as_str()])).map_err(failed)?;
        }
    }
    Ok(people.len())
}

/// Where the log ends, and values beside entries of the tenant: the first ones from this entry on.
fn values(conn: &Connection, tenant: &TenantId, from: u64) -> Outcome<(u64, Vec<(u64, String)>)> {
    let tx = conn.unchecked_transaction().map_err(failed)?;
    let end = tx.query_row("SELECT coalesce(max(idx) + 1, 0) FROM audit", [], |row| row.get(0)).map_err(failed)?;
    let sql = format!("SELECT o.idx, o.field FROM {VALUES} ORDER BY o.idx, o.field LIMIT {AT_ONCE}");
    let found = tx
        .prepare_cached(&sql)
        .and_then(|mut query| query.query_map((tenant.as_str(), from), |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(failed)?;
    Ok((end, found))
}

/// Erases those of these values that are there still.
fn erase(conn: &Writing, tenant: &TenantId, found: Vec<(u64, String)>, entry: &Entry) -> Outcome<()> {
    if read(conn, tenant)?.is_none() {
        return Ok(());
    }
    let sql = "SELECT 1 FROM audit_openings WHERE idx = ?1 AND field = ?2 AND value IS NOT NULL";
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let mut still = Vec::new();
    for one in found {
        if query.exists((one.0, &one.1)).map_err(failed)? {
            still.push(one);
        }
    }
    if still.is_empty() { Ok(()) } else { erase_found(conn, &still, entry).map(drop) }
}

impl SqliteStore {
    /// Deletes the rows of a part, so many in each transaction.
    pub(super) async fn delete_in_turns(&self, tenant: &TenantId, part: &'static Part) -> Outcome<()> {
        match part.name {
            name if WHOLE.contains(&name) => return Ok(()),
            "people" => return self.forget_in_turns(tenant).await,
            "deliveries" => self.delete_deliveries(tenant).await?,
            _ => {}
        }
        for rows in part.rows {
            let table = self.db.read(|conn| Table::read(conn, rows)).await?;
            match rows.contains("SELECT") {
                true => self.delete_some(tenant, &table).await?,
                false => self.delete_by_key(tenant, &table).await?,
            }
        }
        Ok(())
    }

    async fn delete_by_key(&self, tenant: &TenantId, table: &Table) -> Outcome<()> {
        let mut after = None;
        loop {
            let (whose, of, from) = (tenant.clone(), table.clone(), after);
            let keys = self.db.read(move |conn| of.keys(conn, &whose, from)).await?;
            let Some(last) = keys.last().cloned() else { return Ok(()) };
            let (whose, of) = (tenant.clone(), table.clone());
            self.db.write(move |conn| of.delete(conn, &whose, keys)).await?;
            after = Some(last);
        }
    }

    /// By the events that they are of: those are many, too, and each turn would look at all of them.
    async fn delete_deliveries(&self, tenant: &TenantId) -> Outcome<()> {
        let sql = "DELETE FROM deliveries WHERE event = ?2 AND EXISTS (SELECT 1 FROM events WHERE number = ?2 AND tenant = ?1)";
        let (events, mut after) = (self.db.read(|conn| Table::read(conn, "events WHERE tenant = ?1")).await?, None);
        loop {
            let (whose, of, from) = (tenant.clone(), events.clone(), after);
            let keys = self.db.read(move |conn| of.keys(conn, &whose, from)).await?;
            let Some(last) = keys.last().cloned() else { return Ok(()) };
            let whose = tenant.clone();
            self.db.write(move |conn| each(conn, sql, &whose, keys)).await?;
            after = Some(last);
        }
    }

    async fn delete_some(&self, tenant: &TenantId, table: &Table) -> Outcome<()> {
        loop {
            let (whose, of) = (tenant.clone(), table.clone());
            let some = move |conn: &Writing| if read(conn, &whose)?.is_some() { of.some(conn, &whose) } else { Ok(0) };
            if self.db.write(some).await? < AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn forget_in_turns(&self, tenant: &TenantId) -> Outcome<()> {
        loop {
            let whose = tenant.clone();
            if self.db.write(move |conn| forget(conn, &whose)).await? < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Erases the values beside the tenant's entries. Gives the entry from which on there may be new ones.
    pub(super) async fn erase_in_turns(&self, tenant: &TenantId, entry: &Entry) -> Outcome<u64> {
        let mut from = 0;
        loop {
            let whose = tenant.clone();
            let (end, found) = self.db.read(move |conn| values(conn, &whose, from)).await?;
            let Some((last, _)) = found.last() else { return Ok(end) };
            // Other fields of the same entry may be left.
            from = *last;
            let (whose, entry) = (tenant.clone(), entry.clone());
            self.db.write(move |conn| erase(conn, &whose, found, &entry)).await?;
        }
    }
}
