//! What one installation, or one tenant, has used and has under way. Plain values: the ledger's lock is around them.

use portcullis_model::{
    budget::{Cost, Resource, Suspension, Use},
    id::{InstallationId, TenantId},
    limits::Limits,
    time::Timestamp,
};

use super::window::Window;

const RESOURCES: usize = Resource::ALL.len();

/// Whether there is room for an amount under a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Enough,
    /// Not while what is reserved at the moment may still be used.
    NotNow,
    /// Not even if nothing of what is reserved were used.
    Out {
        /// What was used, as it is counted.
        used: u64,
    },
}

/// The hour's uses, what is reserved of them, and the calls under way.
#[derive(Debug, Default)]
pub(super) struct Totals {
    windows: [Window; RESOURCES],
    reserved: Cost,
    /// Calls under way.
    pub running: u64,
}

impl Totals {
    /// What the hour's limit leaves, in units of the count.
    pub fn left(&mut self, resource: Resource, limits: &Limits, minute: i64) -> u64 {
        let bound = resource.in_hour(limits).saturating_mul(resource.unit());
        bound.saturating_sub(self.windows[resource as usize].total(minute))
    }

    /// Whether so much more has room under the hour's limit.
    pub fn room(&mut self, resource: Resource, amount: u64, limits: &Limits, minute: i64) -> Room {
        let bound = resource.in_hour(limits).saturating_mul(resource.unit());
        let counted = self.windows[resource as usize].total(minute);
        let used = counted.saturating_sub(self.reserved.get(resource));
        match counted.saturating_add(amount) <= bound {
            true => Room::Enough,
            false if used.saturating_add(amount) <= bound => Room::NotNow,
            false => Room::Out { used },
        }
    }

    pub fn add(&mut self, cost: Cost, minute: i64) {
        for (resource, amount) in cost.entries() {
            self.windows[resource as usize].add(minute, amount);
        }
    }

    /// Counts the cost at once, so that nobody else can use it, and remembers that it may turn out to be less.
    pub fn reserve(&mut self, cost: Cost, minute: i64) {
        self.add(cost, minute);
        self.reserved = self.reserved.plus(cost);
    }

    /// Ends a reservation that was made in this minute, of which so much was not used.
    pub fn settle(&mut self, reserved: Cost, unused: Cost, minute: i64) {
        self.reserved = self.reserved.minus(reserved);
        for (resource, amount) in unused.entries() {
            self.windows[resource as usize].take_back(minute, amount);
        }
    }

    pub fn forget(&mut self, resource: Resource) {
        self.windows[resource as usize].clear();
    }

    /// Whether nothing would be lost with it.
    pub fn is_idle(&mut self, minute: i64) -> bool {
        self.running == 0 && self.reserved.is_none() && self.windows.iter_mut().all(|window| window.total(minute) == 0)
    }
}

/// A suspension, and whether the store has it.
#[derive(Debug)]
pub(super) struct Suspended {
    pub what: Suspension,
    pub stored: bool,
}

/// One installation.
#[derive(Debug)]
pub(super) struct Account {
    pub tenant: TenantId,
    pub totals: Totals,
    pub suspended: Vec<Suspended>,
    /// Changes that the store does not have yet, minute by minute.
    unwritten: Vec<(i64, [i64; RESOURCES])>,
}

impl Account {
    pub fn new(tenant: TenantId) -> Self {
        Self { tenant, totals: Totals::default(), suspended: Vec::new(), unwritten: Vec::new() }
    }

    /// The suspension of a capability, where one holds.
    pub fn suspension(&self, capability: &str, now: Timestamp) -> Option<&Suspension> {
        if self.suspended.is_empty() {
            return None;
        }
        self.suspended.iter().map(|s| &s.what).find(|s| s.capability == capability && s.until > now)
    }

    /// Whether the store lacks anything of it.
    pub fn is_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Remembers a change for the store.
    pub fn write(&mut self, cost: Cost, sign: i64, minute: i64) {
        let place = match self.unwritten.iter().rposition(|(m, _)| *m == minute) {
            Some(place) => place,
            None => {
                self.unwritten.push((minute, [0; RESOURCES]));
                self.unwritten.len() - 1
            }
        };
        for (resource, amount) in cost.entries() {
            let change = i64::try_from(amount).unwrap_or(i64::MAX).saturating_mul(sign);
            let there = &mut self.unwritten[place].1[resource as usize];
            *there = there.saturating_add(change);
        }
    }

    /// Hands over the changes that the store lacks.
    pub fn take_unwritten(&mut self, installation: &InstallationId) -> Vec<Use> {
        let changes = std::mem::take(&mut self.unwritten);
        let uses = changes.into_iter().flat_map(|(minute, amounts)| {
            Resource::ALL.iter().map(move |resource| (minute, *resource, amounts[*resource as usize]))
        });
        uses.filter(|(_, _, amount)| *amount != 0)
            .map(|(minute, resource, amount)| Use {
                tenant: self.tenant.clone(),
                installation: installation.clone(),
                resource,
                minute,
                amount,
                forgiven: 0,
            })
            .collect()
    }

    /// Takes a change back that the store could not write.
    pub fn not_written(&mut self, change: &Use) {
        let amount = change.amount.unsigned_abs();
        self.write(Cost::of(change.resource, amount), change.amount.signum(), change.minute);
    }

    /// Whether nothing would be lost with it.
    pub fn is_idle(&mut self, minute: i64) -> bool {
        self.suspended.is_empty() && self.unwritten.is_empty() && self.totals.is_idle(minute)
    }
}
