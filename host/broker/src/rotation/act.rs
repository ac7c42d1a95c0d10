//! Answers for an act of rotation as a whole: begun, listed, carried out line by line, ended; and gone on with after a crash.
//!
//! An emergency freezes its extent first, durably, and waits until nothing of it is under way. Then each item goes its way by
//! itself; as soon as it is through it goes on, and when all of an installation are, the installation does. What could not be
//! revoked or minted because its issuer cannot be asked stays frozen by itself until the act goes on.
//!
//! Invariants: the freeze is stored together with the act, before anything else; a freeze that was not seen to hold everywhere is said
//! in the act; items of one provider are worked on at most [`Pace::at_once`] at a time, and no provider waits for another.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    freeze::{Extent, Freeze, FreezeStore, Released},
    id::{InstallationId, RotationId, TenantId},
    rotation::{Act, Held, Item, Line, Mode, Outcome, Reached, RotationStore},
    time::{Clock, Rng},
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    credentials::{Families, StepError},
    line::Runner,
    report::Totals,
    steps,
};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 400;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Order {
    /// How.
    pub mode: Mode,
    /// What it reaches.
    pub extent: Extent,
    /// Why.
    pub reason: String,
    /// Only these of the extent; `None`: all.
    pub only: Option<Vec<Item>>,
    /// How long an old secret goes on beside a new one, where the family can do that. An emergency has none.
    pub overlap: Duration,
}

/// How fast, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Items of one provider at the same time.
    pub at_once: usize,
    /// Tries of a step whose issuer cannot be asked.
    pub tries: u32,
    /// The pause before the second try; it doubles.
    pub pause: Duration,
    /// The longest pause, also where the issuer asks for a longer one.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 8, tries: 4, pause: Duration::from_millis(500), longest_pause: Duration::from_secs(30) }
    }
}

/// Why an act cannot begin or go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RotateError {
    /// What was asked for is wrong.
    #[error("{0}")]
    Invalid(String),
    /// There is no such act.
    #[error("there is no rotation '{0}'; 'portcullis rotation list' shows them")]
    NoAct(RotationId),
    /// The store failed. What was frozen stays frozen, and the act can go on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is to be rotated could not be listed.
    #[error("what is to be rotated cannot be listed, and what was frozen stays so: {0}")]
    List(StepError),
    /// A part of it was cut off.
    #[error("the rotation was cut off, and what was frozen stays so: {0}")]
    CutOff(String),
}

/// Says when a freeze holds everywhere.
#[async_trait]
pub trait Reach: Send + Sync {
    /// Waits until nothing that this freeze covers is under way, or until waiting is of no use.
    async fn reached(&self, freeze: u64) -> Result<Reached, StoreError>;
}

/// Is told how an act gets on.
pub trait Progress: Send + Sync {
    /// It is frozen, and this many lines are before it.
    fn frozen(&self, act: &Act, lines: usize);
    /// A line had its outcome.
    fn line(&self, line: &Line);
}

/// Nobody looks on.
pub struct Quiet;

impl Progress for Quiet {
    fn frozen(&self, _: &Act, _: usize) {}
    fn line(&self, _: &Line) {}
}

/// Carries out acts.
#[derive(Clone)]
pub struct Rotator {
    /// Where acts are kept.
    pub store: Arc<dyn RotationStore>,
    /// Where freezes are kept: in the same storage.
    pub freezes: Arc<dyn FreezeStore>,
    /// What can be rotated.
    pub families: Families,
    /// When a freeze holds.
    pub reach: Arc<dyn Reach>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub rng: Arc<dyn Rng>,
    /// Who does it.
    pub actor: Actor,
    /// Whether they act for whoever runs the host, who alone lifts by hand what they freeze.
    pub platform: bool,
    /// How fast.
    pub pace: Pace,
}

impl Rotator {
    /// Begins an act, freezes its extent, and carries it out to its end.
    pub async fn carry_out(&self, order: Order, progress: Arc<dyn Progress>) -> Result<(Act, Vec<Line>), RotateError> {
        let only = order.only.clone();
        let act = self.begin(order).await?;
        self.run(act, only, progress).await
    }

    /// Begins an act of all that its extent has, freezes that, and waits until the freeze holds: what an emergency does before it waits for
    /// its turn. The act goes on by [`go_on`](Self::go_on).
    pub async fn freeze(&self, order: Order) -> Result<Act, RotateError> {
        let mut act = self.begin(order).await?;
        self.reach(&mut act).await?;
        Ok(act)
    }

    /// Goes on with an act that was cut off, or in which something failed.
    pub async fn go_on(&self, id: &RotationId, progress: Arc<dyn Progress>) -> Result<(Act, Vec<Line>), RotateError> {
        let found = self.store.acts().await?.into_iter().find(|act| act.id == *id);
        let act = found.ok_or_else(|| RotateError::NoAct(id.clone()))?;
        if act.ended.is_some() && !self.store.lines(id).await?.iter().any(Line::is_open) {
            return Err(RotateError::Invalid(format!("the rotation {id} is over, and nothing in it failed")));
        }
        self.run(act, None, progress).await
    }

    /// Stores the act and its freeze.
    async fn begin(&self, order: Order) -> Result<Act, RotateError> {
        let Order { mode, extent, reason, overlap, .. } = order;
        let length = reason.trim().chars().count();
        if length == 0 || length > LONGEST_REASON {
            return Err(RotateError::Invalid(format!("the reason must have 1 to {LONGEST_REASON} characters")));
        }
        let started = self.clock.now();
        let mut act = Act {
            id: RotationId::random(self.rng.as_ref()),
            mode,
            extent,
            reason,
            by: self.by(),
            started,
            freeze: None,
            reached: None,
            overlap: if mode == Mode::Planned { overlap.as_secs() } else { 0 },
            listed: false,
            ended: None,
        };
        let entry = |kind| self.entry(kind, &act).with("mode", serde_json::json!(act.mode));
        let mut entries = vec![entry(Kind::RotationStarted)];
        let freeze = (mode != Mode::Planned).then(|| {
            entries.push(entry(Kind::FreezeAdded));
            self.freeze_for(&act, act.extent.clone())
        });
        act.freeze = self.store.begin_act(act.clone(), freeze, entries).await?;
        Ok(act)
    }

    async fn run(
        &self,
        mut act: Act,
        only: Option<Vec<Item>>,
        progress: Arc<dyn Progress>,
    ) -> Result<(Act, Vec<Line>), RotateError> {
        self.reach(&mut act).await?;
        if !act.listed {
            let held = self.families.list().await.map_err(RotateError::List)?;
            act.listed = true;
            self.store.put_act(act.clone(), lines(&act, held, only.as_deref())).await?;
        }
        let open: Vec<Line> = self.store.lines(&act.id).await?.into_iter().filter(Line::is_open).collect();
        progress.frozen(&act, open.len());
        self.all(&act, open, progress).await?;
        let lines = self.store.lines(&act.id).await?;
        act.ended = Some(self.clock.now());
        self.end(&act, &lines).await?;
        Ok((act, lines))
    }

    async fn reach(&self, act: &mut Act) -> Result<(), RotateError> {
        if let Some(freeze) = act.freeze
            && act.reached.is_none_or(|reached| reached.left > 0)
        {
            act.reached = Some(self.reach.reached(freeze).await?);
            self.store.put_act(act.clone(), Vec::new()).await?;
        }
        Ok(())
    }

    async fn all(&self, act: &Act, open: Vec<Line>, progress: Arc<dyn Progress>) -> Result<(), RotateError> {
        let held = self.freezes.freezes().await?.freezes;
        let numbers = held.iter().filter(|one| one.act.as_ref() == Some(&act.id)).map(|one| one.number).collect();
        let releases = Arc::new(Releases::new(numbers, &open));
        let mut lanes: BTreeMap<String, Arc<Semaphore>> = BTreeMap::new();
        let mut running = JoinSet::new();
        for line in open {
            let lane = line.provider.as_ref().map_or_else(|| line.item.family.name().to_owned(), ToString::to_string);
            let lane = lanes.entry(lane).or_insert_with(|| Arc::new(Semaphore::new(self.pace.at_once.max(1)))).clone();
            let runner = Runner { rotator: self.clone(), act: act.clone() };
            let (releases, progress) = (releases.clone(), progress.clone());
            running.spawn(async move {
                let _turn = lane.acquire_owned().await.map_err(|error| RotateError::CutOff(error.to_string()))?;
                let line = runner.run(line, &releases).await?;
                progress.line(&line);
                Ok::<_, RotateError>(())
            });
        }
        // A store that fails ends its line and no other; what it could not write down is open still.
        let mut failed = None;
        while let Some(done) = running.join_next().await {
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed = Some(error),
                Err(error) => failed = Some(RotateError::CutOff(error.to_string())),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Lifts the act's freezes but for what failed.
    async fn end(&self, act: &Act, lines: &[Line]) -> Result<(), RotateError> {
        let failed = lines.iter().filter(|line| act.freeze.is_some() && line.outcome == Outcome::Failed);
        let extents: std::collections::BTreeSet<Extent> = failed.filter_map(|line| still_frozen(&line.item)).collect();
        let held = self.freezes.freezes().await?.freezes;
        let held: Vec<Freeze> = held.into_iter().filter(|one| one.act.as_ref() == Some(&act.id)).collect();
        // What the platform froze stays the platform's, whoever goes on with its act.
        let of_platform = held.iter().any(|freeze| freeze.platform);
        let kept = |freeze: Freeze| Freeze { platform: freeze.platform || of_platform, ..freeze };
        let still: Vec<Freeze> = extents.into_iter().map(|extent| kept(self.freeze_for(act, extent))).collect();
        let mut ended = self.entry(Kind::RotationEnded, act);
        for (name, count) in Totals::of(lines).named() {
            ended = ended.with(name, count);
        }
        let mut entries = vec![ended.with("still-frozen", still.len())];
        for freeze in &held {
            let entry = self.entry(Kind::FreezeLifted, act).with("freeze", freeze.number);
            entries.push(entry.with("extent", freeze.extent.to_string()));
        }
        for freeze in &still {
            entries.push(self.entry(Kind::FreezeAdded, act).with("extent", freeze.extent.to_string()));
        }
        Ok(self.store.end_act(act.clone(), still, entries).await?)
    }

    fn freeze_for(&self, act: &Act, extent: Extent) -> Freeze {
        Freeze {
            number: 0,
            extent,
            reason: act.reason.clone(),
            by: self.by(),
            since: self.clock.now(),
            act: Some(act.id.clone()),
            incident: None,
            platform: self.platform || !act.extent.is_of_one_tenant(),
        }
    }

    fn by(&self) -> String {
        match &self.actor {
            Actor::Person { name } => name.clone(),
            _ => "host".to_owned(),
        }
    }

    pub(super) fn entry(&self, kind: Kind, act: &Act) -> Entry {
        let tenant = match &act.extent {
            Extent::Tenant(tenant) => Some(tenant.clone()),
            Extent::Connection(key) => Some(key.tenant.clone()),
            _ => None,
        };
        Entry::new(self.clock.now(), kind, self.actor.clone(), tenant)
            .about(format!("rotation:{}", act.id))
            .with("extent", act.extent.to_string())
            // What a person wrote, though the host may be the one that goes on with it.
            .with_personal("reason", &act.reason)
    }
}

/// What a failed item leaves frozen.
fn still_frozen(item: &Item) -> Option<Extent> {
    match item.key() {
        Some(key) => Some(Extent::Connection(key)),
        None => item.installation.clone().map(Extent::Installation),
    }
}

/// The lines of an act: what of all that is held lies in its extent, with the steps before it.
fn lines(act: &Act, held: Vec<Held>, only: Option<&[Item]>) -> Vec<Line> {
    let wanted = |held: &Held| held.is_in(&act.extent) && only.is_none_or(|only| only.contains(&held.item));
    let lines = held.into_iter().filter(wanted).map(|held| Line::new(&held, steps::steps(act.mode, &held)));
    lines.filter(|line| act.mode != Mode::Planned || !line.left.is_empty()).collect()
}

/// What goes on when a line is through.
pub(super) struct Releases {
    freezes: Vec<u64>,
    open: Mutex<HashMap<(TenantId, InstallationId), (usize, bool)>>,
}

impl Releases {
    fn new(freezes: Vec<u64>, lines: &[Line]) -> Self {
        let mut open: HashMap<_, (usize, bool)> = HashMap::new();
        for line in lines {
            if let Some(installation) = &line.item.installation {
                open.entry((line.item.tenant.clone(), installation.clone())).or_default().0 += 1;
            }
        }
        Self { freezes, open: Mutex::new(open) }
    }

    /// What is to be released with this line, which has its outcome.
    pub(super) fn with(&self, line: &Line) -> Vec<Released> {
        let Some(installation) = &line.item.installation else { return Vec::new() };
        let failed = line.outcome == Outcome::Failed;
        let whole = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let (left, any_failed) = open.entry((line.item.tenant.clone(), installation.clone())).or_default();
            *left = left.saturating_sub(1);
            *any_failed |= failed;
            *left == 0 && !*any_failed
        };
        let own = line.item.key().filter(|_| !failed).map(|key| Some(key.name));
        let names = own.into_iter().chain(whole.then_some(None));
        let one = |name: Option<String>, freeze: u64| Released {
            freeze,
            tenant: line.item.tenant.clone(),
            installation: installation.clone(),
            name,
        };
        names
            .flat_map(|name| self.freezes.iter().map(move |freeze| (name.clone(), *freeze)))
            .map(|(name, freeze)| one(name, freeze))
            .collect()
    }
}
