//! Answers for rotation by policy: what is due is minted anew in its window, and of what nobody can mint a person is told (INT-5).
//!
//! Invariants: what is due of a tenant is rotated in acts of that tenant, as a person's order would be; what fails is left alone for a while that
//! doubles, and what is in use stays in use; a person is told once for each generation; what is frozen waits until it is not; an emergency
//! that whoever ordered it does not go on with is carried out all the same, as long as what it froze is frozen.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::{
    audit::{Entry, Kind},
    freeze::{Extent, FreezeState, Released},
    id::{RotationId, TenantId},
    rotation::{Act, Due, Held, Item, Line, Mode, Outcome, Policy, Renewal, Scope},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::act::{Order, Quiet, RotateError, Rotator};

/// The first pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(300);
/// How often it doubles: to a bit more than five hours.
const DOUBLED: u32 = 6;

/// For how long an emergency is left to whoever ordered it: longer than they wait for it to hold, and for their turn.
pub const LEFT_ALONE: Duration = Duration::from_secs(900);

/// How old something is, and how old it may get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// What.
    #[serde(flatten)]
    pub held: Held,
    /// What holds for it.
    pub policy: Policy,
    /// When it is to be rotated; absent where nothing limits its age.
    pub due: Option<Due>,
    /// Whether its limit has passed.
    pub overdue: bool,
}

/// What is due of one tenant, by how long old secrets go on beside new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batches(BTreeMap<Duration, Vec<Item>>);

/// Rotates by policy.
pub struct Scheduler {
    rotator: Rotator,
    failed: Mutex<HashMap<Item, (u32, Timestamp)>>,
}

impl Scheduler {
    /// With what carries out acts.
    pub fn new(rotator: Rotator) -> Self {
        Self { rotator, failed: Mutex::default() }
    }

    /// Everything that is held, with what holds for it.
    pub async fn status(&self) -> Result<Vec<Status>, RotateError> {
        let policies = self.rotator.store.policies().await?;
        let now = self.rotator.clock.now();
        let held = self.rotator.families.list().await.map_err(RotateError::List)?;
        let limited = held.into_iter().filter(|held| held.nature.renewal != Renewal::Holder);
        Ok(limited.map(|held| status(held, &policies, now)).collect())
    }

    /// Acts by policy that a crash cut off, or that are under way; and emergencies that nobody goes on with, or that have been under way
    /// for long. One whose freeze somebody has lifted was taken back by that.
    pub async fn cut_off(&self) -> Result<Vec<Act>, RotateError> {
        let (now, frozen) = (self.rotator.clock.now(), self.rotator.freezes.freezes().await?.freezes);
        let mut acts = self.rotator.store.acts().await?;
        acts.retain(|act| match act.mode {
            _ if act.ended.is_some() => false,
            Mode::Planned => true,
            Mode::Emergency => {
                act.started.plus(LEFT_ALONE) <= now && frozen.iter().any(|freeze| freeze.act.as_ref() == Some(&act.id))
            }
            Mode::Rehearsal => false,
        });
        Ok(acts)
    }

    /// Goes on with one of them, where it has not ended since. Whoever calls has the turn of all that it reaches.
    pub async fn go_on(&self, id: &RotationId) -> Result<(), RotateError> {
        if self.cut_off().await?.iter().any(|act| act.id == *id) {
            let frozen = self.rotator.freezes.freezes().await?.freezes;
            // What stays frozen is lifted by whoever could lift what the order froze.
            let platform = frozen.iter().any(|freeze| freeze.act.as_ref() == Some(id) && freeze.platform);
            let rotator = Rotator { platform, ..self.rotator.clone() };
            rotator.go_on(id, Arc::new(Quiet)).await?;
        }
        Ok(())
    }

    /// Goes on with all of them: with each, whatever becomes of the others. Gives those that are not through yet, and why.
    pub async fn recover(&self) -> Result<Vec<(RotationId, RotateError)>, RotateError> {
        let mut left = Vec::new();
        for act in self.cut_off().await? {
            if let Err(error) = self.go_on(&act.id).await {
                left.push((act.id, error));
            }
        }
        Ok(left)
    }

    /// What is due now, by tenant; tells of what a person must replace.
    pub async fn due(&self) -> Result<BTreeMap<TenantId, Batches>, RotateError> {
        let (now, mut due): (_, BTreeMap<TenantId, Batches>) = (self.rotator.clock.now(), BTreeMap::new());
        let frozen = self.rotator.freezes.freezes().await?;
        for status in self.status().await? {
            if !status.due.is_some_and(|due| status.policy.is_due(due, now)) {
                continue;
            }
            let by_itself = matches!(status.held.nature.renewal, Renewal::Own | Renewal::RefreshToken);
            if !by_itself || status.held.needs_person {
                self.tell(&status).await?;
            } else if self.may_be_tried(&status.held.item, now) && !is_frozen(&frozen, &status.held) {
                let batches = due.entry(status.held.item.tenant.clone()).or_default();
                batches.0.entry(status.policy.overlap()).or_default().push(status.held.item);
            }
        }
        Ok(due)
    }

    /// Rotates what is due of a tenant, whose turn whoever calls has. Gives the acts.
    pub async fn rotate(&self, tenant: &TenantId, due: Batches) -> Result<Vec<RotationId>, RotateError> {
        let mut acts = Vec::new();
        for (overlap, items) in due.0 {
            let order = Order {
                mode: Mode::Planned,
                extent: Extent::Tenant(tenant.clone()),
                reason: "as old as policy lets it be".to_owned(),
                only: Some(items),
                overlap,
            };
            let (act, lines) = self.rotator.carry_out(order, Arc::new(Quiet)).await?;
            lines.iter().for_each(|line| self.remember(line));
            acts.push(act.id);
        }
        Ok(acts)
    }

    /// One look, for whoever has the turns of all: rotates what is due, tenant by tenant. Gives the acts.
    pub async fn tick(&self) -> Result<Vec<RotationId>, RotateError> {
        let mut acts = Vec::new();
        for (tenant, due) in self.due().await? {
            acts.extend(self.rotate(&tenant, due).await?);
        }
        Ok(acts)
    }

    async fn tell(&self, status: &Status) -> Result<(), RotateError> {
        let held = &status.held;
        let actor = self.rotator.actor.clone();
        let mut entry = Entry::new(self.rotator.clock.now(), Kind::RotationNeeded, actor, held.item.owner().cloned())
            .about(held.item.to_string())
            .with("generation", held.generation)
            .with("family", held.item.family.name())
            .with("name", held.item.name.as_str());
        if let Some(installation) = &held.item.installation {
            entry = entry.with("installation", installation.as_str());
        }
        if let Some(due) = status.due {
            entry = entry.with("limit", due.limit.to_string());
        }
        self.rotator.store.note_needed(&held.item, held.generation, entry).await?;
        Ok(())
    }

    fn may_be_tried(&self, item: &Item, now: Timestamp) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(item).is_none_or(|(_, until)| *until <= now)
    }

    fn remember(&self, line: &Line) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if line.outcome != Outcome::Failed {
            failed.remove(&line.item);
            return;
        }
        let times = failed.get(&line.item).map_or(0, |(times, _)| *times);
        let pause = FIRST_PAUSE.saturating_mul(1 << times.min(DOUBLED));
        failed.insert(line.item.clone(), (times.saturating_add(1), self.rotator.clock.now().plus(pause)));
    }
}

fn is_frozen(state: &FreezeState, held: &Held) -> bool {
    let item = &held.item;
    let is_its = |one: &Released| {
        one.tenant == item.tenant
            && Some(&one.installation) == item.installation.as_ref()
            && one.name.as_ref().is_none_or(|name| *name == item.name)
    };
    let released = |number| state.released.iter().any(|one| one.freeze == number && is_its(one));
    state.freezes.iter().any(|freeze| held.is_in(&freeze.extent) && !released(freeze.number))
}

fn status(held: Held, policies: &[(Scope, Policy)], now: Timestamp) -> Status {
    let of = |scope: &Scope| policies.iter().find(|(known, _)| known == scope).map(|(_, policy)| policy);
    let installation = held.item.installation.clone().map(Scope::Installation);
    let tenant = held.item.owner().cloned().map(Scope::Tenant);
    let layers = [of(&Scope::Host), tenant.as_ref().and_then(of), installation.as_ref().and_then(of)];
    let policy = Policy::meet(layers.into_iter().flatten());
    // Of what nobody knows the age it is assumed to be the greatest.
    let due = policy.due(held.issued.unwrap_or(Timestamp(0)));
    Status { overdue: due.is_some_and(|due| due.limit <= now), held, policy, due }
}
