//! Who writes how often, and whether a commit waits a moment for somebody who is about to come: pure, with the time as an argument.
//!
//! Most write one after the other: each is answered, goes on, and soon hands in the next. Who comes just after a commit began waits for
//! it, and then for its own. Beside somebody who writes more that is so nearly each time: who writes less is held up by half a commit
//! and more, and who writes most has the writer for itself. So a commit that serves only such as used the writer as much of late, or
//! more, waits for the one that is expected sooner than a commit would end. One commit serves both then, and the lighter one goes at
//! its own pace.
//!
//! Invariants: nobody waits for somebody who uses the writer more; a commit waits for [`MOST`] at the most, and for no longer than
//! commits take of late; who was waited for in vain is not for a while; for who is alone, and for what is no tenant's, nothing waits.

use std::{collections::HashMap, time::Duration};

use portcullis_model::id::TenantId;

use super::lanes::Lane;

/// The longest that a commit waits for others.
const MOST: Duration = Duration::from_millis(1);
/// How many pauses of one tenant are known.
const KNOWN: usize = 8;
/// Fewer of them say nothing.
const ENOUGH: usize = 4;
/// Who pauses for longer has rested: what was before says nothing of what follows.
const RESTED: Duration = Duration::from_millis(5);
/// How much later than ever of late somebody may come.
const LATE: Duration = Duration::from_micros(40);
/// How long it takes until half of a use counts no more.
const HALF: Duration = Duration::from_millis(25);
/// The part of another's use from which on one waits for it: those that use about as much wait for one another.
const AS_MUCH: f64 = 0.75;
/// Who did not come is not waited for in the next two commits, and each time twice as many; these are the most doublings.
const DOUBLINGS: u32 = 6;
/// Who has not come for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// How long one tenant takes from an answer until it hands in the next.
#[derive(Default)]
struct Pauses {
    /// The oldest first.
    last: Vec<Duration>,
    middle: Duration,
    longest: Duration,
}

impl Pauses {
    fn add(&mut self, pause: Duration) {
        if pause > RESTED {
            self.last.clear();
            return;
        }
        if self.last.len() == KNOWN {
            self.last.remove(0);
        }
        self.last.push(pause);
        let mut sorted = self.last.clone();
        sorted.sort_unstable();
        self.middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        self.longest = sorted.last().copied().unwrap_or_default();
    }
}

/// What is known of one tenant.
#[derive(Default)]
struct Habit {
    /// How many of its jobs it waits for, and how many of these are in the present group.
    waits: usize,
    served: usize,
    /// How many of its jobs are in the group, whether it waits for them or not.
    jobs: usize,
    /// Since when it waits for none.
    free: Option<Duration>,
    pauses: Pauses,
    /// Nanoseconds of the writer's time, the older the less.
    used: f64,
    /// How often in turn it was waited for in vain, and for how many commits it is not for that.
    vain: u32,
    spared: u32,
}

impl Habit {
    /// Until when it is worth to wait for it, where it is expected before this time.
    fn expected(&self, now: Duration, before: Duration) -> Option<Duration> {
        let free = self.free.filter(|_| self.spared == 0 && self.pauses.last.len() >= ENOUGH)?;
        let latest = free + self.pauses.longest + LATE;
        (free + self.pauses.middle <= before && now < latest).then(|| latest.min(before))
    }
}

/// Somebody for whom the present group waits.
struct Awaited {
    tenant: TenantId,
    until: Duration,
}

/// What is known of all.
#[derive(Default)]
pub(super) struct Habits {
    tenants: HashMap<TenantId, Habit>,
    /// How long a commit takes, of late.
    commit: Duration,
    /// Whether something waits that is no tenant's.
    is_shared: bool,
    /// For whom the group waits, from when on there was nobody else.
    awaited: Option<Vec<Awaited>>,
    aged: Duration,
}

impl Habits {
    /// Somebody handed in a job, at this time, that it waits for.
    pub fn came(&mut self, lane: &Lane, at: Duration) {
        let Some(tenant) = lane else {
            self.is_shared = true;
            return;
        };
        let habit = self.of(tenant);
        habit.waits += 1;
        if let Some(free) = habit.free.take() {
            habit.pauses.add(at.saturating_sub(free));
            habit.vain = 0;
        }
        let used = habit.used;
        if let Some(awaited) = &mut self.awaited {
            let uses_less =
                |one: &Awaited| self.tenants.get(&one.tenant).is_some_and(|habit| habit.used * AS_MUCH <= used);
            awaited.retain(|one| one.tenant != *tenant && uses_less(one));
        }
    }

    /// A job is in the group from now on.
    pub fn runs(&mut self, lane: &Lane, is_awaited: bool) {
        if let Some(tenant) = lane {
            let habit = self.of(tenant);
            habit.jobs += 1;
            habit.served += usize::from(is_awaited);
        }
    }

    fn of(&mut self, tenant: &TenantId) -> &mut Habit {
        // A name is copied only where it is new.
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.clone(), Habit::default());
        }
        self.tenants.entry(tenant.clone()).or_default()
    }

    /// Asked when all that waits is in the group: for how long it is worth to wait for more.
    pub fn worth(&mut self, now: Duration) -> Option<Duration> {
        if self.is_shared || self.tenants.len() < 2 {
            return None;
        }
        let awaited = match self.awaited.take() {
            Some(awaited) => awaited,
            None => self.expected(now),
        };
        let awaited = self.awaited.insert(awaited);
        let until = awaited.iter().map(|one| one.until).max()?;
        (now < until).then(|| until - now)
    }

    /// For whom it is worth to wait.
    fn expected(&mut self, now: Duration) -> Vec<Awaited> {
        let before = now + self.commit.min(MOST);
        let present = self.tenants.values().filter(|habit| habit.waits > 0).map(|habit| habit.used);
        let Some(least) = present.reduce(f64::min) else { return Vec::new() };
        let mut all = Vec::new();
        for (tenant, habit) in self.tenants.iter_mut().filter(|(_, habit)| habit.used * AS_MUCH <= least) {
            if let Some(until) = habit.expected(now, before) {
                all.push(Awaited { tenant: tenant.clone(), until });
            }
            habit.spared = habit.spared.saturating_sub(1);
        }
        all
    }

    /// The group was committed, which took so long by itself; all in it are answered now.
    pub fn answered(&mut self, took: Duration, now: Duration) {
        for Awaited { tenant, .. } in self.awaited.take().unwrap_or_default() {
            if let Some(habit) = self.tenants.get_mut(&tenant) {
                habit.vain = (habit.vain + 1).min(DOUBLINGS);
                habit.spared = 1 << habit.vain;
            }
        }
        self.commit = if self.commit.is_zero() { took } else { (self.commit * 7 + took) / 8 };
        let jobs: usize = self.tenants.values().map(|habit| habit.jobs).sum();
        let each = took.as_nanos() as f64 / jobs.max(1) as f64;
        let kept = 0.5_f64.powf(now.saturating_sub(self.aged).as_secs_f64() / HALF.as_secs_f64());
        for habit in self.tenants.values_mut() {
            habit.used = habit.used * kept + each * std::mem::take(&mut habit.jobs) as f64;
            let served = std::mem::take(&mut habit.served);
            habit.waits = habit.waits.saturating_sub(served);
            if served > 0 && habit.waits == 0 {
                habit.free = Some(now);
            }
        }
        self.tenants.retain(|_, habit| habit.waits > 0 || habit.free.is_some_and(|free| now < free + FORGOTTEN));
        (self.aged, self.is_shared) = (now, false);
    }
}

#[cfg(test)]
mod tests;
