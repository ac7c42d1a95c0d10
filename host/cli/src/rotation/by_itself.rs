//! What a running host rotates by itself: new secrets of sources take their place, what policy says is due is rotated, what a crash cut
//! off goes on, an emergency among it that nobody went on with, and what was ended is revoked.
//!
//! Invariants: somebody's order goes first, and what it rotates is not due any more; a tenant whose providers are slow holds up nobody
//! else's rotations.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use portcullis_broker::rotation::Scheduler;
use portcullis_model::{
    audit::Actor,
    id::{RotationId, TenantId},
    rotation::Mode,
};
use tokio::sync::watch;

use super::{endings, rotator, sources, turns};
use crate::{each::Each, home::Home, host::Host};

/// How often a running host looks for what is due.
const TICK: Duration = Duration::from_secs(15);
/// How many tenants' acts are under way at the same time.
const AT_ONCE: usize = 32;

/// Goes on until it is told to stop.
pub async fn run(host: Arc<Host>, stop: watch::Receiver<bool>) {
    tokio::join!(endings(&host, Actor::Host).run(stop.clone()), rotate(&host, stop));
}

async fn rotate(host: &Arc<Host>, mut stop: watch::Receiver<bool>) {
    let sources = sources(host, Actor::Host);
    let mut round = Round::new(host);
    while !*stop.borrow() {
        if let Err(error) = sources.promote().await {
            tracing::error!(%error, "a source's new secret could not take its place; it is tried again");
        }
        if let Err(error) = round.look().await {
            tracing::error!(%error, "what is due could not be rotated; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => {}
        }
    }
    round.under_way.all().await;
}

/// What is under way, and what is left of before the start.
struct Round {
    host: Arc<Host>,
    scheduler: Arc<Scheduler>,
    under_way: Each<Option<TenantId>>,
    /// Acts that were cut off before the start; `None` until it was looked.
    cut_off: Option<Arc<Mutex<BTreeSet<RotationId>>>>,
}

impl Round {
    fn new(host: &Arc<Host>) -> Self {
        let scheduler = Arc::new(Scheduler::new(rotator(host, Actor::Host, true)));
        Self { host: host.clone(), scheduler, under_way: Each::new(AT_ONCE), cut_off: None }
    }

    async fn look(&mut self) -> Result<()> {
        self.under_way.look();
        self.go_on().await?;
        let mut turns = BTreeMap::new();
        for tenant in self.scheduler.due().await?.into_keys() {
            let key = Some(tenant);
            if turns.len() < AT_ONCE
                && self.under_way.may_begin(&key)
                && let Some(turn) = turns::try_take(&self.host.home, key.as_ref())?
            {
                turns.insert(key, turn);
            }
        }
        if turns.is_empty() {
            return Ok(());
        }
        // Somebody's order may have been carried out before its tenant's turn was taken.
        for (tenant, batches) in self.scheduler.due().await? {
            let Some(turn) = turns.remove(&Some(tenant.clone())) else { continue };
            let (scheduler, of) = (self.scheduler.clone(), tenant.clone());
            self.under_way.begin(Some(tenant), async move {
                let _turn = turn;
                if let Err(error) = scheduler.rotate(&of, batches).await {
                    tracing::error!(tenant = %of, %error, "what is due could not be rotated; it is tried again");
                }
            });
        }
        Ok(())
    }

    /// Goes on with acts by policy that were cut off before the start, and with emergencies that whoever ordered them does not go on with.
    async fn go_on(&mut self) -> Result<()> {
        let left = match &self.cut_off {
            Some(left) => left.clone(),
            None => {
                let acts = self.scheduler.cut_off().await?;
                let ids = acts.into_iter().map(|act| act.id).collect();
                self.cut_off.insert(Arc::new(Mutex::new(ids))).clone()
            }
        };
        let acts = self.scheduler.cut_off().await?;
        left.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| acts.iter().any(|act| act.id == *id));
        for act in acts {
            // An act by policy that began since the start is under way here.
            if act.mode == Mode::Planned && !left.lock().unwrap_or_else(PoisonError::into_inner).contains(&act.id) {
                continue;
            }
            let tenant = turns::whose(&self.host, std::slice::from_ref(&act.extent)).await?;
            if !self.under_way.may_begin(&tenant) {
                continue;
            }
            let (scheduler, left, home) = (self.scheduler.clone(), left.clone(), self.host.home.clone());
            self.under_way.begin(tenant.clone(), async move {
                match gone_on(&scheduler, &home, tenant.as_ref(), &act.id).await {
                    Ok(true) => {
                        left.lock().unwrap_or_else(PoisonError::into_inner).remove(&act.id);
                    }
                    // Somebody has a turn that it would meet: it may be this very act.
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(act = %act.id, error = %format!("{error:#}"), "a rotation that was cut off cannot go on; it is tried again");
                    }
                }
            });
        }
        Ok(())
    }
}

/// Goes on with an act in its turn. False where it does not get one.
async fn gone_on(scheduler: &Scheduler, home: &Home, tenant: Option<&TenantId>, act: &RotationId) -> Result<bool> {
    let Some(_turn) = turns::wait(home, tenant).await? else { return Ok(false) };
    scheduler.go_on(act).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use portcullis_broker::rotation::Order;
    use portcullis_model::{
        freeze::{Extent, FreezeStore as _},
        rotation::{Act, RotationStore as _},
        time::Timestamp,
    };

    use super::*;
    use crate::commands::init;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_emergency_is_taken_up_once_whoever_ordered_it_has_had_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let host = Arc::new(init::create(Home::at(dir.path()), "").await.unwrap());
        let (mode, extent, reason) = (Mode::Emergency, Extent::All, "a breach".to_owned());
        let order = Order { mode, extent, reason, only: None, overlap: Duration::ZERO };
        let act = rotator(&host, Actor::Host, true).freeze(order).await.unwrap();
        let mut round = Round::new(&host);
        for (started, is_taken_up) in [(act.started, false), (Timestamp(0), true)] {
            host.store.put_act(Act { started, ..act.clone() }, Vec::new()).await.unwrap();
            round.look().await.unwrap();
            round.under_way.all().await;
            assert_eq!(host.store.acts().await.unwrap()[0].ended.is_some(), is_taken_up);
            assert_eq!(host.store.freezes().await.unwrap().freezes.is_empty(), is_taken_up);
        }
    }
}
