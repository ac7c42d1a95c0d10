use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, Kind},
    budget::{Budgets, EVENTS, Flush, Suspension, Use, Whose},
    error::StoreError,
    id::{Digest, InstallationId},
    time::Timestamp,
};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl TestClock {
    fn pass(&self, minutes: i64) {
        self.0.fetch_add(minutes * MINUTE, Ordering::Relaxed);
    }
}

/// One installation's minute of one resource.
type Minute = (TenantId, InstallationId, Resource, i64);

/// A store that keeps what it is told in memory, and can be made to fail.
#[derive(Default)]
struct Kept {
    uses: Mutex<HashMap<Minute, (i64, i64)>>,
    suspensions: Mutex<Vec<Suspension>>,
    entries: Mutex<Vec<Entry>>,
    broken: AtomicBool,
}

impl Kept {
    fn forgive(&self, lifted: &Suspension) {
        for ((_, installation, resource, _), (amount, forgiven)) in self.uses.lock().unwrap().iter_mut() {
            if *installation == lifted.installation && *resource == lifted.resource {
                *forgiven = *amount;
            }
        }
    }
}

#[async_trait]
impl BudgetStore for Kept {
    async fn load_budgets(&self, since_minute: i64, now: Timestamp) -> Result<Budgets, StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError("broken".into()));
        }
        let suspensions = self.suspensions(now).await?;
        let uses = self.uses.lock().unwrap();
        let uses = uses.iter().filter(|((.., minute), _)| *minute >= since_minute);
        let uses = uses.map(|((tenant, installation, resource, minute), (amount, forgiven))| Use {
            tenant: tenant.clone(),
            installation: installation.clone(),
            resource: *resource,
            minute: *minute,
            amount: *amount,
            forgiven: *forgiven,
        });
        Ok(Budgets { uses: uses.collect(), suspensions })
    }

    async fn flush_budgets(&self, flush: Flush, _: i64, now: Timestamp) -> Result<Vec<Suspension>, StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError("broken".into()));
        }
        flush.lifted.iter().for_each(|lifted| self.forgive(lifted));
        for used in flush.uses {
            let key = (used.tenant, used.installation, used.resource, used.minute);
            self.uses.lock().unwrap().entry(key).or_default().0 += used.amount;
        }
        for (suspension, entry) in flush.suspended {
            self.suspensions.lock().unwrap().push(suspension);
            self.entries.lock().unwrap().push(entry);
        }
        self.suspensions(now).await
    }

    async fn suspensions(&self, now: Timestamp) -> Result<Vec<Suspension>, StoreError> {
        Ok(self.suspensions.lock().unwrap().iter().filter(|s| s.until > now).cloned().collect())
    }

    async fn lift_suspension(&self, lifted: &Suspension, _: Entry) -> Result<bool, StoreError> {
        self.suspensions.lock().unwrap().retain(|s| s != lifted);
        self.forgive(lifted);
        Ok(true)
    }
}

/// A ledger, its store and its clock.
struct Bench {
    store: Arc<Kept>,
    clock: Arc<TestClock>,
    tenants: BTreeMap<TenantId, Limits>,
    ledger: Arc<Ledger>,
    limits: Limits,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self::bounded(limits, None)
    }

    fn bounded(limits: Limits, tenant: Option<Limits>) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_000_000 * MINUTE)));
        let store = Arc::new(Kept::default());
        let tenants: BTreeMap<TenantId, Limits> = tenant.map(|l| ("acme".parse().unwrap(), l)).into_iter().collect();
        let ledger = Ledger::new(store.clone(), clock.clone(), tenants.clone());
        Self { store, clock, tenants, ledger, limits }
    }

    fn restart(&mut self) {
        self.ledger = Ledger::new(self.store.clone(), self.clock.clone(), self.tenants.clone());
    }

    fn call(&self, installation: &str) -> Arc<Call> {
        Arc::new(Call::new(
            "call_1".parse().unwrap(),
            "acme".parse().unwrap(),
            installation.parse().unwrap(),
            "com.example.plugin".parse().unwrap(),
            Digest::of(b"x"),
            "zen/1".into(),
            1,
            self.limits,
        ))
    }

    async fn begin(&self, installation: &str) -> Result<Turn, CallEnd> {
        self.ledger.begin(&self.call(installation)).await
    }

    /// Reads one record in a call of its own: whether it got it, or why not.
    async fn read(&self, installation: &str) -> Result<(), String> {
        let turn = self.begin(installation).await.map_err(|end| end.to_string())?;
        match turn.budget().reserve("tickets", read(1)) {
            Ok(_used) => Ok(()),
            Err(Refusal::Limited(error)) => Err(error.to_string()),
            Err(Refusal::Suspended { reason, tripped, .. }) => {
                if tripped {
                    turn.budget().write_now().await;
                }
                Err(reason)
            }
        }
    }

    async fn reads(&self, installation: &str, tries: usize) -> usize {
        let mut got = 0;
        for _ in 0..tries {
            got += usize::from(self.read(installation).await.is_ok());
        }
        got
    }

    async fn lift(&self) {
        let all = self.store.suspensions(self.clock.now()).await.unwrap();
        let entry = Entry::new(self.clock.now(), Kind::CapabilityResumed, portcullis_model::audit::Actor::Host, None);
        self.store.lift_suspension(&all[0], entry).await.unwrap();
    }
}

fn read(records: u64) -> Cost {
    Cost::of(Resource::RecordsRead, records)
}

fn hourly(records: u64) -> Limits {
    Limits { records_read_per_hour: records, ..Limits::default() }
}

#[tokio::test]
async fn what_runs_out_is_suspended_for_its_installation_alone_until_the_hour_has_room_again() {
    let bench = Bench::new(hourly(50));
    assert_eq!(bench.reads("a", 60).await, 50);
    let reason = bench.read("a").await.unwrap_err();
    assert_eq!(
        reason,
        "records-read-per-hour: 50 of 50 used and 1 more asked for; suspended until 11:41Z; an admin can resume it"
    );
    assert_eq!(bench.reads("b", 1).await, 1, "another installation goes on");
    let turn = bench.begin("a").await.unwrap();
    assert!(turn.budget().reserve("kv", Cost::NONE).is_ok(), "another capability goes on");
    assert!(turn.budget().reserve("tickets", Cost::NONE).is_err(), "whatever the act costs");
    drop(turn);
    assert_eq!(bench.store.entries.lock().unwrap().len(), 1, "it is on record once");
    bench.clock.pass(60);
    assert_eq!(bench.reads("a", 1).await, 0);
    bench.clock.pass(1);
    assert_eq!(bench.reads("a", 60).await, 50);
}

#[tokio::test]
async fn the_log_says_what_ran_out() {
    let bench = Bench::new(hourly(2));
    bench.reads("a", 3).await;
    let entries = bench.store.entries.lock().unwrap();
    let entry = &entries[0];
    assert_eq!((entry.kind, entry.resource.as_deref()), (Kind::CapabilitySuspended, Some("installation:a")));
    let facts = ["capability", "budget", "whose", "until"].map(|name| entry.text(name).unwrap());
    assert_eq!(facts, ["tickets", "records-read-per-hour", "installation", "1971-11-26T11:41:00.000Z"]);
}

#[tokio::test]
async fn what_was_not_used_is_given_back() {
    let bench = Bench::new(Limits { records_read: 100, ..hourly(150) });
    let turn = bench.begin("a").await.unwrap();
    let budget = turn.budget();
    assert_eq!(budget.room(Resource::RecordsRead), 100);
    budget.reserve("tickets", read(100)).unwrap().settle(read(30));
    assert_eq!(budget.room(Resource::RecordsRead), 70);
    let refused = budget.reserve("tickets", read(100)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Limited(ServiceError::Limited { name: "records-read", allowed: 100, .. })),
        "{refused:?}"
    );
    drop(turn);
    let turn = bench.begin("a").await.unwrap();
    assert_eq!(turn.budget().room(Resource::RecordsRead), 100);
    drop(turn.budget().reserve("tickets", read(90)).unwrap());
    assert_eq!(turn.budget().room(Resource::RecordsRead), 10, "what nobody says was not used was used");
    drop(turn);
    let turn = bench.begin("a").await.unwrap();
    assert_eq!(turn.budget().room(Resource::RecordsRead), 30, "the hour has less than the call");
}

#[tokio::test]
async fn what_others_have_reserved_is_waited_for_and_suspends_nobody() {
    let bench = Bench::new(hourly(100));
    let (one, other) = (bench.begin("a").await.unwrap(), bench.begin("a").await.unwrap());
    let reserved = one.budget().reserve("tickets", read(80)).unwrap();
    let busy = other.budget().reserve("tickets", read(30)).unwrap_err();
    assert!(
        matches!(
            &busy,
            Refusal::Limited(ServiceError::Limited { name: "records-read-per-hour", retry_after_ms: Some(_), .. })
        ),
        "{busy:?}"
    );
    reserved.settle(read(10));
    assert!(other.budget().reserve("tickets", read(30)).is_ok());
}

/// Eight threads that take what they can get never get more than there is, and all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_bound_is_exact_however_many_calls_run_at_once() {
    let bench = Arc::new(Bench::new(Limits { records_read: 1_000_000, ..hourly(10_007) }));
    let tasks: Vec<_> = (0..8u64)
        .map(|thread| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let turn = bench.begin("a").await.unwrap();
                let mut got = 0;
                for round in 0.. {
                    // As a capability reads by the page: no more than there is room for, and some pages come half empty.
                    let page = turn.budget().room(Resource::RecordsRead).clamp(1, 100);
                    match turn.budget().reserve("tickets", read(page)) {
                        Ok(reserved) => {
                            let used = if (round + thread) % 3 == 0 { page / 2 } else { page };
                            tokio::task::yield_now().await;
                            reserved.settle(read(used));
                            got += used;
                        }
                        Err(Refusal::Limited(_)) => tokio::task::yield_now().await,
                        Err(Refusal::Suspended { .. }) => break,
                    }
                }
                got
            })
        })
        .collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.unwrap();
    }
    assert_eq!(total, 10_007);
}

#[tokio::test]
async fn an_admin_can_resume_it_and_the_hour_begins_anew() {
    let bench = Bench::new(hourly(50));
    assert_eq!(bench.reads("a", 60).await, 50);
    bench.lift().await;
    assert_eq!(bench.reads("a", 1).await, 0, "not before the host has seen it");
    bench.ledger.write_now().await;
    assert_eq!(bench.reads("a", 60).await, 50);
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let mut bench = Bench::new(hourly(50));
    assert_eq!(bench.reads("a", 30).await, 30);
    bench.ledger.write_now().await;
    bench.restart();
    assert_eq!(bench.reads("a", 30).await, 20);
    bench.restart();
    assert_eq!(bench.reads("a", 1).await, 0, "suspended");
    bench.lift().await;
    bench.restart();
    assert_eq!(bench.reads("a", 60).await, 50, "what was forgiven stays forgiven");
}

#[tokio::test]
async fn no_call_begins_on_a_book_that_cannot_be_read_and_nothing_that_cannot_be_written_is_lost() {
    let mut bench = Bench::new(hourly(50));
    bench.store.broken.store(true, Ordering::Relaxed);
    assert!(matches!(bench.begin("a").await, Err(CallEnd::HostFailed(_))));
    bench.store.broken.store(false, Ordering::Relaxed);
    assert_eq!(bench.reads("a", 40).await, 40);
    bench.store.broken.store(true, Ordering::Relaxed);
    bench.ledger.write_now().await;
    assert_eq!(bench.reads("a", 40).await, 10, "suspended all the same");
    bench.store.broken.store(false, Ordering::Relaxed);
    bench.ledger.write_now().await;
    assert_eq!(bench.store.entries.lock().unwrap().len(), 1);
    bench.restart();
    assert_eq!(bench.reads("a", 1).await, 0);
}

#[tokio::test]
async fn a_tenants_bound_holds_for_all_of_its_installations_together() {
    let tenant = Limits { records_read_per_hour: 30, ..Limits::UNBOUNDED };
    let mut bench = Bench::bounded(hourly(20), Some(tenant));
    assert_eq!(bench.reads("a", 25).await, 20, "its own");
    assert_eq!(bench.reads("b", 25).await, 10, "what the tenant has left");
    let reason = bench.read("b").await.unwrap_err();
    assert!(reason.starts_with("the tenant's records-read-per-hour: its 30 are used up"), "{reason}");
    let whose: Vec<Whose> = bench.store.suspensions.lock().unwrap().iter().map(|s| s.whose).collect();
    assert_eq!(whose, [Whose::Installation, Whose::Tenant]);
    // An admin's word to one installation does not make the tenant's bound any larger, after a restart neither.
    bench.lift().await;
    bench.ledger.write_now().await;
    assert_eq!(bench.reads("a", 1).await, 0);
    bench.restart();
    assert_eq!(bench.reads("a", 1).await, 0);
    assert_eq!(bench.reads("c", 1).await, 0);
}

#[test]
fn a_tenants_limits_of_a_call_hold_for_each_call() {
    let tenant = Limits { cpu_ms: 7, records_read_per_hour: 3, ..Limits::UNBOUNDED };
    let bench = Bench::bounded(Limits::default(), Some(tenant));
    let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
    let within = bench.ledger.within(&acme, Limits::default());
    assert_eq!(within, Limits { cpu_ms: 7, ..Limits::default() });
    assert_eq!(bench.ledger.within(&other, Limits::default()), Limits::default());
}

#[tokio::test]
async fn no_more_calls_at_once_than_the_limit_and_none_after_the_hours_calls() {
    let bench = Bench::new(Limits { concurrent_calls: 1, calls_per_hour: 3, ..Limits::default() });
    let one = bench.begin("a").await.unwrap();
    let Err(CallEnd::Held { reason, wait }) = bench.begin("a").await else { panic!("it begins") };
    assert_eq!(reason, "concurrent-calls: 1 allowed, and as many are under way");
    assert!(wait.as_millis() <= 100, "{wait:?}");
    drop(one);
    drop(bench.begin("a").await.unwrap());
    drop(bench.begin("a").await.unwrap());
    let Err(CallEnd::Held { reason, wait }) = bench.begin("a").await else { panic!("it begins") };
    assert!(reason.starts_with("calls-per-hour: 3 of 3 used"), "{reason}");
    assert!((1..=3_660).contains(&wait.as_secs()), "{wait:?}: until the first of these calls does not count any more");
    assert_eq!(bench.store.suspensions.lock().unwrap()[0].capability, EVENTS);
}

#[tokio::test]
async fn what_only_the_end_shows_holds_the_next_call() {
    let bench = Bench::new(Limits { cpu_ms_per_hour: 5, ..Limits::default() });
    bench.begin("a").await.unwrap().end(Cost::of(Resource::Cpu, 4_999));
    bench.begin("a").await.unwrap().end(Cost::of(Resource::Cpu, 4_999));
    let Err(CallEnd::Held { reason, .. }) = bench.begin("a").await else { panic!("it begins") };
    assert!(reason.starts_with("cpu-ms-per-hour: 10 of 5 used"), "{reason}");
    assert!(bench.begin("b").await.is_ok());
}

#[tokio::test]
async fn accounts_of_which_nothing_counts_are_let_go() {
    let bench = Bench::new(Limits::default());
    for n in 0..100 {
        drop(bench.begin(&format!("i{n}")).await.unwrap());
    }
    bench.ledger.write_now().await;
    assert_eq!(bench.ledger.state().installations.len(), 100);
    bench.clock.pass(61);
    drop(bench.begin("last").await.unwrap());
    bench.ledger.write_now().await;
    assert_eq!(bench.ledger.state().installations.len(), 1);
}

proptest! {
    /// However reads, refunds, restarts and time mix: no hour ever holds more than its bound.
    #[test]
    fn no_hour_holds_more_than_its_bound(steps in proptest::collection::vec((0u8..6, 1u64..40, 0u64..40, 0i64..20), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new(Limits { records_read: 1_000, ..hourly(60) });
            let mut used: Vec<(i64, u64)> = Vec::new();
            for (what, asked, unused, minutes) in steps {
                bench.clock.0.fetch_add(minutes * 20_000, Ordering::Relaxed);
                if what == 0 {
                    bench.ledger.write_now().await;
                    bench.restart();
                }
                let turn = bench.begin("a").await.unwrap();
                if let Ok(reserved) = turn.budget().reserve("tickets", read(asked)) {
                    let really = asked.saturating_sub(unused);
                    reserved.settle(read(really));
                    used.push((bench.clock.now().0, really));
                }
            }
            for (from, _) in &used {
                let hour = used.iter().filter(|(at, _)| at >= from && *at < from + 60 * MINUTE);
                let sum: u64 = hour.map(|(_, amount)| amount).sum();
                assert!(sum <= 60, "{sum} in the hour from {from}");
            }
        });
    }
}

/// Not a limit that a busy machine could miss, but one that a slip such as a walk over all accounts would: the figure of the
/// bench is the one that counts.
#[tokio::test]
async fn a_call_and_an_act_cost_next_to_nothing() {
    let bench = Bench::new(Limits { calls_per_hour: 100_000_000, ..Limits::default() });
    for n in 0..1_000 {
        drop(bench.begin(&format!("i{n}")).await.unwrap());
    }
    let call = bench.call("a");
    let began = std::time::Instant::now();
    const ROUNDS: u32 = 20_000;
    for _ in 0..ROUNDS {
        let turn = bench.ledger.begin(&call).await.unwrap();
        turn.end(Cost::of(Resource::Cpu, 20).and(Resource::Wall, 30).and(Resource::HostCalls, 1));
    }
    let each = began.elapsed() / ROUNDS;
    println!("begin and end: {each:?}");
    assert!(each.as_micros() < 100, "{each:?}");
}
