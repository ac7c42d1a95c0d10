//! The embedded help desk: tickets, comments, files, people and organizations of all tenants in a SQLite database of its
//! own. It stands behind the same port as a remote help desk, so that plugins can be built, shown and tested without one.
//!
//! - plugins' acts: [`model::helpdesk::HelpDesk`](portcullis_model::helpdesk::HelpDesk), each with a spent permit;
//! - the product's own acts, which no plugin can reach: `create_ticket`, `customer_comments`, `add_attachment`,
//!   `mark_scanned`, `ticket_row`, `comments_of`, `counts`, and `seed`.
//!
//! What is ABSENT here: decisions about who may do what, narrowing by data class, masks and tokens, events, malware scans.
//! Those are the caller's.
//!
//! Invariants:
//! - every statement on records has `tenant = ?`, and the tenant comes from the spent permit's call;
//! - what an act is within is a condition of the statement that finds the record, in the transaction of its effect; a record
//!   outside gets the answer of one that does not exist;
//! - a change is one transaction, durable (WAL, synchronous=FULL) before the act's answer;
//! - a closed ticket does not change, save that its text can still be covered, as with Zendesk;
//! - covered text and deleted records are gone from the database's files too: from the pages (secure_delete) and from the
//!   write-ahead log.

#[cfg(test)]
mod acts_test;
mod attachments;
#[cfg(test)]
mod attachments_test;
mod comments;
mod ids;
mod keys;
mod leaving;
mod people;
mod product;
mod reach;
#[cfg(test)]
mod reach_test;
mod schema;
mod search;
#[cfg(test)]
mod search_test;
mod seed;
#[cfg(test)]
mod testing;
mod tickets;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
pub use attachments::{MAX_FILE, NewAttachment};
use ids::number;
use portcullis_model::{
    error::{ServiceError, StoreError},
    helpdesk::{
        AddComment, Attachment, Chunk, Comment, DeleteTicket, FindUsers, Found, GetOrganization, GetTicket, GetUser,
        HelpDesk, ListAttachments, ListComments, ListOrganizations, Organization, PAGE, ReadAttachment, RedactComment,
        SearchTickets, Seen, StatAttachment, Ticket, UpdateTicket, User,
    },
    payer,
    permit::Spent,
    time::Clock,
};
pub use product::{Counts, NewTicket};
use reach::Reach;
use rusqlite::{Connection, Transaction, TransactionBehavior};
pub use seed::Seeded;

/// The longest text of a comment, a description or a subject, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Why an act failed, before the log and the guest each get their part of it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The answer is a refusal that the caller may see.
    #[error(transparent)]
    Refused(#[from] ServiceError),
    /// SQLite failed.
    #[error("help desk: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what no code here writes.
    #[error("help desk: a row of {table} cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// What is wrong with it. Names and types, never content.
        problem: String,
    },
}

impl Failure {
    fn corrupt(table: &'static str, problem: impl fmt::Display) -> Self {
        Self::Corrupt { table, problem: problem.to_string() }
    }
}

impl From<Failure> for ServiceError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// How many idle read connections are kept.
const READERS: usize = 8;

/// The help desk in one SQLite file. Cheap to clone; all clones share one writer and a few read connections.
#[derive(Clone)]
pub struct SqliteHelpDesk {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
}

struct Connections {
    writer: Mutex<Connection>,
    readers: Readers,
}

/// Read connections. Each query has one to itself: a long search of one tenant's holds up no other's.
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn give_back(&self, reader: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(reader);
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let reader = Connection::open(&self.path)?;
        schema::configure(&reader)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(reader)
    }
}

impl fmt::Debug for SqliteHelpDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteHelpDesk")
    }
}

impl SqliteHelpDesk {
    /// Opens the database, usually `helpdesk.db`, and creates or migrates its tables. Several processes may have it open.
    ///
    /// # Errors
    /// The file cannot be opened, is no SQLite database, or was written by a later version of this program.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let failed = |error: rusqlite::Error| StoreError(format!("help desk {}: {error}", path.display()));
        let mut writer = Connection::open(path).map_err(failed)?;
        schema::configure(&writer).map_err(failed)?;
        schema::migrate(&mut writer).map_err(|error| StoreError(format!("{}: {error}", path.display())))?;
        let readers = Readers { path: path.to_owned(), idle: Mutex::default() };
        readers.give_back(readers.connect().map_err(failed)?);
        let connections = Connections { writer: Mutex::new(writer), readers };
        Ok(Self { connections: Arc::new(connections), clock })
    }

    /// Runs a change in one transaction, off the async threads.
    async fn write<T, F>(&self, change: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let connections = self.connections.clone();
        off_thread(move || {
            let mut writer = locked(&connections.writer);
            // Immediate: a deferred transaction that turns into a writer later fails at once, without the busy wait.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs a query on one snapshot, off the async threads.
    async fn read<T, F>(&self, query: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let connections = self.connections.clone();
        off_thread(move || {
            let mut reader = connections.readers.take()?;
            let result = reader.transaction().map_err(Failure::from).and_then(|transaction| query(&transaction));
            connections.readers.give_back(reader);
            result
        })
        .await
    }

    /// Empties the write-ahead log, which still has the pages as they were before the last change.
    async fn forget_old_pages(&self) -> Result<(), ServiceError> {
        let connections = self.connections.clone();
        off_thread(move || {
            let writer = locked(&connections.writer);
            let busy: bool = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if busy {
                tracing::warn!(
                    "help desk: a reader kept the write-ahead log; covered and deleted text leaves it later"
                );
            }
            Ok(())
        })
        .await
    }
}

async fn off_thread<T, F>(work: F) -> Result<T, ServiceError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    match tokio::task::spawn_blocking(payer::carried(work)).await {
        Ok(result) => result.map_err(ServiceError::from),
        Err(error) => Err(ServiceError::Unavailable(format!("help desk: {error}"))),
    }
}

/// A panic cannot leave a connection half way: its transaction is rolled back when it is dropped.
fn locked(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many records one act reads at most. `Invalid` for none.
fn page_size(most: u32) -> Result<u32, ServiceError> {
    if most == 0 { Err(ServiceError::Invalid(format!("most: 1 to {PAGE}"))) } else { Ok(most.min(PAGE)) }
}

fn check_text(name: &str, text: &str) -> Result<(), ServiceError> {
    if text.is_empty() || text.len() > MAX_TEXT {
        let problem = format!("{name}: 1 byte to {MAX_TEXT} bytes, not {}", text.len());
        return Err(ServiceError::Invalid(problem));
    }
    Ok(())
}

#[async_trait]
impl HelpDesk for SqliteHelpDesk {
    async fn ticket(&self, act: Spent<GetTicket>) -> Result<Seen<Ticket>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        let GetTicket { id, fields, .. } = act.into_act();
        self.read(move |db| Ok(tickets::seen(tickets::read(db, &reach, number(&id)?)?, &fields))).await
    }

    async fn search(&self, act: Spent<SearchTickets>) -> Result<Found, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.read(move |db| search::search(db, &reach, act.act())).await
    }

    async fn comments(&self, act: Spent<ListComments>) -> Result<Seen<Vec<Comment>>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.read(move |db| comments::list(db, &reach, act.act())).await
    }

    async fn add_comment(&self, act: Spent<AddComment>) -> Result<String, ServiceError> {
        let (reach, now) = (Reach::of(&act, &act.act().within), self.clock.now());
        self.write(move |db| comments::add_by_plugin(db, &reach, act.call(), act.act(), now)).await
    }

    async fn update(&self, act: Spent<UpdateTicket>) -> Result<(), ServiceError> {
        let (reach, now) = (Reach::of(&act, &act.act().within), self.clock.now());
        self.write(move |db| tickets::update(db, &reach, act.act(), now)).await
    }

    async fn redact(&self, act: Spent<RedactComment>) -> Result<(), ServiceError> {
        let (reach, now) = (Reach::of(&act, &act.act().within), self.clock.now());
        self.write(move |db| comments::redact(db, &reach, act.act(), now)).await?;
        self.forget_old_pages().await
    }

    async fn delete(&self, act: Spent<DeleteTicket>) -> Result<(), ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.write(move |db| tickets::delete(db, &reach, act.act())).await?;
        self.forget_old_pages().await
    }

    async fn user(&self, act: Spent<GetUser>) -> Result<Seen<User>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        let GetUser { id, fields, .. } = act.into_act();
        self.read(move |db| Ok(people::seen_user(people::user(db, &reach, number(&id)?)?, &fields))).await
    }

    async fn find_users(&self, act: Spent<FindUsers>) -> Result<Vec<Seen<User>>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        let act = act.into_act();
        let fields = act.fields.clone();
        let found = self.read(move |db| people::find(db, &reach, &act)).await?;
        Ok(found.into_iter().map(|user| people::seen_user(user, &fields)).collect())
    }

    async fn organization(&self, act: Spent<GetOrganization>) -> Result<Seen<Organization>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        let GetOrganization { id, fields, .. } = act.into_act();
        let read = move |db: &Transaction<'_>| people::organization(db, &reach, number(&id)?);
        Ok(people::seen_organization(self.read(read).await?, &fields))
    }

    async fn organizations(&self, act: Spent<ListOrganizations>) -> Result<Vec<Seen<Organization>>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        let act = act.into_act();
        let fields = act.fields.clone();
        let found = self.read(move |db| people::organizations(db, &reach, &act)).await?;
        Ok(found.into_iter().map(|one| people::seen_organization(one, &fields)).collect())
    }

    async fn attachments(&self, act: Spent<ListAttachments>) -> Result<Vec<Seen<Attachment>>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.read(move |db| attachments::list(db, &reach, act.act())).await
    }

    async fn attachment(&self, act: Spent<StatAttachment>) -> Result<Seen<Attachment>, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.read(move |db| attachments::stat(db, &reach, number(&act.act().id)?)).await
    }

    async fn read_attachment(&self, act: Spent<ReadAttachment>) -> Result<Chunk, ServiceError> {
        let reach = Reach::of(&act, &act.act().within);
        self.read(move |db| attachments::read(db, &reach, act.act())).await
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::*, *};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_callers_on_two_handles_do_not_get_busy() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (opened(dir.path()), opened(dir.path()));
        one.seed(&tenant("acme")).await.unwrap();
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let desk = if n % 2 == 0 { one.clone() } else { two.clone() };
                tokio::spawn(async move { desk.add("acme", comment(OPEN, "hello", &format!("key-{n}"))).await })
            })
            .collect();
        let mut ids = std::collections::BTreeSet::new();
        for task in tasks {
            ids.insert(task.await.unwrap().unwrap());
        }
        assert_eq!(ids.len(), 40);
    }

    #[test]
    fn a_file_of_a_later_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(opened(dir.path()));
        let path = dir.path().join("helpdesk.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = SqliteHelpDesk::open(&path, clock()).unwrap_err();
        assert!(error.0.contains("version 99"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_query_holds_up_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let desk = opened(dir.path());
        // Each waits within its query for the other: one connection for both would never come to an end.
        let both = Arc::new(std::sync::Barrier::new(2));
        let meet = || {
            let (desk, both) = (desk.clone(), both.clone());
            tokio::spawn(async move { desk.read(move |_| Ok(both.wait().is_leader())).await })
        };
        let (one, other) = (meet(), meet());
        assert_ne!(one.await.unwrap().unwrap(), other.await.unwrap().unwrap());
    }

    #[test]
    fn the_database_is_durable_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let desk = opened(dir.path());
        let pragma = |connection: &Mutex<Connection>, name: &str| -> String {
            let get = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            match locked(connection).pragma_query_value(None, name, get).unwrap() {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            }
        };
        let reader = Mutex::new(desk.connections.readers.take().unwrap());
        for connection in [&desk.connections.writer, &reader] {
            let values = ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"];
            assert_eq!(values.map(|name| pragma(connection, name)), ["wal", "2", "1", "1", "5000"]);
        }
        assert_eq!(pragma(&reader, "query_only"), "1");
    }
}
