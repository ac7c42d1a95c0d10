//! A host that is killed again and again in the middle of its work, without a word: nothing that was answered for is lost,
//! nothing happens twice, and the log holds at every moment. `PORTCULLIS_KILLS` says how often (10).
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_broker::loopback::Loopback;
use portcullis_cli::commands::events;
use portcullis_e2e::{Daemon, Lab, Package, Seeded, TENANT, acts, created_on, run};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    installation::Installation,
    queue::{DeliveryState, Queue as _},
    secret::Secret,
    time::Clock,
};
use portcullis_store::helpdesk::NewTicket;

const EVENTS: usize = 1_000;
const SENDERS: usize = 4;

/// What the senders share.
struct Senders {
    /// Each event once: its body.
    events: Vec<String>,
    next: AtomicUsize,
    accepted: AtomicUsize,
    /// Where the host listens now.
    address: RwLock<SocketAddr>,
    clock: Arc<dyn Clock>,
}

impl Senders {
    /// Sends event after event, each until it is answered for: as every sender of webhooks does.
    async fn send(self: Arc<Self>) {
        let (source, secret) = ("zen".parse().unwrap(), Secret::new(Lab::SECRET.as_bytes().to_vec()));
        while let Some(event) = self.events.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            loop {
                let to = Loopback::new(*self.address.read().unwrap()).unwrap();
                match events::send(&to, self.clock.as_ref(), &source, &secret, event).await {
                    Ok((202, _)) => break,
                    Ok((503, _)) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                    Ok((status, answer)) => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
                }
            }
            self.accepted.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn accepted(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.accepted.load(Ordering::Relaxed) < count {
            assert!(Instant::now() < deadline, "{} of {count} accepted", self.accepted.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Tickets of their own, since a key of a comment counts within its ticket.
async fn tickets(lab: &Lab) -> Vec<String> {
    lab.seed(TENANT).await;
    let mut ids = Vec::new();
    for number in 0..EVENTS {
        let new = NewTicket {
            subject: format!("Ticket {number}"),
            description: "Something is wrong.".to_owned(),
            requester_id: "9010092".to_owned(),
            ..NewTicket::default()
        };
        ids.push(lab.desk.create_ticket(&TENANT.parse().unwrap(), new).await.unwrap());
    }
    ids
}

/// Waits until every delivery is over.
async fn all_done(lab: &Lab, expected: u64) {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let depth = BTreeMap::from_iter(lab.host.store.depth().await.unwrap());
        if depth == BTreeMap::from([(DeliveryState::Done, expected)]) {
            return;
        }
        assert!(Instant::now() < deadline, "{depth:?}");
        assert_eq!(depth.get(&DeliveryState::Dead), None, "nothing may be given up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn kill_and_start(lab: &Lab, host: Daemon) -> Daemon {
    host.kill().await;
    // The host is dead, and what it had published holds.
    let verified = run(lab.host.home.dir(), &["audit", "verify"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    Daemon::start(lab.host.home.dir()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_in_the_middle_of_a_thousand_events() {
    let kills: usize = std::env::var("PORTCULLIS_KILLS").map_or(10, |text| text.parse().unwrap());
    let mut random = Seeded::announced("moments to kill at");
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let scopes = ["log:write", "tickets:comment visibility=internal"];
    let keyed = lab.install(&Package::guest("comments_keyed", &scopes, "wall-ms = 60000")).await;
    let unkeyed = lab.install(&Package::guest("comments_unkeyed", &scopes, "wall-ms = 60000")).await;
    let tickets = tickets(&lab).await;
    let mut host = Daemon::start(lab.host.home.dir()).await;
    let senders = Arc::new(Senders {
        events: tickets.iter().map(|ticket| created_on(ticket, &format!("event-of-{ticket}"))).collect(),
        next: AtomicUsize::new(0),
        accepted: AtomicUsize::new(0),
        address: RwLock::new(host.address),
        clock: lab.host.clock.clone(),
    });
    let sending: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(senders.clone().send())).collect();
    for kill in 0..kills {
        // At some moment within each part of the events, and a little later.
        senders.accepted(kill * EVENTS / kills + random.below((EVENTS / kills).max(1))).await;
        tokio::time::sleep(Duration::from_millis(random.below(200) as u64)).await;
        host = kill_and_start(&lab, host).await;
        *senders.address.write().unwrap() = host.address;
    }
    for sender in sending {
        sender.await.unwrap();
    }
    all_done(&lab, 2 * EVENTS as u64).await;
    assert_eq!(host.stop().await, 0, "and at the end it stops in good order");

    each_comment_once(&lab, &tickets, &keyed, &unkeyed).await;
    the_log_tells_all_of_it(&lab, &tickets, kills).await;
}

async fn each_comment_once(lab: &Lab, tickets: &[String], keyed: &Installation, unkeyed: &Installation) {
    for ticket in tickets {
        let own = |word: &str| format!("{word}, for event event-of-{ticket}.");
        assert_eq!(lab.comments_by(keyed, ticket).await, [own("Keyed")], "ticket {ticket}");
        assert_eq!(lab.comments_by(unkeyed, ticket).await, [own("First"), own("Second")], "ticket {ticket}");
    }
}

async fn the_log_tells_all_of_it(lab: &Lab, tickets: &[String], kills: usize) {
    let entries = lab.entries().await;
    let mut received: Vec<&str> =
        entries.iter().filter(|e| e.kind == Kind::EventReceived).filter_map(|e| e.resource.as_deref()).collect();
    received.sort_unstable();
    let mut expected: Vec<String> = tickets.iter().map(|ticket| format!("event:zen/event-of-{ticket}")).collect();
    expected.sort_unstable();
    assert_eq!(received, expected, "each event was received once");
    // Three comments an event at the least; those of tries that were cut off, or that failed, come on top.
    let seen = acts(&entries);
    assert!(seen.permitted("tickets.add-comment") >= 3 * EVENTS, "{seen:?}");
    let open: u64 = lab.database().query_row("SELECT count(*) FROM open_acts", [], |row| row.get(0)).unwrap();
    assert_eq!(open, 0);
    let starts: Vec<_> = entries.iter().filter(|entry| entry.kind == Kind::HostStarted).collect();
    assert_eq!(starts.len(), kills + 1);
    let sum = |name: &str| starts.iter().filter_map(|start| start.detail[name].as_u64()).sum::<u64>();
    println!("{kills} kills cut off {} deliveries and {} acts", sum("recovered-leases"), sum("unknown-acts"));
    assert!(sum("recovered-leases") > 0, "no kill came in the middle of anything");
    assert_eq!(sum("unknown-acts"), seen.unknown as u64);
    assert_eq!(entries.iter().filter(|entry| entry.kind == Kind::HostStopped).count(), 1);
    let verified = run(lab.host.home.dir(), &["audit", "verify"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(verified.json()["report"]["size"], entries.len(), "all of it is published");
}
