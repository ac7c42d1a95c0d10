//! One SQLite file: a single writer thread that commits in groups, and a small pool of readers.
//!
//! A job is a closure on the connection. The writer runs the jobs that are waiting in one transaction, each in a savepoint of
//! its own so that one that fails takes only itself back, commits once (`synchronous=FULL`: one fsync), and then answers all
//! of them. While an fsync is under way the next group gathers, so the busier the host, the larger the groups. A job says
//! whose it is: one tenant's many do not fill the groups of the others. What nobody waits for begins no commit of its own,
//! but goes with the next, or after a few milliseconds.
//!
//! Invariants: nobody is told "done" before the commit is durable; one tenant's jobs take effect in the order in which they
//! were handed in, and nobody's after all that were handed in before; if the commit fails, every job of the group fails.

mod lanes;
mod writer;
mod writing;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use portcullis_model::{error::StoreError, payer};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::oneshot;

pub(crate) use self::writing::Salts;
pub use self::writing::Writing;
use self::{
    lanes::Lane,
    writer::{Handed, Job, write_in_groups},
};

/// How many idle read connections are kept.
const READERS: usize = 8;
/// How long to wait for another process that is writing.
const BUSY: Duration = Duration::from_secs(30);

/// A handle on the file; clones share the writer.
#[derive(Clone)]
pub struct Db {
    jobs: mpsc::Sender<Handed>,
    salts: Arc<Salts>,
    readers: Arc<Readers>,
}

/// What a job's closure gives.
pub type Outcome<T> = Result<T, StoreError>;

/// Turns a database error into the port's error, with what to do where that is known.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    let help = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "; nothing was changed: make room on the disk of the home directory, and it goes on by itself"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            "; nothing was changed: the home directory's disk or files cannot be written; make them writable, and it goes on by itself"
        }
        Some(ErrorCode::SystemIoFailure) => {
            "; nothing was changed: look at the disk of the home directory, which fails or cannot be written; once it can, it goes on by itself"
        }
        _ => "",
    };
    StoreError(format!("{error}{help}"))
}

/// The database has taken a whole transaction back by itself, as it does where the disk is full: whatever was written after that would
/// stand alone, and be kept without what came before it.
pub(crate) fn within_transaction(conn: &Connection) -> Outcome<()> {
    match conn.is_autocommit() {
        false => Ok(()),
        true => Err(StoreError(
            "the database took the whole group of changes back; nothing was changed: make room on the disk of the home directory, \
             and it goes on by itself"
                .to_owned(),
        )),
    }
}

/// Turns an encoding error into the port's error: a row that cannot be read back.
pub(crate) fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError(format!("a stored row cannot be read: {error}"))
}

struct Task<T, F> {
    work: Option<F>,
    told: Told<T>,
}

/// What came of a job, and who is told.
struct Told<T> {
    result: Option<Outcome<T>>,
    reply: Option<oneshot::Sender<Outcome<T>>>,
}

impl<T> Told<T> {
    fn by(reply: Option<oneshot::Sender<Outcome<T>>>) -> Self {
        Self { result: None, reply }
    }

    /// Keeps what came of it. False where that is an error.
    fn keep(&mut self, result: Option<Outcome<T>>) -> bool {
        let fine = matches!(result, Some(Ok(_)));
        self.result = result;
        fine
    }

    fn tell(self, committed: Result<(), StoreError>) {
        let Self { result, reply } = self;
        let lost = || Err(StoreError("the job was not run".into()));
        match (reply, committed.and_then(|()| result.unwrap_or_else(lost))) {
            // The asker may be gone; what was committed stays committed.
            (Some(reply), result) => drop(reply.send(result)),
            (None, Err(error)) => tracing::error!(%error, "a write that nobody waits for failed"),
            (None, Ok(_)) => {}
        }
    }
}

impl<T: Send, F: FnOnce(&Writing) -> Outcome<T> + Send> Job for Task<T, F> {
    fn is_awaited(&self) -> bool {
        self.told.reply.is_some()
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn run(&mut self, conn: &Writing) -> bool {
        let result = self.work.take().map(|work| work(conn));
        self.told.keep(result)
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        self.told.tell(committed);
    }
}

/// A change that can be made again from what it holds, after it was taken back.
struct Repeatable<F> {
    work: F,
    told: Told<()>,
}

impl<F: Fn(&Writing) -> Outcome<()> + Send> Job for Repeatable<F> {
    fn is_awaited(&self) -> bool {
        self.told.reply.is_some()
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn run(&mut self, conn: &Writing) -> bool {
        let result = (self.work)(conn);
        self.told.keep(Some(result))
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        self.told.tell(committed);
    }
}

impl Db {
    /// Opens the file and applies the migrations that it lacks.
    pub fn open(file: &Path, migrations: &'static [&'static str]) -> Outcome<Self> {
        let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
            .map_err(failed)?;
        migrate(&conn, migrations)?;
        let salts = Arc::new(Salts::default());
        let of_writer = salts.clone();
        let (jobs, queue) = mpsc::channel();
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_in_groups(&Writing::new(conn, of_writer), queue))
            .map_err(|e| StoreError(format!("cannot start the writer: {e}")))?;
        Ok(Self { jobs, salts, readers: Arc::new(Readers { file: file.to_owned(), idle: Mutex::default() }) })
    }

    /// What entries are sealed with, for whoever does that before the writer has to.
    pub(crate) fn salts(&self) -> &Salts {
        &self.salts
    }

    /// Runs a change in the next group and waits until it is durable. For what is no tenant's own.
    pub async fn write<T, F>(&self, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: FnOnce(&Writing) -> Outcome<T> + Send + 'static,
    {
        self.write_of(None, work).await
    }

    /// Runs a change of a tenant's in one of the next groups, as fairness has it, and waits until it is durable.
    pub async fn write_of<T, F>(&self, whose: Lane, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: FnOnce(&Writing) -> Outcome<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.hand_in(whose, Task { work: Some(work), told: Told::by(Some(reply)) })?;
        answer.await.map_err(|_| StoreError("the writer has stopped".into()))?
    }

    /// The same for a change that does the same when it is made again: the writer takes it back with its neighbours where one of them
    /// fails, and makes it again without that one.
    pub(crate) async fn write_repeatable<F>(&self, whose: Lane, work: F) -> Outcome<()>
    where
        F: Fn(&Writing) -> Outcome<()> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.hand_in(whose, Repeatable { work, told: Told::by(Some(reply)) })?;
        answer.await.map_err(|_| StoreError("the writer has stopped".into()))?
    }

    /// Hands in a change without waiting, that does the same when it is made again. It takes effect before any change of the same
    /// tenant, or of none, that is handed in later; a failure is logged.
    pub(crate) fn write_soon<F>(&self, whose: Lane, work: F) -> Outcome<()>
    where
        F: Fn(&Writing) -> Outcome<()> + Send + 'static,
    {
        self.hand_in(whose, Repeatable { work, told: Told::by(None) })
    }

    /// Writes all recent changes into the file itself and empties the file that they were in, so that nothing older is left
    /// there.
    pub async fn empty_wal(&self) -> Outcome<()> {
        let readers = self.readers.clone();
        let run = move || {
            let conn = connect(&readers.file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
            if busy == 0 { Ok(()) } else { Err(StoreError("somebody else is using the database".into())) }
        };
        tokio::task::spawn_blocking(run).await.map_err(|e| StoreError(format!("it was cut off: {e}")))?
    }

    fn hand_in(&self, whose: Lane, job: impl Job + 'static) -> Outcome<()> {
        self.jobs
            .send(Handed { lane: whose, job: Box::new(job) })
            .map_err(|_| StoreError("the writer has stopped".into()))
    }

    /// Runs a query on a read connection, off the async threads, on the account of whoever asks.
    pub async fn read<T, F>(&self, query: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    {
        let readers = self.readers.clone();
        let run = move || {
            let conn = readers.take()?;
            let result = query(&conn);
            readers.give_back(conn);
            result
        };
        let read = tokio::task::spawn_blocking(payer::carried(run)).await;
        read.map_err(|e| StoreError(format!("a read was cut off: {e}")))?
    }
}

struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn take(&self) -> Outcome<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY), Ok)
    }

    fn give_back(&self, conn: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(conn);
        }
    }
}

pub(crate) fn connect(file: &Path, flags: OpenFlags) -> Outcome<Connection> {
    let conn = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| StoreError(format!("cannot open {}: {e}", file.display())))?;
    conn.busy_timeout(BUSY).map_err(failed)?;
    conn.execute_batch("PRAGMA foreign_keys = ON;").map_err(failed)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn migrate(conn: &Connection, migrations: &[&str]) -> Outcome<()> {
    conn.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    let done: usize = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if done > migrations.len() {
        return Err(StoreError(format!(
            "the database has schema {done}, this program knows {}: use a newer portcullis",
            migrations.len()
        )));
    }
    for step in &migrations[done..] {
        conn.execute_batch(step).map_err(failed)?;
    }
    conn.pragma_update(None, "user_version", migrations.len()).map_err(failed)?;
    conn.execute_batch("COMMIT").map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const SCHEMA: &[&str] = &["CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;"];

    fn insert(n: i64) -> impl Fn(&Writing) -> Outcome<()> + Send + 'static {
        move |conn| conn.execute("INSERT INTO t VALUES (?1)", [n]).map(drop).map_err(failed)
    }

    async fn count(db: &Db) -> i64 {
        db.read(|conn| conn.query_row("SELECT count(*) FROM t", [], |r| r.get(0)).map_err(failed)).await.unwrap()
    }

    #[tokio::test]
    async fn a_job_that_fails_takes_only_itself_back() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.db"), SCHEMA).unwrap();
        let partly = db.write(|conn| {
            conn.execute("INSERT INTO t VALUES (100)", []).map_err(failed)?;
            Err::<(), _>(StoreError("no".into()))
        });
        let (a, b, c, d) = tokio::join!(db.write(insert(1)), partly, db.write(insert(1)), db.write(insert(2)));
        assert!(a.is_ok() && b.is_err() && c.is_err() && d.is_ok(), "{a:?} {b:?} {c:?} {d:?}");
        assert_eq!(count(&db).await, 2);
    }

    /// Has the writer wait until this is used: what is handed in before goes into one group.
    fn hold(db: &Db) -> mpsc::Sender<()> {
        let (go, gone) = mpsc::channel::<()>();
        let work = move |_: &Writing| gone.recv().map_err(corrupt);
        db.hand_in(None, Task { work: Some(work), told: Told::by(None) }).unwrap();
        go
    }

    #[tokio::test]
    async fn a_repeatable_job_that_fails_takes_only_itself_back() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.db"), SCHEMA).unwrap();
        let go = hold(&db);
        let partly = db.write_repeatable(None, |conn| {
            conn.execute("INSERT INTO t VALUES (100)", []).map_err(failed)?;
            Err(StoreError("no".into()))
        });
        let (a, b, c, d, e, f, ()) = tokio::join!(
            db.write_repeatable(None, insert(1)),
            partly,
            db.write_repeatable(None, insert(2)),
            db.write(insert(2)),
            db.write_repeatable(None, insert(1)),
            db.write_repeatable(None, insert(3)),
            async { go.send(()).unwrap() }
        );
        assert!(a.is_ok() && c.is_ok() && f.is_ok(), "{a:?} {c:?} {f:?}");
        assert!(b.is_err() && d.is_err() && e.is_err(), "{b:?} {d:?} {e:?}");
        let numbers = db.read(|conn| {
            conn.query_row("SELECT group_concat(n) FROM t ORDER BY n", [], |r| r.get::<_, String>(0)).map_err(failed)
        });
        assert_eq!(numbers.await.unwrap(), "1,2,3");
    }

    #[tokio::test]
    async fn what_is_made_again_is_made_once_where_nothing_fails() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.db"), SCHEMA).unwrap();
        let go = hold(&db);
        let made = Arc::new(AtomicUsize::new(0));
        let counted = |n: i64| {
            let made = made.clone();
            db.write_repeatable(None, move |conn| {
                made.fetch_add(1, Ordering::Relaxed);
                insert(n)(conn)
            })
        };
        let (a, b, c, ()) = tokio::join!(counted(1), counted(2), db.write(insert(3)), async { go.send(()).unwrap() });
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!((made.load(Ordering::Relaxed), count(&db).await), (2, 3));
    }

    #[tokio::test]
    async fn soon_comes_before_later() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.db"), SCHEMA).unwrap();
        db.write_soon(None, insert(1)).unwrap();
        let seen =
            db.write(|conn| conn.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0)).map_err(failed));
        assert_eq!(seen.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_written_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.db");
        let db = Db::open(&file, SCHEMA).unwrap();
        db.write_soon(None, insert(1)).unwrap();
        while count(&db).await < 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        db.write_soon(None, insert(2)).unwrap();
        drop(db);
        let again = Db::open(&file, SCHEMA).unwrap();
        while count(&again).await < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_one_tenant_does_not_hold_up_another() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.db"), SCHEMA).unwrap();
        let tenant = |name: &str| Some(name.parse().unwrap());
        let go = hold(&db);
        for n in 0..100 {
            db.write_soon(tenant("a"), insert(n)).unwrap();
        }
        let rows = |conn: &Connection| conn.query_row("SELECT count(*) FROM t", [], |r| r.get::<_, i64>(0));
        let behaved = db.write_of(tenant("b"), move |conn| rows(conn).map_err(failed));
        let (before, sent) = tokio::join!(behaved, async { go.send(()) });
        sent.unwrap();
        assert!(before.unwrap() < 20, "it came after the flood");
        assert_eq!(db.write(move |conn| rows(conn).map_err(failed)).await.unwrap(), 100, "nothing is lost");
    }

    #[tokio::test]
    async fn many_writers_and_a_second_process_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.db");
        let (one, other) = (Db::open(&file, SCHEMA).unwrap(), Db::open(&file, SCHEMA).unwrap());
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let db = if n % 2 == 0 { one.clone() } else { other.clone() };
                tokio::spawn(async move { db.write(insert(n)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(count(&one).await, 200);
    }

    #[test]
    fn a_newer_file_is_refused_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.db");
        drop(Db::open(&file, &["CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;", "SELECT 1;"]).unwrap());
        let error = Db::open(&file, SCHEMA).err().unwrap();
        assert!(error.to_string().contains("use a newer portcullis"), "{error}");
    }
}
