//! Freezes: what they cover, what they end, and what goes on when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::rotation::{FreezeBook, Memory, Reload};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::ServiceError,
    freeze::{Carried, Extent, Freeze, FreezeStore as _, Freezes as _, Released, Subject},
    rotation::{Line, RotationStore as _},
    time::Timestamp,
};

use crate::fake::{OWN, held, key, memory};

#[derive(Default)]
struct Reloads {
    count: AtomicUsize,
    broken: AtomicBool,
}

#[async_trait]
impl Reload for Reloads {
    async fn reload(&self) -> Result<(), String> {
        self.count.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) { Err("broken".into()) } else { Ok(()) }
    }
}

fn entry(kind: Kind) -> Entry {
    Entry::new(Timestamp(0), kind, Actor::Host, None)
}

async fn freeze(store: &Memory, extent: Extent) -> u64 {
    let freeze = Freeze {
        number: 0,
        extent,
        reason: "breach".into(),
        by: "dana".into(),
        since: Timestamp(0),
        act: None,
        incident: None,
        platform: false,
    };
    store.add_freeze(freeze, entry(Kind::FreezeAdded)).await.unwrap()
}

async fn release(store: &Memory, freeze: u64, name: Option<&str>) {
    let released = Released {
        freeze,
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        name: name.map(str::to_owned),
    };
    let line = Line::new(&held("ins_1", "any", "p", OWN), vec![]);
    store.put_line(&"rot_1".parse().unwrap(), line, vec![released], vec![]).await.unwrap();
}

fn subject(tenant: &str, installation: &str, plugin: &str) -> Subject {
    Subject {
        tenant: tenant.parse().unwrap(),
        installation: installation.parse().unwrap(),
        plugin: plugin.parse().unwrap(),
    }
}

fn mine() -> Subject {
    subject("acme", "ins_1", "com.example.chat.eu")
}

fn carrying(names: &[(&str, Option<&str>)]) -> Vec<Carried> {
    let one = |(name, provider): &(&str, Option<&str>)| Carried {
        name: (*name).to_owned(),
        provider: provider.map(|provider| provider.parse().unwrap()),
    };
    names.iter().map(one).collect()
}

fn book(store: &Arc<Memory>) -> (Arc<FreezeBook>, Arc<Reloads>) {
    let reloads = Arc::new(Reloads::default());
    (Arc::new(FreezeBook::new(store.clone(), reloads.clone())), reloads)
}

#[tokio::test]
async fn each_extent_covers_its_own_and_nothing_else() {
    for (extent, covered, free) in [
        (Extent::All, mine(), None),
        (Extent::Tenant("acme".parse().unwrap()), mine(), Some(subject("acme2", "ins_1", "com.example.chat"))),
        (Extent::Installation("ins_1".parse().unwrap()), mine(), Some(subject("acme", "ins_2", "com.example.chat"))),
        (
            Extent::Plugin("com.example.chat.eu".parse().unwrap()),
            mine(),
            Some(subject("acme", "ins_1", "com.example.chat")),
        ),
        (
            Extent::Publisher("com.example".parse().unwrap()),
            mine(),
            Some(subject("acme", "ins_1", "com.examples.chat")),
        ),
        (
            Extent::Publisher("com.example.chat".parse().unwrap()),
            mine(),
            Some(subject("acme", "ins_1", "com.example.chats")),
        ),
    ] {
        let store = memory();
        freeze(&store, extent.clone()).await;
        let (book, _) = book(&store);
        assert!(book.check(&covered, &[]).is_ok(), "not read yet");
        book.tick().await.unwrap();
        assert_eq!(book.check(&covered, &[]).unwrap_err().extent, extent);
        assert!(free.is_none_or(|free| book.check(&free, &[]).is_ok()), "{extent}");
    }
}

#[tokio::test]
async fn a_provider_or_a_connection_is_frozen_where_its_credential_goes_along() {
    let store = memory();
    freeze(&store, Extent::Provider("zendesk".parse().unwrap())).await;
    freeze(&store, Extent::Connection(key("ins_1", "chat"))).await;
    let (book, _) = book(&store);
    book.tick().await.unwrap();
    for (carried, frozen) in [
        (carrying(&[]), false),
        (carrying(&[("desk", Some("zendesk"))]), true),
        (carrying(&[("desk", Some("slack"))]), false),
        (carrying(&[("chat", None)]), true),
        (carrying(&[("mail", Some("slack")), ("desk", Some("zendesk"))]), true),
    ] {
        assert_eq!(book.check(&mine(), &carried).is_err(), frozen, "{carried:?}");
    }
    assert!(book.check(&subject("acme", "ins_2", "com.example.chat"), &carrying(&[("chat", None)])).is_ok());
}

#[tokio::test]
async fn what_is_released_goes_on_by_itself() {
    let store = memory();
    let number = freeze(&store, Extent::All).await;
    let (book, reloads) = book(&store);
    book.tick().await.unwrap();
    let before = reloads.count.load(Ordering::Relaxed);
    release(&store, number, Some("a")).await;
    book.tick().await.unwrap();
    assert_eq!(reloads.count.load(Ordering::Relaxed), before + 1, "credentials are read anew first");
    assert!(book.check(&mine(), &carrying(&[("a", None)])).is_ok());
    assert!(book.check(&mine(), &carrying(&[("a", None), ("b", None)])).is_err(), "one of them is not");
    assert!(book.check(&mine(), &[]).is_err(), "no credential of it is meant");
    assert!(book.check(&subject("other", "ins_1", "com.example.chat"), &carrying(&[("a", None)])).is_err());
    release(&store, number, None).await;
    book.tick().await.unwrap();
    assert!(book.check(&mine(), &[]).is_ok() && book.check(&mine(), &carrying(&[("b", None)])).is_ok());
    assert!(book.check(&subject("acme", "ins_2", "com.example.chat"), &[]).is_err());
}

#[tokio::test]
async fn nothing_goes_on_before_the_credentials_were_read_anew_but_a_freeze_holds() {
    let store = memory();
    let first = freeze(&store, Extent::Installation("ins_1".parse().unwrap())).await;
    let (book, reloads) = book(&store);
    book.tick().await.unwrap();
    reloads.broken.store(true, Ordering::Relaxed);
    store.lift_freeze(first, entry(Kind::FreezeLifted)).await.unwrap();
    freeze(&store, Extent::Tenant("other".parse().unwrap())).await;
    assert!(book.tick().await.is_err());
    assert!(book.check(&mine(), &[]).is_err(), "lifted, but with what credential would it go on?");
    assert!(book.check(&subject("other", "ins_3", "com.example.chat"), &[]).is_err(), "the new one holds");
    reloads.broken.store(false, Ordering::Relaxed);
    book.tick().await.unwrap();
    assert!(book.check(&mine(), &[]).is_ok());
}

#[tokio::test]
async fn what_is_under_way_is_ended_and_what_is_not_covered_goes_on() {
    let store = memory();
    let (book, _) = book(&store);
    book.tick().await.unwrap();
    let start = |subject: Subject, lasts: u64| {
        let pass = book.enter(subject, Vec::new).unwrap();
        tokio::spawn(pass.unless_frozen(async move {
            tokio::time::sleep(Duration::from_millis(lasts)).await;
            Ok::<_, ServiceError>("done")
        }))
    };
    let covered: Vec<_> = (0..3).map(|_| start(mine(), 60_000)).collect();
    let free = start(subject("acme", "ins_2", "com.example.chat"), 400);
    tokio::time::sleep(Duration::from_millis(20)).await;
    freeze(&store, Extent::Installation("ins_1".parse().unwrap())).await;
    let change = book.tick().await.unwrap().unwrap();
    assert_eq!((change.ended, change.left, change.added.as_slice()), (3, 0, [1].as_slice()));
    for one in covered {
        let error = one.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("freeze 1 of installation ins_1: breach"), "{error}");
    }
    assert_eq!(free.await.unwrap(), Ok("done"));
    assert!(book.enter(mine(), Vec::new).is_err());
    assert_eq!(book.tick().await.unwrap(), None, "nothing has changed since");
}

#[tokio::test]
async fn a_freeze_does_not_wait_for_credentials_that_are_being_read() {
    struct Slow;
    #[async_trait]
    impl Reload for Slow {
        async fn reload(&self) -> Result<(), String> {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(())
        }
    }
    let store = memory();
    let first = freeze(&store, Extent::Tenant("acme".parse().unwrap())).await;
    let book = Arc::new(FreezeBook::new(store.clone(), Arc::new(Slow)));
    book.tick().await.unwrap();
    store.lift_freeze(first, entry(Kind::FreezeLifted)).await.unwrap();
    let loosening = tokio::spawn({
        let book = book.clone();
        async move { book.loosen().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    freeze(&store, Extent::Tenant("other".parse().unwrap())).await;
    assert_eq!(book.tighten().await.unwrap().unwrap().added, [2]);
    let other = subject("other", "ins_3", "com.example.chat");
    assert!(!loosening.is_finished());
    assert!(book.check(&other, &[]).is_err() && book.check(&mine(), &[]).is_err());
    loosening.await.unwrap().unwrap();
    assert!(book.check(&mine(), &[]).is_ok(), "lifted, and its credentials were read");
    assert!(book.check(&other, &[]).is_err(), "added while they were read");
}

#[tokio::test]
async fn a_freeze_by_another_process_is_in_force_and_written_down_within_a_quarter_of_a_second() {
    #[derive(Default)]
    struct Log(std::sync::Mutex<Vec<(std::time::Instant, Entry)>>);
    #[async_trait]
    impl portcullis_model::audit::Recorder for Log {
        async fn record(&self, entries: Vec<Entry>) -> Result<(), portcullis_model::audit::RecordError> {
            self.0.lock().unwrap().extend(entries.into_iter().map(|entry| (std::time::Instant::now(), entry)));
            Ok(())
        }
        fn note(&self, _: Entry) {}
    }
    let (store, log) = (memory(), Arc::new(Log::default()));
    let (book, _) = book(&store);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(book.clone().run(log.clone(), Arc::new(crate::fake::Dial::default()), stopped));
    let pass = book.enter(mine(), Vec::new).unwrap();
    let under_way = tokio::spawn(pass.unless_frozen(std::future::pending::<Result<(), ServiceError>>()));
    tokio::time::sleep(Duration::from_millis(130)).await;
    let began = std::time::Instant::now();
    freeze(&store, Extent::All).await;
    assert!(under_way.await.unwrap().is_err());
    while log.0.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (at, entry) = log.0.lock().unwrap()[0].clone();
    assert!(at - began < Duration::from_millis(250), "{:?}", at - began);
    assert_eq!((entry.kind, entry.detail["requests-ended"].as_u64()), (Kind::FreezeEnforced, Some(1)));
    stop.send_replace(true);
    running.await.unwrap();
}
