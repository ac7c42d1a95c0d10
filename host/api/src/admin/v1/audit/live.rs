//! Entries as they are written, as server-sent events.
//!
//! One reader looks for new entries and hands each to every follower whose filter means it: a hundred followers cost the store as much
//! as one. Who joins is first brought up to where that reader stands, at their own pace.
//!
//! Writing goes before following: the reader takes its time ([`Pace`]), and where entries come faster than it reads, all followers fall
//! behind together and catch up later.
//!
//! Invariants: a follower gets every entry after the one it names, once and in order, or is told that it is cut off and after which
//! entry to go on; nobody gets an entry that is out of their sight; nothing here waits for a follower; what goes to all followers in a second is bounded, however much is written.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use portcullis_model::{
    audit::{
        query::{Filter, Terms},
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    error::StoreError,
    id::TenantId,
    time::Timestamp,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::{
    pace::Pace,
    sight::Sight,
    stream::{End, Event, Events},
};
use crate::{
    admin::unavailable,
    problem::{Problem, Reason},
};

/// The most bytes of one part, where it is more than one event.
const PART: usize = 64 * 1024;

/// How followers are served.
#[derive(Clone, Copy, Debug)]
pub struct LiveSettings {
    /// Followers at once.
    pub most: usize,
    /// Parts that wait for one of them: events that came at once, up to 64 KiB.
    pub waiting: usize,
    /// How often new entries are looked for.
    pub look: Duration,
    /// After how much silence there is a sign of life.
    pub heartbeat: Duration,
    /// How long a follower that is brought up may take over one event.
    pub patience: Duration,
    /// How long somebody who is not the operator may follow before it is looked at anew whether they may.
    pub renew: Duration,
    /// The most new entries that are read in a second.
    pub entries_a_second: u32,
    /// The most bytes that go to all followers together in a second.
    pub bytes_a_second: u32,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            most: 128,
            waiting: 256,
            look: Duration::from_millis(100),
            heartbeat: Duration::from_secs(15),
            patience: Duration::from_secs(60),
            renew: Duration::from_secs(5 * 60),
            entries_a_second: 10_000,
            bytes_a_second: 96 << 20,
        }
    }
}

/// The one reader, and who follows.
pub struct Live {
    reader: Arc<dyn AuditReader>,
    settings: LiveSettings,
    state: Mutex<State>,
    joined: Notify,
    slots: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    /// The next entry that the reader hands out, while anybody follows.
    next: u64,
    followers: Vec<Follower>,
    stopped: bool,
}

struct Follower {
    filter: Filter,
    sight: Sight,
    /// The filter as it is written: the same for all that want the same.
    text: String,
    /// Entries before this one it has already.
    from: u64,
    sender: mpsc::Sender<Event>,
    end: Arc<OnceLock<End>>,
    _slot: OwnedSemaphorePermit,
}

impl Follower {
    /// False where it is not to be kept: it is gone, or too slow.
    fn take(&self, parts: &[Event]) -> bool {
        parts.iter().all(|part| match self.sender.try_send(part.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => self.end.set(End::Slow).is_err(),
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        })
    }
}

/// New entries, made ready once for all.
struct Batch(Vec<Prepared>);

struct Prepared {
    index: u64,
    time: Timestamp,
    terms: Terms,
    /// Of which tenant, if any; `None` where that cannot be read.
    tenant: Option<Option<TenantId>>,
    text: Bytes,
}

impl Batch {
    fn new(entries: &[Shown], filtered: bool) -> Self {
        let prepared = |shown: &Shown| {
            let (time, terms) = match &shown.entry {
                Some(entry) if filtered => (entry.time, Terms::of(entry)),
                _ => (Timestamp(0), Terms::default()),
            };
            let tenant = shown.entry.as_ref().map(|entry| entry.tenant.clone());
            Some(Prepared { index: shown.index, time, terms, tenant, text: event(shown)? })
        };
        Self(entries.iter().filter_map(prepared).collect())
    }

    /// The events in sight that a filter means, from an index on, several in one part.
    fn parts(&self, filter: &Filter, sight: &Sight, from: u64) -> Vec<Event> {
        let (mut parts, mut bytes, mut last) = (Vec::new(), Vec::new(), from);
        for one in self.0.iter().filter(|one| one.index >= from) {
            let meant = filter.is_empty() || filter.matches(one.time, &one.terms);
            if !meant || !sight.sees(one.tenant.as_ref()) {
                continue;
            }
            if bytes.len() + one.text.len() > PART && !bytes.is_empty() {
                parts.push((last, std::mem::take(&mut bytes).into()));
            }
            bytes.extend_from_slice(&one.text);
            last = one.index;
        }
        if !bytes.is_empty() {
            parts.push((last, bytes.into()));
        }
        parts
    }
}

impl Live {
    /// With nobody following yet. Nobody gets anything new until it [runs](Self::run).
    pub fn new(reader: Arc<dyn AuditReader>, settings: LiveSettings) -> Arc<Self> {
        let slots = Arc::new(Semaphore::new(settings.most));
        Arc::new(Self { reader, settings, state: Mutex::default(), joined: Notify::new(), slots })
    }

    /// How many follow at the moment.
    pub fn followers(&self) -> usize {
        self.settings.most.saturating_sub(self.slots.available_permits())
    }

    /// Reads, as long as anybody follows, until `stop` turns true.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut pace = Pace::of(self.settings);
        loop {
            let most = pace.most();
            let wait = match self.next() {
                None => None,
                Some(from) => Some(match self.reader.follow(from, most).await {
                    Ok(entries) => {
                        let bytes = self.hand_out(from, &entries);
                        pace.pause(most, entries.len(), bytes)
                    }
                    Err(error) => {
                        tracing::error!(%error, "the audit log cannot be followed");
                        Duration::from_secs(1)
                    }
                }),
            };
            let pause = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => self.joined.notified().await,
                }
            };
            tokio::select! {
                () = pause => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        let mut state = self.state();
        state.stopped = true;
        for follower in state.followers.drain(..) {
            let _ = follower.end.set(End::Stopping);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to read on; none where nobody follows.
    fn next(&self) -> Option<u64> {
        let mut state = self.state();
        state.followers.retain(|follower| !follower.sender.is_closed());
        (!state.followers.is_empty()).then_some(state.next)
    }

    /// Gives how many bytes that is, to all followers together.
    fn hand_out(&self, from: u64, entries: &[Shown]) -> usize {
        let mut state = self.state();
        // Meanwhile all may have gone, and others come, who begin elsewhere.
        if state.next != from {
            return 0;
        }
        let mut handed = 0;
        let mut hand = |follower: &Follower, parts: &[Event]| {
            handed += parts.iter().map(|(_, part)| part.len()).sum::<usize>();
            follower.take(parts)
        };
        let batch = Batch::new(entries, state.followers.iter().any(|follower| !follower.filter.is_empty()));
        // Who follows by the same filter gets the same bytes.
        let mut shared = BTreeMap::<(String, Sight), Vec<Event>>::new();
        state.followers.retain(|follower| {
            if follower.from > from {
                return hand(follower, &batch.parts(&follower.filter, &follower.sight, follower.from));
            }
            let wanted = (follower.text.clone(), follower.sight.clone());
            let parts = shared.entry(wanted).or_insert_with(|| batch.parts(&follower.filter, &follower.sight, from));
            hand(follower, parts)
        });
        state.next += entries.len() as u64;
        handed
    }

    /// Begins to follow: after an entry, or with what comes; `filter` is [met](Sight::met) already.
    pub(super) async fn join(
        self: &Arc<Self>,
        filter: Filter,
        sight: Sight,
        after: Option<u64>,
    ) -> Result<Events, Problem> {
        let slot = self.slots.clone().try_acquire_owned().map_err(|_| full())?;
        let written = self.reader.written().await.map_err(|error| unavailable(&error))?;
        let from = after.map_or(written, |after| after.saturating_add(1));
        if from > written {
            let advice = "Last-Event-ID: the log has no such entry; was it restored from an older copy? Begin anew.";
            return Err(Problem::new(Reason::WrongQuery, advice));
        }
        let (sender, events) = mpsc::channel(self.settings.waiting);
        let mut heartbeat = tokio::time::interval(self.settings.heartbeat);
        heartbeat.reset();
        let end = Arc::new(OnceLock::new());
        let text = filter.to_string();
        // What somebody may see can be taken from them; the token's holder can see everything as long as it is the token.
        let until = (sight != Sight::Everything).then(|| Box::pin(tokio::time::sleep(self.settings.renew)));
        let follower = Follower { filter, sight, text, from, sender, end: end.clone(), _slot: slot };
        let live = self.clone();
        tokio::spawn(async move {
            if let Err(error) = live.bring_up(follower).await {
                tracing::error!(%error, "the audit log cannot be read");
            }
        });
        Ok(Events { events, heartbeat, end, until, last: from.checked_sub(1), ended: false })
    }

    /// Hands a follower what was written already, until it has as much as the others.
    async fn bring_up(&self, mut follower: Follower) -> Result<(), StoreError> {
        loop {
            let to = self.reader.written().await?;
            let window = Window { from: follower.from, to, backwards: false, most: LARGEST_PAGE };
            if window.from < window.to {
                let page = follower.sight.search(self.reader.as_ref(), &follower.filter, window).await?;
                let everything = (Filter::default(), Sight::Everything);
                for part in Batch::new(&page.entries, false).parts(&everything.0, &everything.1, window.from) {
                    if !self.handed(&follower, follower.sender.send(part)).await {
                        return Ok(());
                    }
                }
                follower.from = page.next.unwrap_or(to);
                continue;
            }
            // Room for what comes: from here on nobody waits for it.
            let half = self.settings.waiting.div_ceil(2);
            if !self.handed(&follower, async { follower.sender.reserve_many(half).await.map(drop) }).await {
                return Ok(());
            }
            match self.admit(follower) {
                Some(behind) => follower = behind,
                None => return Ok(()),
            }
        }
    }

    /// Whether a follower took what it was handed, and in time.
    async fn handed<E>(&self, follower: &Follower, handing: impl Future<Output = Result<(), E>> + Send) -> bool {
        match tokio::time::timeout(self.settings.patience, handing).await {
            Ok(taken) => taken.is_ok(),
            Err(_) => {
                let _ = follower.end.set(End::Slow);
                false
            }
        }
    }

    /// Puts a follower among the others. Gives it back where they are further than it is.
    fn admit(&self, follower: Follower) -> Option<Follower> {
        let mut state = self.state();
        if state.stopped {
            let _ = follower.end.set(End::Stopping);
            return None;
        }
        if state.followers.is_empty() {
            state.next = follower.from;
        }
        if follower.from < state.next {
            return Some(follower);
        }
        state.followers.push(follower);
        drop(state);
        self.joined.notify_one();
        None
    }
}

fn full() -> Problem {
    Problem::new(Reason::Full, "As many as can are following the log; end one, or ask for pages.")
}

/// An entry as an event, without the bytes that are hashed: those are in pages and exports.
fn event(shown: &Shown) -> Option<Bytes> {
    let mut text = Vec::with_capacity(1_024);
    write!(text, "id: {}\nevent: entry\ndata: ", shown.index).ok()?;
    serde_json::to_writer(&mut text, &shown.brief()).ok()?;
    text.extend_from_slice(b"\n\n");
    Some(text.into())
}
