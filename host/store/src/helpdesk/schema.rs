//! The help desk's tables, and how a connection to them is set up.
//!
//! Times are milliseconds since 1970; ids are numbers, as Zendesk's are, and text outside; tags, domain names and custom
//! fields are JSON texts. A ticket's description is its first comment's text and stands nowhere else, so covering the one
//! covers the other.
//!
//! Invariants: `PRAGMA user_version` is the number of migrations that ran; a migration that was released never changes.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

const BUSY: Duration = Duration::from_secs(5);

const MIGRATIONS: &[&str] = &["
    CREATE TABLE organizations (
        tenant TEXT NOT NULL,
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        domain_names TEXT NOT NULL,
        tags TEXT NOT NULL,
        organization_fields TEXT NOT NULL,
        PRIMARY KEY (tenant, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE users (
        tenant TEXT NOT NULL,
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        email TEXT,
        phone TEXT,
        role TEXT NOT NULL,
        organization_id INTEGER,
        tags TEXT NOT NULL,
        locale TEXT,
        time_zone TEXT,
        PRIMARY KEY (tenant, id),
        FOREIGN KEY (tenant, organization_id) REFERENCES organizations (tenant, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tickets (
        tenant TEXT NOT NULL,
        id INTEGER NOT NULL,
        subject TEXT NOT NULL,
        status TEXT NOT NULL,
        priority TEXT,
        type TEXT,
        requester_id INTEGER NOT NULL,
        assignee_id INTEGER,
        organization_id INTEGER,
        tags TEXT NOT NULL,
        custom_fields TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, id),
        FOREIGN KEY (tenant, requester_id) REFERENCES users (tenant, id),
        FOREIGN KEY (tenant, assignee_id) REFERENCES users (tenant, id),
        FOREIGN KEY (tenant, organization_id) REFERENCES organizations (tenant, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE comments (
        tenant TEXT NOT NULL,
        id INTEGER NOT NULL,
        ticket_id INTEGER NOT NULL,
        author_id TEXT NOT NULL,
        body TEXT NOT NULL,
        public INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        installation TEXT,
        idempotency_key TEXT,
        PRIMARY KEY (tenant, id),
        FOREIGN KEY (tenant, ticket_id) REFERENCES tickets (tenant, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX comments_of_ticket ON comments (tenant, ticket_id, id);
    CREATE UNIQUE INDEX comments_once ON comments (tenant, ticket_id, installation, idempotency_key)
        WHERE installation IS NOT NULL;
"];

/// Why the tables cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A later version of this program wrote the file.
    #[error("the help desk's tables have version {0}; this program knows versions up to {known}", known = MIGRATIONS.len())]
    TooNew(u32),
}

/// Sets what SQLite keeps for each connection.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)
}

/// Runs the migrations that have not run yet, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = MIGRATIONS.get(version as usize..).ok_or(MigrateError::TooNew(version))?;
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", version + missing.len() as u32)?;
    Ok(transaction.commit()?)
}
