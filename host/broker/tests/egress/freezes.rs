//! Freezes on the way of a request: whenever one comes, nothing leaves after it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use portcullis_broker::rotation::{FreezeBook, Memory};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::ConnectionKey,
    error::ServiceError,
    freeze::{Carried, Extent, Freeze, FreezeStore as _, Freezes as _, Subject},
    time::{Clock, Timestamp},
};

use crate::{
    CHAT,
    support::{
        server::{NAMES, Server},
        world::{World, get, leading_to},
    },
};

type Strike = Box<dyn FnOnce() + Send>;

/// A clock that does something when it is read for the so-manieth time: between any two steps that a request takes at once.
#[derive(Default)]
struct Striking {
    left: AtomicI64,
    strike: Mutex<Option<Strike>>,
}

impl Striking {
    fn after(&self, reads: i64, strike: Strike) {
        *self.strike.lock().unwrap() = Some(strike);
        self.left.store(reads, Ordering::SeqCst);
    }
}

impl Clock for Striking {
    fn now(&self) -> Timestamp {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0
            && let Some(strike) = self.strike.lock().unwrap().take()
        {
            strike();
        }
        Timestamp(0)
    }
}

fn frozen(book: &FreezeBook) -> bool {
    let subject = Subject {
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        plugin: "com.example.chat".parse().unwrap(),
    };
    book.check(&subject, &[Carried { name: "chat".into(), provider: None }]).is_err()
}

/// Freezes the credential, and comes back when the freeze is published: before whoever is under way can see it.
fn freeze(book: &Arc<FreezeBook>, store: &Arc<Memory>) -> JoinHandle<usize> {
    let enforcing = std::thread::spawn({
        let (book, store) = (book.clone(), store.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (tenant, installation) = ("acme".parse().unwrap(), "ins_1".parse().unwrap());
                let extent = Extent::Connection(ConnectionKey { tenant, installation, name: "chat".into() });
                let (reason, by) = ("breach".into(), "dana".into());
                let freeze = Freeze {
                    number: 0,
                    extent,
                    reason,
                    by,
                    since: Timestamp(0),
                    act: None,
                    incident: None,
                    platform: false,
                };
                let entry = Entry::new(Timestamp(0), Kind::FreezeAdded, Actor::Host, None);
                store.add_freeze(freeze, entry).await.unwrap();
                book.tighten().await.unwrap().unwrap().left
            })
        }
    });
    let patience = Instant::now() + Duration::from_secs(10);
    while !frozen(book) {
        assert!(Instant::now() < patience, "it is not published");
        std::thread::yield_now();
    }
    enforcing
}

/// A freeze at the so-manieth moment of a request. Whether it was refused; `None` where there are not so many moments.
async fn struck_at(moment: i64) -> Option<bool> {
    let (server, store, clock) = (Server::start().await, Arc::new(Memory::default()), Arc::new(Striking::default()));
    let mut world = World::prepared(&leading_to(&server, &NAMES), clock.clone(), |_, _| {}).await;
    let book = Arc::new(FreezeBook::new(store.clone(), world.connections.clone()));
    world.door = world.door.under(book.clone());
    // Opens the connection, so that nothing is waited for from the first look to the sending.
    world.send(get(CHAT)).await.unwrap();
    let (arrived, enforcing) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None)));
    clock.after(moment, {
        let (server, arrived, enforcing) = (server.clone(), arrived.clone(), enforcing.clone());
        Box::new(move || {
            *enforcing.lock().unwrap() = Some(freeze(&book, &store));
            arrived.store(server.arrived().len(), Ordering::SeqCst);
        })
    });
    let sent = world.send(get(CHAT)).await;
    let enforcing = enforcing.lock().unwrap().take()?;
    assert_eq!(enforcing.join().unwrap(), 0, "all have seen it");
    assert_eq!(server.arrived().len(), arrived.load(Ordering::SeqCst), "moment {moment}: sent after it was frozen");
    let refused = server.arrived().len() == 1;
    assert_eq!(refused, matches!(sent, Err(ServiceError::Frozen(_))), "moment {moment}: {sent:?}");
    Some(refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_after_a_freeze_whenever_it_comes() {
    let (mut refused, mut moment) = (0, 0);
    while let Some(was_refused) = struck_at(moment).await {
        refused += usize::from(was_refused);
        moment += 1;
    }
    assert!(refused >= 3, "before the lane, before the channel is judged, before a connection is taken: {refused}");
}
