//! All accounts, and the decisions about them: pure, under the ledger's one lock, with the time as an argument.

use std::{collections::HashMap, time::Duration};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    budget::{Cost, EVENTS, Resource, Suspension, Whose},
    call::Call,
    id::{InstallationId, TenantId},
    limits::Limits,
    time::Timestamp,
};

use super::{
    account::{Account, Room, Suspended, Totals},
    window::{end_of, minute_of},
};

/// How long a call waits where enough others are under way.
const CROWDED: Duration = Duration::from_millis(50);
/// How long an act waits where what is left is reserved by others.
const RESERVED: Duration = Duration::from_secs(1);
/// What must be left of the hour for another call to begin: a call is counted; of the rest it is not known beforehand how
/// much a call will use, so it begins while there is any.
const TO_BEGIN: [Resource; 5] = [Resource::Calls, Resource::Cpu, Resource::Wall, Resource::HostCalls, Resource::Log];

/// Why something may not go on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The capability is suspended.
    Suspended {
        /// Which budget ran out, until when, and who can change that.
        reason: String,
        /// For how long.
        wait: Duration,
        /// Whether this very request suspended it.
        tripped: bool,
    },
    /// What is left is reserved by others at the moment, or enough calls are under way.
    Busy {
        /// The limit's name.
        name: &'static str,
        /// Its value.
        allowed: u64,
        /// How long to wait before asking again.
        wait: Duration,
    },
}

/// The limits that bound one call in the hour: its installation's, and its tenant's where it has any.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub own: &'a Limits,
    pub tenant: Option<&'a Limits>,
}

#[derive(Default)]
pub(super) struct State {
    pub installations: HashMap<InstallationId, Account>,
    /// Of tenants that have bounds.
    pub tenants: HashMap<TenantId, Totals>,
    /// Installations of which the store lacks something.
    pub unwritten: Vec<InstallationId>,
    /// Suspensions that the store does not have, with their entries.
    pub fresh: Vec<(Suspension, Entry)>,
    /// Suspensions that were lifted, which the store is to be told.
    pub lifted: Vec<Suspension>,
    swept: i64,
}

/// The accounts that one call is charged to.
struct Charged<'s> {
    account: &'s mut Account,
    own: &'s Limits,
    tenant: Option<(&'s mut Totals, &'s Limits)>,
    unwritten: &'s mut Vec<InstallationId>,
}

impl Charged<'_> {
    fn suspended(&self, capability: &str, now: Timestamp) -> Result<(), Stop> {
        match self.account.suspension(capability, now) {
            None => Ok(()),
            Some(suspension) => Err(Stop::Suspended {
                reason: suspension.reason.clone(),
                wait: suspension.until.distance(now),
                tripped: false,
            }),
        }
    }

    fn crowded(&self) -> Result<(), Stop> {
        let tenants = self.tenant.as_ref().map(|(totals, limits)| (totals.running, limits.concurrent_calls));
        let own = (self.account.totals.running, self.own.concurrent_calls);
        match tenants.into_iter().chain([own]).find(|(running, most)| running >= most) {
            None => Ok(()),
            Some((_, allowed)) => Err(Stop::Busy { name: "concurrent-calls", allowed, wait: CROWDED }),
        }
    }

    /// The first bound that leaves no room for this much of a resource. The tenant's comes first: where both are reached,
    /// resuming the installation would not help.
    fn short(&mut self, resource: Resource, amount: u64, minute: i64) -> Option<Short> {
        let found = |whose, limits: &Limits, room| match room {
            Room::Enough => None,
            room => Some(Short { resource, amount, whose, allowed: resource.in_hour(limits), room }),
        };
        if let Some((totals, limits)) = &mut self.tenant {
            let short = found(Whose::Tenant, limits, totals.room(resource, amount, limits, minute));
            if short.is_some() {
                return short;
            }
        }
        found(Whose::Installation, self.own, self.account.totals.room(resource, amount, self.own, minute))
    }

    fn write(&mut self, call: &Call, cost: Cost, sign: i64, minute: i64) {
        if !self.account.is_unwritten() {
            self.unwritten.push(call.installation.clone());
        }
        self.account.write(cost, sign, minute);
    }

    fn each(&mut self, change: impl Fn(&mut Totals)) {
        change(&mut self.account.totals);
        if let Some((totals, _)) = &mut self.tenant {
            change(totals);
        }
    }
}

impl State {
    fn charged<'s>(&'s mut self, call: &Call, bounds: Bounds<'s>) -> Charged<'s> {
        let account = self.installations.entry(call.installation.clone());
        Charged {
            account: account.or_insert_with(|| Account::new(call.tenant.clone())),
            own: bounds.own,
            tenant: bounds.tenant.map(|limits| (self.tenants.entry(call.tenant.clone()).or_default(), limits)),
            unwritten: &mut self.unwritten,
        }
    }

    /// Lets a call begin.
    pub fn begin(&mut self, call: &Call, bounds: Bounds<'_>, now: Timestamp) -> Result<(), Stop> {
        let minute = minute_of(now);
        let mut charged = self.charged(call, bounds);
        charged.suspended(EVENTS, now)?;
        charged.crowded()?;
        if let Some(short) = TO_BEGIN.into_iter().find_map(|resource| charged.short(resource, 1, minute)) {
            return Err(self.refuse(call, EVENTS, &short, now));
        }
        let one = Cost::of(Resource::Calls, 1);
        charged.write(call, one, 1, minute);
        charged.each(|totals| {
            totals.running += 1;
            totals.add(one, minute);
        });
        Ok(())
    }

    /// Ends a call that has begun, and counts what only its end shows.
    pub fn end(&mut self, call: &Call, bounds: Bounds<'_>, used: Cost, now: Timestamp) {
        let minute = minute_of(now);
        let mut charged = self.charged(call, bounds);
        charged.write(call, used, 1, minute);
        charged.each(|totals| {
            totals.running = totals.running.saturating_sub(1);
            totals.add(used, minute);
        });
    }

    /// Reserves all of an act's cost, or nothing.
    pub fn reserve(
        &mut self,
        call: &Call,
        bounds: Bounds<'_>,
        capability: &str,
        cost: Cost,
        now: Timestamp,
    ) -> Result<(), Stop> {
        let minute = minute_of(now);
        let mut charged = self.charged(call, bounds);
        charged.suspended(capability, now)?;
        let short = cost.entries().find_map(|(resource, amount)| charged.short(resource, amount, minute));
        if let Some(short) = short {
            return Err(self.refuse(call, capability, &short, now));
        }
        if !cost.is_none() {
            charged.write(call, cost, 1, minute);
            charged.each(|totals| totals.reserve(cost, minute));
        }
        Ok(())
    }

    /// Ends a reservation that was made in this minute.
    pub fn settle(&mut self, call: &Call, bounds: Bounds<'_>, reserved: Cost, unused: Cost, minute: i64) {
        let mut charged = self.charged(call, bounds);
        if !unused.is_none() {
            charged.write(call, unused, -1, minute);
        }
        charged.each(|totals| totals.settle(reserved, unused, minute));
    }

    /// What is left of the hour.
    pub fn left(&mut self, call: &Call, bounds: Bounds<'_>, resource: Resource, now: Timestamp) -> u64 {
        let minute = minute_of(now);
        let charged = self.charged(call, bounds);
        let own = charged.account.totals.left(resource, bounds.own, minute);
        charged.tenant.map_or(own, |(totals, limits)| own.min(totals.left(resource, limits, minute)))
    }

    /// Takes the store's word for what is suspended: what it no longer has was lifted by an admin, and what was used of that
    /// until now is forgotten. `stored`: what it has been given.
    pub fn reconcile(&mut self, stored: &[Suspension], holding: Vec<Suspension>, now: Timestamp) {
        for suspended in self.installations.values_mut().flat_map(|account| &mut account.suspended) {
            suspended.stored |= stored.iter().any(|other| same(other, &suspended.what));
        }
        for (id, account) in &mut self.installations {
            let (gone, kept): (Vec<_>, Vec<_>) = account.suspended.drain(..).partition(|suspended| {
                let over = suspended.what.until <= now;
                over || suspended.stored && !holding.iter().any(|other| same(other, &suspended.what))
            });
            account.suspended = kept;
            for Suspended { what, .. } in gone.into_iter().filter(|s| s.what.until > now) {
                tracing::info!(installation = %id, capability = what.capability, "an admin let it go on");
                account.totals.forget(what.resource);
                self.lifted.push(what);
            }
        }
        for what in holding.into_iter().filter(|what| what.until > now) {
            self.adopt(what);
        }
    }

    /// Holds to a suspension that the store has.
    pub fn adopt(&mut self, what: Suspension) {
        let account =
            self.installations.entry(what.installation.clone()).or_insert_with(|| Account::new(what.tenant.clone()));
        if account.suspended.iter().all(|known| known.what.capability != what.capability) {
            account.suspended.push(Suspended { what, stored: true });
        }
    }

    /// Once a minute: lets go of the accounts of which nothing counts any more.
    pub fn sweep(&mut self, now: Timestamp) {
        let minute = minute_of(now);
        if self.swept != minute {
            self.swept = minute;
            self.installations.retain(|_, account| !account.is_idle(minute));
            self.tenants.retain(|_, totals| !totals.is_idle(minute));
        }
    }

    /// Why there is no room; where it is not for others' reservations, the capability is suspended with it.
    fn refuse(&mut self, call: &Call, capability: &str, short: &Short, now: Timestamp) -> Stop {
        let Room::Out { used } = short.room else {
            return Stop::Busy { name: short.resource.hourly(), allowed: short.allowed, wait: RESERVED };
        };
        let until = end_of(minute_of(now));
        let reason = short.words(used, until);
        let what = Suspension {
            tenant: call.tenant.clone(),
            installation: call.installation.clone(),
            capability: capability.to_owned(),
            resource: short.resource,
            whose: short.whose,
            since: now,
            until,
            reason: reason.clone(),
        };
        tracing::warn!(
            tenant = %call.tenant, installation = %call.installation, plugin = %call.plugin, capability, reason,
            "a budget ran out: the capability is suspended"
        );
        let entry = Entry::new(now, Kind::CapabilitySuspended, Actor::Host, Some(call.tenant.clone()))
            .about(format!("installation:{}", call.installation))
            .with("capability", capability)
            .with("plugin", call.plugin.as_str())
            .with("call", call.id.as_str())
            .with("budget", short.resource.hourly())
            .with("whose", short.whose.name())
            .with("allowed", short.allowed)
            .with("until", until.to_string())
            .with("reason", reason.as_str());
        if let Some(account) = self.installations.get_mut(&call.installation) {
            account.suspended.retain(|old| old.what.capability != capability);
            account.suspended.push(Suspended { what: what.clone(), stored: false });
        }
        self.fresh.push((what, entry));
        Stop::Suspended { reason, wait: until.distance(now), tripped: true }
    }
}

/// A bound that leaves no room, and how much was asked for.
struct Short {
    resource: Resource,
    amount: u64,
    whose: Whose,
    allowed: u64,
    room: Room,
}

impl Short {
    /// What is told to the plugin, the admin and the log.
    fn words(&self, used: u64, until: Timestamp) -> String {
        let unit = self.resource.unit();
        let name = self.resource.hourly();
        let [used, more, allowed] = [used.div_ceil(unit), self.amount.div_ceil(unit), self.allowed].map(grouped);
        let until = until.to_string();
        let until = until.get(11..16).unwrap_or(&until);
        match self.whose {
            Whose::Installation => format!(
                "{name}: {used} of {allowed} used and {more} more asked for; suspended until {until}Z; an admin can resume it"
            ),
            Whose::Tenant => format!(
                // What the others used is none of this plugin's business.
                "the tenant's {name}: its {allowed} are used up by its installations together; suspended until {until}Z; the \
                 operator can raise it"
            ),
        }
    }
}

/// Whether both are the same event. Its end may have been moved when it was read back.
fn same(a: &Suspension, b: &Suspension) -> bool {
    a.installation == b.installation && a.capability == b.capability && a.since == b.since
}

/// A number with a comma at each thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 20_000, 1_234_567].map(grouped), ["0", "999", "1,000", "20,000", "1,234,567"]);
    }
}
