//! The stage of one call: the world that the plugin finds, made from the seed and the event alone, and the tape of what it asks.
//!
//! Ports find the stage of a call by the call's id. What has no call (the time, random bytes, the call's own id) finds it by the
//! task that runs the call.
//!
//! Invariants: a stage is made for one call and dropped after it, so that no call sees what another left; nothing on it depends
//! on another call, on the machine, or on the order in which calls run.

pub(crate) mod known;
pub(crate) mod people;
pub(crate) mod tape;
pub(crate) mod tickets;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use known::Known;
use portcullis_model::{
    audit::plain,
    behaviour::{Family, MAX_WORDS, Shape},
    call::Call,
    error::ServiceError,
    id::{CallId, Digest},
    permit::{Act, Spent},
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};
use tape::{Asked, Tape, What};
use tickets::Records;

use crate::{
    corpus::{Desk, Input, Scene},
    dice::Dice,
};

tokio::task_local! {
    /// The stage of the call that this task runs.
    pub(crate) static STAGE: Arc<Stage>;
}

/// What the time and the random bytes of a call are made from. Nothing else differs between two runs of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The first run.
    First,
    /// The second: at another time of day, with other random bytes.
    Second,
}

impl Take {
    /// When the call begins.
    fn begins(self) -> Timestamp {
        match self {
            Self::First => Timestamp(1_790_000_000_000),
            // 400 days, 7 hours, 13 minutes and some milliseconds later.
            Self::Second => Timestamp(1_824_585_983_457),
        }
    }
}

/// Values that the plugin may have kept under a bucket and a key.
pub(crate) type Kept = BTreeMap<(String, String), Vec<u8>>;

/// What can change in the course of a call.
pub(crate) struct Inner {
    pub tape: Tape,
    pub known: Known,
    pub records: Records,
    pub kept: Kept,
    /// Files by path; `None`: a directory.
    pub files: BTreeMap<Vec<String>, Option<Vec<u8>>>,
    /// How many requests went to a place already.
    pub sent: BTreeMap<String, u64>,
    chance: Dice,
    looks: i64,
    named: bool,
}

/// One call's stage.
pub(crate) struct Stage {
    pub number: u64,
    pub seed: u64,
    pub scene: Scene,
    begins: Timestamp,
    spoken: bool,
    inner: Mutex<Inner>,
}

impl Stage {
    /// The stage for an input. `names` may be spoken of; `spoken`: arguments are kept in words.
    pub fn new(input: &Input, seed: u64, take: Take, names: &BTreeSet<String>, spoken: bool) -> Arc<Self> {
        let purpose = if take == Take::First { "chance" } else { "another chance" };
        let inner = Inner {
            tape: Tape::default(),
            known: Known::of(&input.event, names, !matches!(input.family, Family::Hostile | Family::Mutated)),
            records: Records::of(&input.event),
            kept: Kept::new(),
            files: BTreeMap::new(),
            sent: BTreeMap::new(),
            chance: Dice::of(seed, purpose, input.number),
            looks: 0,
            named: false,
        };
        let (number, scene) = (input.number, input.scene);
        Arc::new(Self { number, seed, scene, begins: take.begins(), spoken, inner: Mutex::new(inner) })
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chance for one thing on this stage, always the same for the same name.
    pub fn dice(&self, what: &str, name: &str) -> Dice {
        Dice::of(self.seed, &format!("{what} {name}"), self.number)
    }

    /// Writes a permitted act down.
    pub fn permitted<A: Act + fmt::Debug>(&self, spent: &Spent<A>, shape: impl FnOnce(&Known) -> Shape) {
        let (arguments, words) = self.arguments(spent.act());
        let mut inner = self.inner();
        let shape = cut(shape(&inner.known));
        let id = spent.id().to_string();
        let asked =
            Asked { id, act: A::NAME.to_owned(), what: What::Permitted(shape), arguments, words, outcome: None };
        inner.tape.ask(asked);
    }

    /// Writes down what needs no permit, and so has no arguments but these.
    pub fn noted(&self, act: &str, shape: Shape) {
        let (arguments, words) = self.arguments(&shape);
        let (id, act, what) = (String::new(), act.to_owned(), What::Permitted(cut(shape)));
        self.inner().tape.ask(Asked { id, act, what, arguments, words, outcome: None });
    }

    /// The digest of arguments, and the arguments in words where they are wanted.
    pub fn arguments(&self, arguments: &impl fmt::Debug) -> (Digest, Option<String>) {
        let mut hash = Hashed(Sha256::new());
        // Hashing never fails.
        write!(hash, "{arguments:?}").unwrap_or_default();
        let digest: [u8; 32] = hash.0.finalize().into();
        (Digest::of(&digest), self.spoken.then(|| plain(&format!("{arguments:?}"))))
    }

    /// Where nobody answers, what is said instead.
    pub fn up(&self) -> Result<(), ServiceError> {
        match self.scene.desk {
            Desk::Down => Err(ServiceError::Unavailable("the recorder plays dead".into())),
            _ => Ok(()),
        }
    }

    /// As [`Stage::up`], for what changes something.
    pub fn changeable(&self) -> Result<(), ServiceError> {
        self.up()?;
        if self.scene.desk == Desk::Closed { Err(ServiceError::Conflict) } else { Ok(()) }
    }

    /// The time, a millisecond later each time that somebody looks.
    pub fn look_at_the_clock(&self) -> Timestamp {
        let mut inner = self.inner();
        inner.looks += 1;
        Timestamp(self.begins.0 + inner.looks)
    }

    /// The time at which the call begins.
    pub fn begins(&self) -> Timestamp {
        self.begins
    }

    /// Random bytes. The very first ones name the call, and are the same in each run of an input; then it says so by `false`.
    pub fn fill(&self, buffer: &mut [u8]) -> bool {
        let mut inner = self.inner();
        let named = std::mem::replace(&mut inner.named, true);
        if named {
            inner.chance.fill(buffer);
        } else {
            drop(inner);
            self.name(buffer);
        }
        named
    }

    /// The bytes that name the call.
    pub fn name(&self, buffer: &mut [u8]) {
        Dice::of(self.seed, "call", self.number).fill(buffer);
    }
}

/// A shape that a report has room for.
fn cut(mut shape: Shape) -> Shape {
    for words in shape.values_mut() {
        if let Some((end, _)) = words.char_indices().nth(MAX_WORDS) {
            words.truncate(end);
        }
    }
    shape
}

struct Hashed(Sha256);

impl fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// The stages of the calls under way.
#[derive(Default)]
pub(crate) struct Stages(Mutex<HashMap<CallId, Arc<Stage>>>);

impl Stages {
    fn all(&self) -> MutexGuard<'_, HashMap<CallId, Arc<Stage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stage of a call. The first time that a call shows itself it is in its own task.
    pub fn of(&self, call: &Call) -> Result<Arc<Stage>, ServiceError> {
        self.by_id(&call.id).ok_or_else(|| ServiceError::Unavailable("the call is over".into()))
    }

    /// The same, by the call's id.
    pub fn by_id(&self, id: &CallId) -> Option<Arc<Stage>> {
        self.all().get(id).cloned()
    }

    /// Puts a stage up under the id that its call will have.
    pub fn put_up(&self, id: CallId, stage: Arc<Stage>) {
        self.all().insert(id, stage);
    }

    /// Takes a stage down.
    pub fn take_down(&self, id: &CallId) {
        self.all().remove(id);
    }
}
