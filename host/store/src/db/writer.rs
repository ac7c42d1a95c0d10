//! The writer's loop: when a commit begins, and which jobs it serves.
//!
//! Who is answered often hands in the next at once, as those do who write one entry after the other. So that a commit does not begin
//! with the first of many, the writer looks out for as many as it answered last, as long as they keep coming.
//!
//! Invariants: nobody is answered before the commit; what nobody waits for is committed [`LINGER`] later at the latest; when
//! all handles are gone, what they handed in is committed first; a job that fails takes only itself back; nothing that waits is held
//! back for others for more than [`LOOKOUT`].

use std::{
    sync::mpsc::{Receiver, TryRecvError},
    time::{Duration, Instant},
};

use portcullis_model::{error::StoreError, meter::METER};

use super::{
    Outcome, Writing, failed,
    lanes::{Lane, Waiting},
    within_transaction,
};

/// How long what nobody waits for is kept for a commit that somebody waits for.
const LINGER: Duration = Duration::from_millis(5);

/// How long a commit is kept open for those who were answered last. Each looks for its thread's turn first, so it is a few of those.
const LOOKOUT: Duration = Duration::from_micros(150);
/// Where nobody came for so long, nobody is expected any more.
const SILENCE: Duration = Duration::from_micros(40);
/// How soon the next is handed in by who was answered and had nothing else to do. The writer stays awake for so long where it was so.
const SOON: Duration = Duration::from_micros(150);
/// Fewer than these are not looked out for: waiting would cost them more than they save.
const MANY: usize = 4;

/// A change, and who is to be told of it.
pub(super) trait Job: Send {
    /// Whether somebody waits for it.
    fn is_awaited(&self) -> bool;
    /// Whether it does the same when it runs again after it was taken back. Such jobs share a savepoint: each of its own costs about as
    /// much as the row that it is for.
    fn is_repeatable(&self) -> bool;
    /// Runs; false asks for this job's changes to be taken back.
    fn run(&mut self, conn: &Writing) -> bool;
    /// Answers, once it is known whether the group was committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A job, and whose it is.
pub(super) struct Handed {
    pub lane: Lane,
    pub job: Box<dyn Job>,
}

/// What one commit serves.
type Group = Vec<Box<dyn Job>>;

/// Runs until nobody is left to hand anything in, and all that was is committed.
pub(super) fn write_in_groups(conn: &Writing, queue: Receiver<Handed>) {
    let mut writer = Writer { queue, waiting: Waiting::default(), awaited: 0, answered: 0, quick: false };
    while writer.gather() {
        let mut group = Vec::new();
        let committed = writer.commit(conn, &mut group);
        METER.commits.observe(group.len() as u64);
        writer.answered = group.iter().filter(|job| job.is_awaited()).count();
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
    /// How many were answered after the last commit.
    answered: usize,
    /// Whether the last commit began soon after the one before it.
    quick: bool,
}

impl Writer {
    /// Waits until a commit is to begin. False: never again.
    fn gather(&mut self) -> bool {
        if !self.waiting.is_empty() {
            return true;
        }
        match self.first() {
            Some(handed) => self.take_in(handed),
            None => return false,
        }
        let until = Instant::now() + LINGER;
        while self.awaited == 0
            && let Ok(handed) = self.queue.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.take_in(handed);
        }
        true
    }

    /// The first one after a commit. Where the last one came at once, this one may too, and to be woken for it takes longer than it does.
    fn first(&mut self) -> Option<Handed> {
        let free = Instant::now();
        let handed = self.soon(free).or_else(|| self.queue.recv().ok());
        self.quick = free.elapsed() < SOON;
        handed
    }

    fn soon(&self, free: Instant) -> Option<Handed> {
        while self.quick && free.elapsed() < SOON {
            match self.queue.try_recv() {
                Ok(handed) => return Some(handed),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    fn take_in(&mut self, Handed { lane, job }: Handed) {
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
        let ran = self.run_all(conn, group);
        let ran = ran.and_then(|()| conn.execute_batch("COMMIT").map_err(failed));
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
        // Where the jobs begin that share the savepoint which is open.
        let mut shared: Option<usize> = None;
        let mut expected = Lookout::new(self.answered);
        loop {
            self.take_in_all();
            let Some(job) = self.next() else {
                if expected.is_worth_it(group.len(), Instant::now()) {
                    std::thread::yield_now();
                } else {
                    break;
                }
                continue;
            };
            expected.came();
            let repeatable = job.is_repeatable();
            let place = group.len();
            group.push(job);
            if !repeatable && shared.take().is_some() {
                run(conn, RELEASE)?;
            }
            if shared.is_none() {
                run(conn, SAVEPOINT)?;
                shared = repeatable.then_some(place);
            }
            let fine = group[place].run(conn);
            within_transaction(conn)?;
            match shared {
                Some(_) if fine => {}
                Some(first) => {
                    shared = None;
                    take_back(conn)?;
                    each_alone(conn, &mut group[first..])?;
                }
                None if fine => run(conn, RELEASE)?,
                None => take_back(conn)?,
            }
        }
        if shared.is_some() {
            run(conn, RELEASE)?;
        }
        Ok(())
    }

    fn take_in_all(&mut self) {
        while let Ok(handed) = self.queue.try_recv() {
            self.take_in(handed);
        }
    }
}

const SAVEPOINT: &str = "SAVEPOINT job";
const RELEASE: &str = "RELEASE job";

fn run(conn: &Writing, sql: &str) -> Outcome<()> {
    conn.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).map_err(failed)
}

/// Takes back what was done since the savepoint, and ends it.
fn take_back(conn: &Writing) -> Outcome<()> {
    run(conn, "ROLLBACK TO job")?;
    conn.forget();
    run(conn, RELEASE)
}

/// Runs each of these again, in a savepoint of its own.
fn each_alone(conn: &Writing, jobs: &mut [Box<dyn Job>]) -> Outcome<()> {
    for job in jobs {
        run(conn, SAVEPOINT)?;
        let fine = job.run(conn);
        within_transaction(conn)?;
        match fine {
            true => run(conn, RELEASE)?,
            false => take_back(conn)?,
        }
    }
    Ok(())
}

/// Whether others are worth a moment, who were answered a moment ago.
struct Lookout {
    /// How many are looked out for.
    expected: usize,
    /// When the first look was in vain, and the last job came.
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Lookout {
    fn new(answered: usize) -> Self {
        Self { expected: if answered < MANY { 0 } else { answered }, since: None, last: None }
    }

    fn came(&mut self) {
        self.last = None;
    }

    /// Asked when there is none: whether to look again.
    fn is_worth_it(&mut self, have: usize, now: Instant) -> bool {
        if have >= self.expected {
            return false;
        }
        let (since, last) = (*self.since.get_or_insert(now), *self.last.get_or_insert(now));
        now - since < LOOKOUT && now - last < SILENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_looked_out_for_as_many_as_were_answered_and_not_for_long() {
        let now = Instant::now();
        let micros = |n| now + Duration::from_micros(n);
        assert!(!Lookout::new(MANY - 1).is_worth_it(0, now), "too few");
        let mut lookout = Lookout::new(64);
        assert!(lookout.is_worth_it(1, now));
        lookout.came();
        assert!(!lookout.is_worth_it(64, now), "all are there");
        assert!(lookout.is_worth_it(2, micros(10)) && lookout.is_worth_it(2, micros(49)));
        assert!(!lookout.is_worth_it(2, micros(50)), "nobody came for 40");
        let (mut lookout, mut at) = (Lookout::new(64), 0);
        while lookout.is_worth_it(2, micros(at)) {
            lookout.came();
            at += 10;
        }
        assert_eq!(at, 150, "however many come");
    }
}
