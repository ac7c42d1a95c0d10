//! Who has used how much CPU time of late, and who is therefore behind: pure, with the time as an argument.
//!
//! Invariants: of all that used anything, one at the least is in front, and whoever is alone is; nobody is behind for a use that
//! leaves the others room; whoever gets nothing behind is in front again soon, since its use is forgotten.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use portcullis_model::id::TenantId;

/// How long it takes until half of a use counts no more.
const HALF: Duration = Duration::from_millis(25);
/// What a processor that is never idle amounts to, in nanoseconds of recent use: the sum of what is left of each.
const BUSY: f64 = 25_000_000.0 / std::f64::consts::LN_2;
/// The part of a processor below which a tenant counts as one that rests.
const RESTS: f64 = 0.005;
/// How much more than the mean of those that do not rest is too much.
const MORE: f64 = 1.2;
/// The part of its share of all processors that any tenant may use, however little the others do.
const FREE: f64 = 0.4;

/// What one tenant has used since it was last looked, and where it is to run.
#[derive(Default)]
pub(super) struct Account {
    fresh: AtomicU64,
    behind: AtomicBool,
}

impl Account {
    /// Adds nanoseconds of use.
    pub fn add(&self, nanos: u64) {
        self.fresh.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Whether its calls run behind.
    pub fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub fn fresh(&self) -> u64 {
        self.fresh.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub fn step(&self, behind: bool) {
        self.behind.store(behind, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Known {
    account: Arc<Account>,
    /// Nanoseconds, the older the less.
    recent: f64,
}

/// All accounts.
pub(super) struct Book {
    tenants: HashMap<TenantId, Known>,
    looked: Duration,
    processors: f64,
}

impl Book {
    /// An empty book, on a machine with so many processors.
    pub fn new(processors: usize) -> Self {
        Self { tenants: HashMap::new(), looked: Duration::ZERO, processors: processors as f64 }
    }

    /// The account of one.
    pub fn account(&mut self, tenant: &TenantId) -> Arc<Account> {
        match self.tenants.get(tenant) {
            Some(known) => known.account.clone(),
            None => self.tenants.entry(tenant.clone()).or_default().account.clone(),
        }
    }

    /// Whether another tenant ran anything of late.
    pub fn others_work(&self, tenant: &TenantId) -> bool {
        self.tenants.iter().any(|(other, known)| other != tenant && known.recent >= RESTS * BUSY)
    }

    /// Decides anew who is behind. `now` counts from any fixed time.
    pub fn look(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.looked);
        self.looked = now;
        let kept = 0.5f64.powf(passed.as_secs_f64() / HALF.as_secs_f64());
        for known in self.tenants.values_mut() {
            known.recent = known.recent * kept + known.account.fresh.swap(0, Ordering::Relaxed) as f64;
        }
        // Whoever has a call under way holds its account.
        self.tenants.retain(|_, known| known.recent >= RESTS * BUSY || Arc::strong_count(&known.account) > 1);
        let (mut sum, mut awake) = (0.0, 0.0);
        for known in self.tenants.values().filter(|known| known.recent >= RESTS * BUSY) {
            sum += known.recent;
            awake += 1.0;
        }
        let mean = sum / f64::max(awake, 1.0);
        let free = FREE * BUSY * self.processors / f64::max(awake, 1.0);
        for known in self.tenants.values() {
            let most = if known.account.is_behind() { mean } else { mean * MORE };
            known.account.behind.store(known.recent > most.max(free), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tenants use of each 10 ms, in ms, for so long; and which of them are behind then.
    fn after(book: &mut Book, millis: u64, uses: &[(&str, u64)]) -> Vec<String> {
        let accounts: Vec<_> =
            uses.iter().map(|(name, use_)| (name, book.account(&name.parse().unwrap()), use_ * 1_000_000)).collect();
        for _ in 0..millis / 10 {
            accounts.iter().for_each(|(_, account, nanos)| account.add(*nanos));
            book.look(book.looked + Duration::from_millis(10));
        }
        let behind = accounts.iter().filter(|(_, account, _)| account.is_behind());
        behind.map(|(name, ..)| (**name).to_owned()).collect()
    }

    #[test]
    fn whoever_is_alone_is_in_front_whatever_it_uses() {
        let mut book = Book::new(2);
        assert!(after(&mut book, 1_000, &[("a", 20)]).is_empty());
        assert!(after(&mut book, 1_000, &[("a", 20), ("b", 0)]).is_empty(), "beside one that rests");
    }

    #[test]
    fn whoever_uses_much_more_is_behind_and_soon() {
        let mut book = Book::new(2);
        assert!(after(&mut book, 500, &[("b", 3)]).is_empty());
        assert_eq!(after(&mut book, 50, &[("a", 10), ("b", 3)]), ["a"]);
        assert_eq!(after(&mut book, 1_000, &[("a", 10), ("b", 3)]), ["a"]);
    }

    #[test]
    fn equals_are_in_front_together() {
        let mut book = Book::new(2);
        assert!(after(&mut book, 1_000, &[("a", 10), ("b", 10)]).is_empty());
    }

    #[test]
    fn more_than_the_others_is_not_too_much_where_there_is_room() {
        let mut book = Book::new(16);
        assert!(after(&mut book, 1_000, &[("a", 10), ("b", 1)]).is_empty());
        assert_eq!(after(&mut book, 1_000, &[("a", 100), ("b", 1)]), ["a"]);
    }

    #[test]
    fn who_gets_nothing_behind_or_rests_is_in_front_again() {
        let mut book = Book::new(2);
        assert_eq!(after(&mut book, 100, &[("a", 20), ("b", 3)]), ["a"]);
        assert!(after(&mut book, 300, &[("a", 0), ("b", 3)]).is_empty());
    }

    #[test]
    fn others_work_while_they_run_anything_and_not_long_after() {
        let mut book = Book::new(2);
        let a: TenantId = "a".parse().unwrap();
        after(&mut book, 100, &[("a", 10)]);
        assert!(!book.others_work(&a), "it is alone");
        after(&mut book, 100, &[("a", 10), ("b", 1)]);
        assert!(book.others_work(&a));
        after(&mut book, 500, &[("a", 10)]);
        assert!(!book.others_work(&a));
    }

    #[test]
    fn never_are_all_behind() {
        let mut book = Book::new(1);
        let behind = after(&mut book, 1_000, &[("a", 10), ("b", 9), ("c", 8), ("d", 1)]);
        assert!(!behind.is_empty() && behind.len() < 4, "{behind:?}");
    }

    #[test]
    fn those_that_are_gone_are_forgotten_and_those_under_way_are_not() {
        let mut book = Book::new(2);
        let held = book.account(&"a".parse().unwrap());
        after(&mut book, 10, &[("b", 10)]);
        book.look(book.looked + Duration::from_secs(5));
        assert_eq!(book.tenants.len(), 1);
        assert!(Arc::ptr_eq(&held, &book.account(&"a".parse().unwrap())));
    }
}
