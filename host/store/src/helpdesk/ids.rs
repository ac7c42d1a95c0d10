//! Records' numbers: reading them in ids, and giving out new ones.
//!
//! Invariant: a number that a record of a tenant had is never given to another of the same kind, deleted or not.

use portcullis_model::{error::ServiceError, id::TenantId};
use rusqlite::{Connection, params};

use super::Failure;

/// What is numbered: its table, and the number before the first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Tickets,
    Comments,
    Attachments,
}

impl Kind {
    fn table(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Comments => "comments",
            Self::Attachments => "attachments",
        }
    }

    fn before_first(self) -> i64 {
        match self {
            Self::Tickets => 1_000,
            Self::Comments | Self::Attachments => 0,
        }
    }
}

/// The number in an id. Text that is not the one way of writing a positive number is no record's id.
pub(super) fn number(id: &str) -> Result<i64, ServiceError> {
    let parsed = id.parse::<i64>().ok().filter(|number| *number > 0 && number.to_string() == id);
    parsed.ok_or(ServiceError::NotFound)
}

/// The number after which a list goes on; 0 at its beginning. `Invalid` for what is no id at all.
pub(super) fn after(id: Option<&str>) -> Result<i64, ServiceError> {
    id.map_or(Ok(0), |id| number(id).map_err(|_| ServiceError::Invalid("after: the id of the last one seen".into())))
}

/// A number that no record of this kind ever had.
pub(super) fn next(db: &Connection, tenant: &TenantId, kind: Kind) -> Result<i64, Failure> {
    let table = kind.table();
    let sql = format!(
        "SELECT 1 + max(?2, coalesce((SELECT max(id) FROM {table} WHERE tenant = ?1), 0),
            coalesce((SELECT id FROM retired_ids WHERE tenant = ?1 AND kind = '{table}'), 0))"
    );
    Ok(db.prepare_cached(&sql)?.query_row(params![tenant.as_str(), kind.before_first()], |row| row.get(0))?)
}

/// Keeps in mind that these numbers were given: to be called before all records of a ticket's go.
pub(super) fn retire_of_ticket(db: &Connection, tenant: &TenantId, ticket: i64) -> Result<(), Failure> {
    for (kind, column) in [(Kind::Tickets, "id"), (Kind::Comments, "ticket_id"), (Kind::Attachments, "ticket_id")] {
        let table = kind.table();
        let sql = format!(
            "INSERT INTO retired_ids (tenant, kind, id)
            SELECT tenant, '{table}', max(id) FROM {table} WHERE tenant = ? AND {column} = ? GROUP BY tenant
            ON CONFLICT DO UPDATE SET id = max(id, excluded.id)"
        );
        db.prepare_cached(&sql)?.execute(params![tenant.as_str(), ticket])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_way_of_writing_an_id() {
        assert_eq!(number("1042"), Ok(1042));
        for bad in ["", "0", "-1", "+7", "007", " 7", "7 ", "1e3", "99999999999999999999", "x"] {
            assert_eq!(number(bad), Err(ServiceError::NotFound), "{bad:?}");
        }
    }
}
