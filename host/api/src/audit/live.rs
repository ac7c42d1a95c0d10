//! `GET /admin/v1/audit/live`: entries as they are written, as server-sent events.
//!
//! One reader looks for new entries and hands each to every follower whose filter means it: a hundred followers cost the store as much
//! as one. Who joins is first brought up to where that reader stands, at their own pace.
//!
//! Invariants: a follower gets every entry after the one it names, once and in order, or is told that it is cut off and after which
//! entry to go on; nothing here waits for a follower.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use portcullis_model::{
    audit::{
        query::{Filter, Terms},
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    error::StoreError,
    time::Timestamp,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::{
    AuditApi, answer,
    query::Params,
    stream::{End, Event, Events},
    unavailable,
};
use crate::problem::{Problem, Reason};

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
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            most: 128,
            waiting: 256,
            look: Duration::from_millis(100),
            heartbeat: Duration::from_secs(15),
            patience: Duration::from_secs(60),
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
    text: Bytes,
}

impl Batch {
    fn new(entries: &[Shown], filtered: bool) -> Self {
        let prepared = |shown: &Shown| {
            let (time, terms) = match &shown.entry {
                Some(entry) if filtered => (entry.time, Terms::of(entry)),
                _ => (Timestamp(0), Terms::default()),
            };
            Some(Prepared { index: shown.index, time, terms, text: event(shown)? })
        };
        Self(entries.iter().filter_map(prepared).collect())
    }

    /// The events that a filter means, from an index on, several in one part.
    fn parts(&self, filter: &Filter, from: u64) -> Vec<Event> {
        let (mut parts, mut bytes, mut last) = (Vec::new(), Vec::new(), from);
        for one in self.0.iter().filter(|one| one.index >= from) {
            if !filter.is_empty() && !filter.matches(one.time, &one.terms) {
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

    /// Reads, as long as anybody follows, until `stop` turns true.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let wait = match self.next() {
                None => None,
                Some(from) => Some(match self.reader.follow(from, LARGEST_PAGE).await {
                    Ok(entries) => {
                        self.hand_out(from, &entries);
                        if entries.len() < LARGEST_PAGE { self.settings.look } else { Duration::ZERO }
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

    fn hand_out(&self, from: u64, entries: &[Shown]) {
        let mut state = self.state();
        // Meanwhile all may have gone, and others come, who begin elsewhere.
        if state.next != from {
            return;
        }
        let batch = Batch::new(entries, state.followers.iter().any(|follower| !follower.filter.is_empty()));
        // Who follows by the same filter gets the same bytes.
        let mut shared = BTreeMap::<String, Vec<Event>>::new();
        state.followers.retain(|follower| {
            if follower.from > from {
                return follower.take(&batch.parts(&follower.filter, follower.from));
            }
            if !shared.contains_key(&follower.text) {
                shared.insert(follower.text.clone(), batch.parts(&follower.filter, from));
            }
            shared.get(&follower.text).is_none_or(|parts| follower.take(parts))
        });
        state.next += entries.len() as u64;
    }

    /// Begins to follow: after an entry, or with what comes.
    async fn join(self: &Arc<Self>, filter: Filter, after: Option<u64>) -> Result<Events, Problem> {
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
        let follower = Follower { filter, text, from, sender, end: end.clone(), _slot: slot };
        let live = self.clone();
        tokio::spawn(async move {
            if let Err(error) = live.bring_up(follower).await {
                tracing::error!(%error, "the audit log cannot be read");
            }
        });
        Ok(Events { events, heartbeat, end, last: from.checked_sub(1), ended: false })
    }

    /// Hands a follower what was written already, until it has as much as the others.
    async fn bring_up(&self, mut follower: Follower) -> Result<(), StoreError> {
        loop {
            let to = self.reader.written().await?;
            let window = Window { from: follower.from, to, backwards: false, most: LARGEST_PAGE };
            if window.from < window.to {
                let page = self.reader.search(&follower.filter, window).await?;
                for part in Batch::new(&page.entries, false).parts(&Filter::default(), window.from) {
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
    let brief = Shown { body: None, openings: Vec::new(), ..shown.clone() };
    let text = serde_json::to_string(&brief).ok()?;
    Some(format!("id: {}\nevent: entry\ndata: {text}\n\n", shown.index).into())
}

pub(super) async fn follow(
    Shared(api): Shared<Arc<AuditApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(followed(&api, query.as_deref(), &headers).await)
}

async fn followed(api: &AuditApi, query: Option<&str>, headers: &HeaderMap) -> Result<Response, Problem> {
    api.check(headers)?;
    let params = Params::read(query, &["filter"])?;
    let filter = params.filter()?;
    let after = headers.get("last-event-id").map(|value| {
        let text = value.to_str().ok().and_then(|text| text.parse().ok());
        text.ok_or_else(|| Problem::new(Reason::WrongQuery, "Last-Event-ID: expected the index of an entry."))
    });
    let after = after.transpose()?;
    api.note_read("live", &filter).await?;
    let events = api.live.join(filter, after).await?;
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // A proxy that gathers answers would hold the events back.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::new(events)).into_response())
}
