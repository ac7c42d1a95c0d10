//! What a running host rotates by itself: new secrets of sources take their place, what policy says is due is rotated, what a crash cut
//! off goes on, and what was ended is revoked.
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
};
use tokio::sync::watch;

use super::{endings, rotator, sources, turns};
use crate::{each::Each, host::Host};

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

    /// Goes on with what was cut off before the start.
    async fn go_on(&mut self) -> Result<()> {
        let left = match &self.cut_off {
            Some(left) => left.clone(),
            None => {
                let acts = self.scheduler.cut_off().await?;
                let ids = acts.into_iter().map(|act| act.id).collect();
                self.cut_off.insert(Arc::new(Mutex::new(ids))).clone()
            }
        };
        if left.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Ok(());
        }
        let acts = self.scheduler.cut_off().await?;
        left.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| acts.iter().any(|act| act.id == *id));
        for act in acts {
            if !left.lock().unwrap_or_else(PoisonError::into_inner).contains(&act.id) {
                continue;
            }
            let tenant = turns::whose(&self.host, std::slice::from_ref(&act.extent)).await?;
            if !self.under_way.may_begin(&tenant) {
                continue;
            }
            let Some(turn) = turns::try_take(&self.host.home, tenant.as_ref())? else { continue };
            let (scheduler, left) = (self.scheduler.clone(), left.clone());
            self.under_way.begin(tenant, async move {
                let _turn = turn;
                match scheduler.go_on(&act.id).await {
                    Ok(()) => {
                        left.lock().unwrap_or_else(PoisonError::into_inner).remove(&act.id);
                    }
                    Err(error) => {
                        tracing::error!(act = %act.id, %error, "a rotation that was cut off cannot go on; it is tried again");
                    }
                }
            });
        }
        Ok(())
    }
}
