//! Containment on a real host: everything but the sandbox is what serves (INC-1).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod fixture;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_cli::{
    commands::init,
    enforce::Enforcer,
    home::Home,
    host::{Host, person},
    incident,
    reading::LogReader,
};
use portcullis_duties::incident::{Opening, Trail, since};
use portcullis_model::{
    alert::AlertSeverity,
    audit::{Actor, Entry, Kind, Recorder as _},
    freeze::Subject as InWhoseName,
    id::{CallId, IncidentId, InstallationId},
    incident::{Incident, IncidentStore as _, Origin, Subject},
    installation::{Installation, InstallationState, InstallationStore as _},
};
use tokio::{sync::watch, task::JoinSet};

const BAD: &str = "com.example.bad";
const GOOD: &str = "com.example.good";
const INSTALLATIONS: usize = 1_000;

fn installation(number: usize, plugin: &str) -> Installation {
    fixture::installation(&format!("ins_{plugin}_{number}"), &format!("tenant-{}", number % 100), plugin)
}

async fn install(host: &Arc<Host>, one: Installation) {
    let entry = host.entry(Kind::PluginInstalled, Some(one.tenant.clone()));
    assert!(host.store.put_installation(one, None, entry).await.unwrap());
}

async fn host(dir: &std::path::Path, bad: usize, good: usize) -> Arc<Host> {
    let host = Arc::new(init::create(Home::at(dir.join("home")), "").await.unwrap());
    let mut all = JoinSet::new();
    for (count, plugin) in [(bad, BAD), (good, GOOD)] {
        for number in 0..count {
            let host = host.clone();
            all.spawn(async move { install(&host, installation(number, plugin)).await });
        }
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
    host
}

async fn open(host: &Host, about: &str, tenant: Option<&str>) -> Incident {
    let subject = Subject { about: about.parse().unwrap(), tenant: tenant.map(|name| name.parse().unwrap()) };
    let concerned = incident::concerned(host, &subject).await.unwrap();
    let (title, severity, origin) = ("sends tickets to a stranger".into(), AlertSeverity::Critical, Origin::Hand);
    let opening = Opening { title, severity, subject, origin, personal_data: true, concerned };
    incident::desk(host, person()).open(opening).await.unwrap()
}

async fn contain(host: &Arc<Host>, id: &IncidentId) -> Incident {
    let desk = incident::desk(host, person());
    let plan = incident::plan(host, &desk.find(id).await.unwrap().subject).await.unwrap();
    desk.contain(id, &plan, false).await.unwrap();
    incident::carry_on(host, id, &person(), |_| Ok(())).await.unwrap().0
}

/// Plugins at work: each act is let in by the freezes that are in force, written down, and goes on for a while under them.
async fn work(host: Arc<Host>, mine: Vec<Installation>, mut stop: watch::Receiver<bool>, acts: Arc<AtomicU64>) {
    let mut number = 0u64;
    while !*stop.borrow_and_update() {
        for one in &mine {
            number += 1;
            let Ok(pass) = host.freezes.enter(InWhoseName::from(one), Vec::new) else { continue };
            let actor = Actor::Plugin {
                installation: one.id.clone(),
                plugin: one.plugin.clone(),
                release: one.release,
                call: format!("call_{}", one.id).parse::<CallId>().unwrap(),
            };
            let entry = Entry::new(host.clock.now(), Kind::ActPermitted, actor, Some(one.tenant.clone()))
                .with("id", format!("call_{}.{number}", one.id))
                .with("act", "http.send");
            let sending = async {
                host.store.record(vec![entry]).await.unwrap();
                acts.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(())
            };
            // Ended where a freeze comes.
            let _ = pass.unless_frozen(sending).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_installations_are_contained_and_nothing_of_them_is_in_the_log_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), INSTALLATIONS, 20).await;
    // What a running host does: the lock, what watches over calls, and what watches over requests.
    let _serving = host.home.lock().unwrap();
    let (stop, stopped) = watch::channel(false);
    let mut running = JoinSet::new();
    let runtime = portcullis_cli::serve::runtime(&host).unwrap();
    let mut book = JoinSet::new();
    book.spawn(host.freezes.clone().run(host.store.clone(), host.clock.clone(), stopped.clone()));
    let acts = Arc::new(AtomicU64::new(0));
    let (bad, good): (Vec<_>, Vec<_>) =
        host.store.installations().await.unwrap().into_iter().partition(|one| one.plugin.as_str() == BAD);
    for mine in bad.chunks(50).chain([&good[..]]) {
        running.spawn(work(host.clone(), mine.to_vec(), stopped.clone(), acts.clone()));
    }
    let one = open(&host, &format!("plugin:{BAD}"), None).await;
    while acts.load(Ordering::Relaxed) < 500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut enforcer = Enforcer::new(host.clone(), Some(runtime));
    let mut enforcing = JoinSet::new();
    let mut halt = stopped.clone();
    let looked = host.clone();
    enforcing.spawn(async move {
        // The releases are none that could be verified: only what a containment asks of it.
        while !*halt.borrow_and_update() {
            if !looked.store.unreached().await.unwrap().is_empty() {
                enforcer.tick().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    });

    let began = Instant::now();
    let done = contain(&host, &one.id).await;
    let took = began.elapsed();
    let containment = done.containment.clone().unwrap();
    assert!(containment.is_reached(), "{containment:?}");
    assert_eq!((containment.suspended, containment.freezes.len()), (INSTALLATIONS as u64, 1));
    println!(
        "{INSTALLATIONS} installations contained: reached {} ms after the entry, {} ms for whoever waits, {} acts before",
        containment.took_ms().unwrap(),
        took.as_millis(),
        acts.load(Ordering::Relaxed)
    );

    // The others go on, so that a log in which nothing stands proves something.
    let good_before = acts.load(Ordering::Relaxed);
    while acts.load(Ordering::Relaxed) < good_before + 20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    while running.join_next().await.is_some() {}

    let ids: BTreeSet<InstallationId> = bad.into_iter().map(|one| one.id).collect();
    let one_id = done.id.to_string();
    let (mut suspended, mut late, mut others, mut between) = (BTreeSet::new(), Vec::new(), 0, 0);
    let reached = containment.reach.unwrap().at.max(containment.egress.unwrap().at);
    let mut from = containment.log_index;
    loop {
        let stored = host.store.entries(from, 1_000).await.unwrap();
        let Some(last) = stored.last() else { break };
        from = last.index + 1;
        for one in &stored {
            let entry = one.read().unwrap();
            match (&entry.kind, &entry.actor) {
                (Kind::PluginSuspended, _) if entry.text("incident") == Some(one_id.as_str()) => {
                    suspended.insert(entry.resource.unwrap());
                }
                (Kind::ActPermitted, Actor::Plugin { installation, .. }) if ids.contains(installation) => {
                    if entry.time > reached {
                        late.push(one.index);
                    }
                    between += 1;
                }
                (Kind::ActPermitted, _) => others += 1,
                _ => {}
            }
        }
    }
    println!("{between} acts of it between the entry and its reach, {} after that; {others} of others", late.len());
    assert_eq!(suspended.len(), INSTALLATIONS, "each has its entry");
    assert_eq!(late, Vec::<u64>::new(), "acts of what was contained, after it was reached");
    assert!(others >= 20, "the others went on");

    let reader = LogReader::new(&host.home, host.store.clone());
    reader.catch_up().await.unwrap();
    let surveyor = incident::Surveyor::of(&host);
    let trail = Trail { survey: &surveyor, installations: host.store.as_ref() };
    let (entries, _) = trail.timeline(&reader, &done, since(&done, 1), 5_000).await.unwrap();
    let has = |kind| entries.iter().filter_map(|shown| shown.entry.as_ref()).any(|entry| entry.kind == kind);
    for kind in [Kind::IncidentOpened, Kind::IncidentContained, Kind::IncidentEnforced, Kind::FreezeAdded] {
        assert!(has(kind), "{kind:?} is in the timeline");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_goes_on_and_nothing_is_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 3, 1).await;
    let one = open(&host, &format!("plugin:{BAD}"), None).await;
    let plan = incident::plan(&host, &one.subject).await.unwrap();
    // The process dies after its one transaction.
    incident::desk(&host, person()).contain(&one.id, &plan, false).await.unwrap();
    let (done, _) = incident::carry_on(&host, &one.id, &person(), |_| Ok(())).await.unwrap();
    let containment = done.containment.clone().unwrap();
    assert!(containment.is_reached() && containment.through.is_some(), "{containment:?}");
    assert!(!containment.reach.unwrap().host_runs, "nobody served");
    let written = host.store.entry_count().await.unwrap();
    let (again, _) = incident::carry_on(&host, &one.id, &person(), |_| Ok(())).await.unwrap();
    assert_eq!((again, host.store.entry_count().await.unwrap()), (done, written), "nothing is done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_admin_resumes_what_is_contained_and_another_tenants_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 2, 0).await;
    let one = open(&host, &format!("plugin:{BAD}"), Some("tenant-0")).await;
    contain(&host, &one.id).await;
    let all = host.store.installations().await.unwrap();
    let of = |tenant: &str| all.iter().find(|one| one.tenant.as_str() == tenant).unwrap().clone();
    assert!(matches!(of("tenant-0").state, InstallationState::Suspended { .. }));
    assert_eq!(host.store.held_by(&of("tenant-1")).await.unwrap(), None, "another tenant's");
    // The release is none that verifies, so the row itself is what refuses.
    let held = of("tenant-0");
    let back = Installation { state: InstallationState::Active, generation: held.generation + 1, ..held.clone() };
    let entry = || host.entry(Kind::PluginResumed, Some(held.tenant.clone()));
    let put = |one: Installation| host.store.put_installation(one, Some(held.generation), entry());
    assert!(!put(back.clone()).await.unwrap(), "held by the incident");
    incident::desk(&host, person()).lift(&one.id, "a false alarm").await.unwrap();
    assert!(put(back).await.unwrap());
}
