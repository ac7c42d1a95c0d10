//! The ledger: what every installation and tenant has used in the last hour, what is reserved of it, and what is suspended
//! because it ran out.
//!
//! A capability that runs out is suspended for its installation alone, until the use that filled the hour no longer counts;
//! the rest of the installation goes on. What belongs to no capability (calls, CPU time, time in calls, calls into the host,
//! log) suspends `events`: deliveries wait.
//!
//! Invariants:
//! - records, requests and bytes are reserved before the effect, so that a bound on them is exact, however many calls run at
//!   once; what only the end of a call shows is looked at before each call, and passed at most by the calls then under way;
//! - no call begins before the uses of the last hour were read back; a crash forgets at most the last second;
//! - a suspension is in the store, with its audit entry, before the plugin hears of it, unless the store fails.

mod account;
mod durable;
mod state;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use portcullis_model::{
    budget::{BudgetStore, Cost, Resource},
    call::Call,
    error::ServiceError,
    id::TenantId,
    invoke::CallEnd,
    limits::Limits,
    time::Clock,
};
use tokio::sync::OnceCell;

pub(crate) use self::state::Stop;
use self::{
    state::{Bounds, State},
    window::minute_of,
};

/// The longest that a held call is not asked for again: a suspension may be lifted before its time.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// The one account book of a host.
pub struct Ledger {
    store: Arc<dyn BudgetStore>,
    clock: Arc<dyn Clock>,
    tenants: BTreeMap<TenantId, Limits>,
    state: Mutex<State>,
    loaded: OnceCell<()>,
    writing: tokio::sync::Mutex<()>,
}

impl Ledger {
    /// A ledger on this store, with the bounds of those tenants that have any.
    pub fn new(store: Arc<dyn BudgetStore>, clock: Arc<dyn Clock>, tenants: BTreeMap<TenantId, Limits>) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            tenants,
            state: Mutex::default(),
            loaded: OnceCell::new(),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// What a call may use, the tenant's limits included.
    pub(crate) fn within(&self, tenant: &TenantId, limits: Limits) -> Limits {
        match self.tenants.get(tenant) {
            None => limits,
            // Its hourly limits are for all installations together; an installation's own stay what they are.
            Some(bound) => {
                let call = limits.meet(*bound);
                Resource::ALL.iter().fold(call, |mut call, resource| {
                    call.set(resource.hourly(), resource.in_hour(&limits));
                    call
                })
            }
        }
    }

    /// Lets a call begin, or says how it ends without having begun.
    pub(crate) async fn begin(self: &Arc<Self>, call: &Arc<Call>) -> Result<Turn, CallEnd> {
        if let Err(error) = self.load().await {
            tracing::error!(%error, "no call can begin: the budgets cannot be read");
            return Err(CallEnd::HostFailed("the budgets cannot be read".into()));
        }
        let begun = self.state().begin(call, self.bounds(call), self.clock.now());
        match begun {
            Ok(()) => {
                let budget = CallBudget { ledger: self.clone(), call: call.clone(), used: Mutex::default() };
                Ok(Turn { budget: Arc::new(budget), used: Cost::NONE })
            }
            Err(Stop::Suspended { reason, wait, tripped }) => {
                if tripped {
                    self.write_now().await;
                }
                Err(CallEnd::Held { reason, wait })
            }
            Err(Stop::Busy { name, allowed, wait }) => {
                Err(CallEnd::Held { reason: format!("{name}: {allowed} allowed, and as many are under way"), wait })
            }
        }
    }

    /// The same end, asked for again soon enough for a suspension that is lifted before its time.
    pub(crate) fn looking_again(end: CallEnd) -> CallEnd {
        match end {
            CallEnd::Held { reason, wait } => CallEnd::Held { reason, wait: wait.min(LOOK_AGAIN) },
            other => other,
        }
    }

    fn bounds<'a>(&'a self, call: &'a Call) -> Bounds<'a> {
        Bounds { own: &call.limits, tenant: self.tenants.get(&call.tenant) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that has begun. Its end is counted when this is dropped, however it came about.
pub(crate) struct Turn {
    budget: Arc<CallBudget>,
    used: Cost,
}

impl Turn {
    /// What the call's acts are charged to.
    pub fn budget(&self) -> &Arc<CallBudget> {
        &self.budget
    }

    /// Ends the call, which has used this much beside its acts.
    pub fn end(mut self, used: Cost) {
        self.used = used;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let CallBudget { ledger, call, .. } = self.budget.as_ref();
        ledger.state().end(call, ledger.bounds(call), self.used, ledger.clock.now());
    }
}

/// What one call has used and reserved, and its way to the ledger.
pub(crate) struct CallBudget {
    ledger: Arc<Ledger>,
    call: Arc<Call>,
    used: Mutex<Cost>,
}

/// Why an act gets nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The call has no more of it, or for the moment nobody has.
    Limited(ServiceError),
    /// The capability is suspended.
    Suspended {
        /// Which budget ran out, until when, and who can change that.
        reason: String,
        /// For how long.
        wait: Duration,
        /// Whether this act suspended it: then it is to be [written down](CallBudget::write_now) first.
        tripped: bool,
    },
}

impl CallBudget {
    /// Reserves an act's cost.
    pub fn reserve(self: &Arc<Self>, capability: &str, cost: Cost) -> Result<Reservation, Refusal> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let limits = &self.call.limits;
        for (resource, amount) in cost.entries() {
            if let Some(allowed) = resource.in_call(limits)
                && used.get(resource).saturating_add(amount) > allowed.saturating_mul(resource.unit())
            {
                return Err(Refusal::Limited(ServiceError::limited(resource.name(), allowed)));
            }
        }
        let now = self.ledger.clock.now();
        let reserved = self.ledger.state().reserve(&self.call, self.ledger.bounds(&self.call), capability, cost, now);
        match reserved {
            Ok(()) => {
                *used = used.plus(cost);
                Ok(Reservation { budget: self.clone(), cost, unused: Cost::NONE, minute: minute_of(now) })
            }
            Err(Stop::Suspended { reason, wait, tripped }) => Err(Refusal::Suspended { reason, wait, tripped }),
            Err(Stop::Busy { name, allowed, wait }) => Err(Refusal::Limited(ServiceError::Limited {
                name,
                allowed,
                retry_after_ms: Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)),
            })),
        }
    }

    /// What is left of a resource: in this call, in its installation's hour, and in its tenant's.
    pub fn room(&self, resource: Resource) -> u64 {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).get(resource);
        let in_call = resource
            .in_call(&self.call.limits)
            .map_or(u64::MAX, |limit| limit.saturating_mul(resource.unit()).saturating_sub(used));
        let (bounds, now) = (self.ledger.bounds(&self.call), self.ledger.clock.now());
        in_call.min(self.ledger.state().left(&self.call, bounds, resource, now))
    }

    /// The installation's own bound on a resource in the hour, and what is left of it. Where the tenant's leaves less, that is
    /// not told: what the others used is none of this installation's business.
    pub fn hourly(&self, resource: Resource) -> (u64, u64) {
        let own = &self.call.limits;
        let bounds = Bounds { own, tenant: None };
        let left = self.ledger.state().left(&self.call, bounds, resource, self.ledger.clock.now());
        (resource.in_hour(own).saturating_mul(resource.unit()), left)
    }

    /// Writes a new suspension down, and waits for that.
    pub async fn write_now(&self) {
        self.ledger.write_now().await;
    }
}

/// What is reserved for one act. What nobody says was not used was used.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<CallBudget>,
    cost: Cost,
    unused: Cost,
    minute: i64,
}

impl Reservation {
    /// What was reserved.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Ends it: this much was used.
    pub fn settle(mut self, used: Cost) {
        self.unused = self.cost.minus(used);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.cost.is_none() {
            return;
        }
        let CallBudget { ledger, call, used } = self.budget.as_ref();
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = used.minus(self.unused);
        ledger.state().settle(call, ledger.bounds(call), self.cost, self.unused, self.minute);
    }
}

impl std::fmt::Debug for CallBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallBudget").field("call", &self.call.id).field("used", &self.used).finish_non_exhaustive()
    }
}
