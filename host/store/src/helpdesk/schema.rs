//! The help desk's tables, and how a connection to them is set up.
//!
//! Times are milliseconds since 1970; ids are numbers, as Zendesk's are, and text outside (a brand's is text here too);
//! tags, domain names and custom fields are JSON texts. A ticket's description is its first comment's text and stands
//! nowhere else, so covering the one covers the other. A file's bytes are in parts of equal size, so that reading a
//! stretch of it does not load the whole.
//!
//! Invariants: `PRAGMA user_version` is the number of migrations that ran; a migration that was released never changes;
//! deleting a comment deletes its files.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::keys;

const BUSY: Duration = Duration::from_secs(5);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// What one step does: statements, then what SQL alone cannot.
struct Migration {
    sql: &'static str,
    then: fn(&Connection) -> rusqlite::Result<()>,
}

const MIGRATIONS: &[Migration] =
    &[Migration { sql: RECORDS, then: |_| Ok(()) }, Migration { sql: BRANDS_AND_ATTACHMENTS, then: fill_keys }];

const RECORDS: &str = "
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
";

/// `retired_ids` has the highest id of what was deleted, so that no id ever names a second record.
const BRANDS_AND_ATTACHMENTS: &str = "
    ALTER TABLE tickets ADD COLUMN brand_id TEXT;
    CREATE INDEX tickets_by_change ON tickets (tenant, updated_at, id);

    ALTER TABLE users ADD COLUMN email_key TEXT;
    ALTER TABLE users ADD COLUMN phone_key TEXT;
    CREATE INDEX users_by_email ON users (tenant, email_key) WHERE email_key IS NOT NULL;
    CREATE INDEX users_by_phone ON users (tenant, phone_key) WHERE phone_key IS NOT NULL;
    CREATE INDEX users_of_organization ON users (tenant, organization_id);

    DROP INDEX comments_of_ticket;
    CREATE UNIQUE INDEX comments_of_ticket ON comments (tenant, ticket_id, id);

    CREATE TABLE attachments (
        tenant TEXT NOT NULL,
        id INTEGER NOT NULL,
        ticket_id INTEGER NOT NULL,
        comment_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        content_type TEXT NOT NULL,
        size INTEGER NOT NULL,
        scan TEXT NOT NULL,
        PRIMARY KEY (tenant, id),
        FOREIGN KEY (tenant, ticket_id, comment_id) REFERENCES comments (tenant, ticket_id, id) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attachments_of_ticket ON attachments (tenant, ticket_id, id);
    CREATE INDEX attachments_of_comment ON attachments (tenant, ticket_id, comment_id);

    CREATE TABLE attachment_parts (
        tenant TEXT NOT NULL,
        attachment_id INTEGER NOT NULL,
        part INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (tenant, attachment_id, part),
        FOREIGN KEY (tenant, attachment_id) REFERENCES attachments (tenant, id) ON DELETE CASCADE
    ) STRICT;

    CREATE TABLE retired_ids (
        tenant TEXT NOT NULL,
        kind TEXT NOT NULL,
        id INTEGER NOT NULL,
        PRIMARY KEY (tenant, kind)
    ) STRICT, WITHOUT ROWID;
";

/// The keys of the people who were there before the columns.
fn fill_keys(db: &Connection) -> rusqlite::Result<()> {
    type Row = (String, i64, Option<String>, Option<String>);
    let mut select = db.prepare("SELECT tenant, id, email, phone FROM users")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut update = db.prepare("UPDATE users SET email_key = ?, phone_key = ? WHERE tenant = ? AND id = ?")?;
    for (tenant, id, email, phone) in rows.collect::<rusqlite::Result<Vec<Row>>>()? {
        let keys = (email.and_then(|email| keys::folded(&email)), phone.and_then(|phone| keys::digits(&phone)));
        update.execute(params![keys.0, keys.1, tenant, id])?;
    }
    Ok(())
}

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
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
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
        transaction.execute_batch(migration.sql)?;
        (migration.then)(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", version + missing.len() as u32)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_a_first_version_get_their_keys() {
        let mut db = Connection::open_in_memory().unwrap();
        configure(&db).unwrap();
        db.execute_batch(RECORDS).unwrap();
        db.execute_batch(
            "INSERT INTO users (tenant, id, name, email, phone, role, tags)
             VALUES ('acme', 7, 'J', 'JÜRGEN@x.example', '+49 (30) 23-5', 'agent', '[]'), ('acme', 8, 'K', NULL, 'none', 'agent', '[]');
             PRAGMA user_version = 1;",
        )
        .unwrap();
        migrate(&mut db).unwrap();
        let keys = |id: i64| -> (Option<String>, Option<String>) {
            let sql = "SELECT email_key, phone_key FROM users WHERE tenant = 'acme' AND id = ?";
            db.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        assert_eq!(keys(7), (Some("jürgen@x.example".into()), Some("4930235".into())));
        assert_eq!(keys(8), (None, None));
    }
}
