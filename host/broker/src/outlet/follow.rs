//! Follows the log for one outlet: reads, sends, and keeps what has arrived.
//!
//! What the log says about an outlet is one entry where it begins to fail and one where it is well again, never one a message: else an
//! outlet would report about its own reports.
//!
//! Invariants: at most [`PAGE`] entries are in memory; entries that are gone before they could be sent are counted when what is before
//! them has arrived, and stand in the log once the outlet has come up; a receiver that fails is asked again after pauses that double, with
//! a part left to chance, and not before it said; trouble with the store ends nothing.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use portcullis_model::{
    audit::{
        Actor, Entry, Kind, plain,
        reader::{AuditReader, Shown},
    },
    error::StoreError,
    outlet::{Missed, Outlet, OutletStore, Progress},
    time::{Clock, Rng},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{Form, Refused, Trouble, Way};

/// The most entries that are read, and sent, at a time.
pub const PAGE: usize = 256;
/// The most bytes that are sent at a time, where that is more than one entry.
const BYTES: usize = 512 * 1024;
/// The most pages that may be on their way without being known to have arrived.
const UNDER_WAY: usize = 4_096;
/// How long what is being sent has to end when the host stops.
const GRACE: Duration = Duration::from_secs(3);
/// The longest pause that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3_600);

/// How often something is done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a log in which nothing happens is looked at.
    pub look: Duration,
    /// The pause after the first failure; it doubles.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// So many failures in a row are one that the log tells of.
    pub patience: u32,
    /// How long nothing must have failed for the log to tell of that.
    pub steady: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_millis(500),
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            patience: 3,
            steady: Duration::from_secs(60),
        }
    }
}

/// What an outlet works with.
pub struct Follower {
    /// Its name in the store.
    pub name: &'static str,
    /// The way to the receiver.
    pub way: Way,
    /// What entries are made into.
    pub form: Form,
    /// The log.
    pub reader: Arc<dyn AuditReader>,
    /// Where it is kept how far the outlet is.
    pub store: Arc<dyn OutletStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// How often.
    pub pace: Pace,
}

/// A follower at work.
struct Work {
    of: Follower,
    /// The first entry that is not known to have arrived, as the store has it.
    at: u64,
    /// The next entry to be sent.
    next: u64,
    /// All that was sent before this one has arrived.
    arrived: u64,
    under_way: VecDeque<Page>,
    missed: Missed,
    /// Whether the log says that it fails.
    failing: bool,
    /// Whether the store says what is wrong.
    noted: bool,
    /// Failures since anything last arrived.
    failures: u32,
    well_since: Instant,
}

/// A page on its way.
struct Page {
    progress: Progress,
    /// Whether anything of it was sent: the rest was gone.
    sent: bool,
}

/// How a round ended.
enum Round {
    /// There is more to be sent.
    More,
    /// There is nothing to do at the moment.
    Idle,
}

/// Why a round failed.
enum Fault {
    Receiver(Trouble),
    Store(StoreError),
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Receiver(trouble)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Follower {
    /// Sends from where `outlet` stands, until `stop` turns true.
    pub async fn run(self, outlet: Outlet, mut stop: watch::Receiver<bool>) {
        let mut work = Work::new(self, outlet);
        while let Some(pause) = work.turn(&mut stop).await {
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        if let Some(arrived) = work.of.way.close().await {
            work.arrived = work.arrived.max(arrived);
            if let Err(error) = work.keep().await {
                tracing::warn!(%error, outlet = work.of.name, "entries that arrived will be sent again");
            }
        }
    }
}

impl Work {
    fn new(of: Follower, outlet: Outlet) -> Self {
        Self {
            of,
            at: outlet.next,
            next: outlet.next,
            arrived: 0,
            under_way: VecDeque::new(),
            missed: outlet.missed,
            failing: outlet.failing.is_some(),
            noted: outlet.problem.is_some(),
            failures: 0,
            well_since: Instant::now(),
        }
    }

    /// One round. Gives the pause after it; none where all ends.
    async fn turn(&mut self, stop: &mut watch::Receiver<bool>) -> Option<Duration> {
        let ended = {
            let mut round = pin!(self.round());
            let ended = tokio::select! {
                ended = &mut round => Some(ended),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(ended) = ended else {
                // Not in the middle of a message, where that can be helped.
                drop(timeout(GRACE, round).await);
                return None;
            };
            ended
        };
        Some(match ended {
            Ok(Round::More) => Duration::ZERO,
            Ok(Round::Idle) => self.of.pace.look,
            Err(Fault::Receiver(trouble)) => self.failed(trouble).await,
            Err(Fault::Store(error)) => {
                tracing::error!(%error, outlet = self.of.name, "an outlet of the log waits for the database");
                self.of.pace.look.max(self.of.pace.first)
            }
        })
    }

    async fn round(&mut self) -> Result<Round, Fault> {
        let mut came_on = self.take_up().await?;
        if self.under_way.len() >= UNDER_WAY {
            return Ok(Round::Idle);
        }
        let page = self.of.reader.follow(self.next, PAGE).await?;
        let (batch, progress) = self.batch(&page);
        if progress.next > self.next {
            came_on |= self.send(&batch, progress).await?;
        }
        let came_up = page.len() < PAGE && page.last().is_none_or(|last| last.index + 1 == self.next);
        if came_on || (page.is_empty() && self.under_way.is_empty()) {
            self.well().await?;
        }
        if came_up && self.under_way.is_empty() && self.missed.count > 0 {
            self.tell_missed().await?;
        }
        Ok(if came_up { Round::Idle } else { Round::More })
    }

    /// As many of these entries as are sent at a time.
    fn batch(&self, page: &[Shown]) -> (Vec<Vec<u8>>, Progress) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut progress = Progress { next: self.next, ..Progress::default() };
        for shown in page {
            match (self.of.form)(shown) {
                Some(message) => {
                    bytes += message.len();
                    if bytes > BYTES && !batch.is_empty() {
                        break;
                    }
                    batch.push(message);
                }
                None => progress.missed = progress.missed.and(Missed::one(shown.index)),
            }
            progress.next = shown.index + 1;
        }
        (batch, progress)
    }

    /// Gives whether anything has arrived meanwhile.
    async fn send(&mut self, batch: &[Vec<u8>], mut progress: Progress) -> Result<bool, Fault> {
        let sent = !batch.is_empty();
        if sent {
            let refused = self.of.way.send(progress.next, batch).await?;
            progress.refused = refused.count;
            if refused.count > 0 {
                self.refused(&refused).await?;
            }
        }
        self.next = progress.next;
        self.under_way.push_back(Page { progress, sent });
        self.take_up().await
    }

    /// Keeps what has arrived meanwhile. Gives whether anything has.
    async fn take_up(&mut self) -> Result<bool, Fault> {
        if let Some(arrived) = self.of.way.arrived().await? {
            self.arrived = self.arrived.max(arrived);
        }
        Ok(self.keep().await?)
    }

    /// Keeps how far the outlet is: pages of which nothing could be sent are through when all before them is.
    async fn keep(&mut self) -> Result<bool, StoreError> {
        let mut done = Progress::default();
        let through = |page: &&Page| !page.sent || page.progress.next <= self.arrived;
        for Page { progress, .. } in self.under_way.iter().take_while(through) {
            done = Progress {
                next: progress.next,
                missed: done.missed.and(progress.missed),
                refused: done.refused.saturating_add(progress.refused),
            };
        }
        if done.next == 0 {
            return Ok(false);
        }
        self.of.store.outlet_at(self.of.name, done, self.of.clock.now()).await?;
        self.at = done.next;
        self.missed = self.missed.and(done.missed);
        self.under_way.retain(|page| page.progress.next > done.next);
        Ok(true)
    }

    /// Nothing is wrong: something has arrived, or there is nothing to send.
    async fn well(&mut self) -> Result<(), StoreError> {
        if std::mem::take(&mut self.failures) > 0 {
            self.well_since = Instant::now();
        }
        let steady = self.well_since.elapsed() >= self.of.pace.steady;
        let is_over = if self.failing { steady } else { self.noted };
        if is_over {
            let entry = self.failing.then(|| self.entry(Kind::OutletRecovered));
            self.of.store.outlet_recovers(self.of.name, entry).await?;
            (self.failing, self.noted) = (false, false);
        }
        Ok(())
    }

    /// Says in the log what could not be sent, once all else was.
    async fn tell_missed(&mut self) -> Result<(), StoreError> {
        let Missed { count, from, to } = self.missed;
        let entry = self.entry(Kind::OutletMissed).with("count", count).with("from", from).with("to", to);
        self.of.store.outlet_missed(self.of.name, entry).await?;
        self.missed = Missed::default();
        Ok(())
    }

    /// Begins anew from where it is sure. Gives how long to wait before.
    async fn failed(&mut self, trouble: Trouble) -> Duration {
        self.of.way.forget();
        self.under_way.clear();
        self.next = self.at;
        self.failures = self.failures.saturating_add(1);
        if let Err(error) = self.tell(&trouble.problem, self.failures >= self.of.pace.patience).await {
            tracing::error!(%error, outlet = self.of.name, "it cannot be kept what is wrong with an outlet of the log");
        }
        self.pause().max(trouble.pause.unwrap_or_default().min(LONGEST_ASKED))
    }

    async fn refused(&mut self, refused: &Refused) -> Result<(), StoreError> {
        let Refused { count, why } = refused;
        self.well_since = Instant::now();
        self.tell(&format!("the receiver would not keep {count} records: {why}"), true).await
    }

    /// Says what is wrong: in the store, and where it is `grave` in the log, once.
    async fn tell(&mut self, problem: &str, grave: bool) -> Result<(), StoreError> {
        let problem = plain(problem);
        let entry = (grave && !self.failing).then(|| {
            tracing::warn!(outlet = self.of.name, problem, "a receiver does not take entries of the log");
            self.entry(Kind::OutletFailing).with("problem", problem.as_str()).with("next", self.at)
        });
        let entered = entry.is_some();
        self.of.store.outlet_fails(self.of.name, &problem, entry).await?;
        (self.noted, self.failing) = (true, self.failing || entered);
        Ok(())
    }

    /// Between half and all of a pause that doubles, so that hosts that lost one receiver do not come back together.
    fn pause(&self) -> Duration {
        let doubled =
            self.of.pace.first.saturating_mul(1u32.checked_shl(self.failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let mut random = [0; 4];
        self.of.rng.fill(&mut random);
        let part = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        doubled.min(self.of.pace.longest).mul_f64(0.5 + part / 2.0)
    }

    fn entry(&self, kind: Kind) -> Entry {
        Entry::new(self.of.clock.now(), kind, Actor::Host, None).with("outlet", self.of.name)
    }
}
