//! The writer's loop: when a commit begins, and which jobs it serves.
//!
//! Invariants: nobody is answered before the commit; what nobody waits for is committed [`LINGER`] later at the latest; when
//! all handles are gone, what they handed in is committed first.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use portcullis_model::error::StoreError;

use super::{
    Outcome, Writing, failed,
    lanes::{Lane, Waiting},
};

/// How long what nobody waits for is kept for a commit that somebody waits for.
const LINGER: Duration = Duration::from_millis(5);

/// A change, and who is to be told of it.
pub(super) trait Job: Send {
    /// Whether somebody waits for it.
    fn is_awaited(&self) -> bool;
    /// Runs; false asks for this job's changes to be taken back.
    fn run(&mut self, conn: &Writing) -> bool;
    /// Answers, once it is known whether the group was committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A job, and whose it is.
pub(super) type Handed = (Lane, Box<dyn Job>);
/// What one commit serves.
type Group = Vec<Box<dyn Job>>;

/// Runs until nobody is left to hand anything in, and all that was is committed.
pub(super) fn write_in_groups(conn: &Writing, queue: Receiver<Handed>) {
    let mut writer = Writer { queue, waiting: Waiting::default(), awaited: 0 };
    while writer.gather() {
        let mut group = Vec::new();
        let committed = writer.commit(conn, &mut group);
        for job in group {
            job.answer(committed.clone());
        }
    }
}

struct Writer {
    queue: Receiver<Handed>,
    waiting: Waiting<Box<dyn Job>>,
    /// How many of those that wait somebody waits for.
    awaited: usize,
}

impl Writer {
    /// Waits until a commit is to begin. False: never again.
    fn gather(&mut self) -> bool {
        if !self.waiting.is_empty() {
            return true;
        }
        match self.queue.recv() {
            Ok(handed) => self.take_in(handed),
            Err(_) => return false,
        }
        let until = Instant::now() + LINGER;
        while self.awaited == 0
            && let Ok(handed) = self.queue.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.take_in(handed);
        }
        true
    }

    fn take_in(&mut self, (lane, job): Handed) {
        self.awaited += usize::from(job.is_awaited());
        self.waiting.push(lane, job);
    }

    fn commit(&mut self, conn: &Writing, group: &mut Group) -> Outcome<()> {
        self.waiting.begin_group();
        conn.forget();
        if let Err(error) = conn.execute_batch("BEGIN IMMEDIATE") {
            group.extend(std::iter::from_fn(|| self.next()));
            return Err(failed(error));
        }
        let ran = self.run_all(conn, group).and_then(|()| conn.execute_batch("COMMIT").map_err(failed));
        if ran.is_err() && !conn.is_autocommit() {
            drop(conn.execute_batch("ROLLBACK"));
        }
        ran
    }

    /// The next one for the present group.
    fn next(&mut self) -> Option<Box<dyn Job>> {
        let job = self.waiting.next()?;
        self.awaited -= usize::from(job.is_awaited());
        Some(job)
    }

    /// Runs what waits, and what comes meanwhile.
    fn run_all(&mut self, conn: &Writing, group: &mut Group) -> Outcome<()> {
        loop {
            while let Ok(handed) = self.queue.try_recv() {
                self.take_in(handed);
            }
            let Some(job) = self.next() else { return Ok(()) };
            group.push(job);
            let Some(job) = group.last_mut() else { return Ok(()) };
            let run = |sql| conn.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(failed);
            run("SAVEPOINT job")?;
            if !job.run(conn) {
                run("ROLLBACK TO job")?;
                conn.forget();
            }
            run("RELEASE job")?;
        }
    }
}
