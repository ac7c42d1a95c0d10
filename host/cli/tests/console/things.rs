//! A delivery that was given up, a line in a plugin's log, a client, and a release that was handed in, for the walk to do something
//! about.

use std::{sync::Arc, time::Duration};

use portcullis_cli::system::SystemClock;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    call::Call,
    event::{Event, EventForm},
    id::{Digest, InstallationId},
    invoke::{CallEnd, CallReport, PluginLogs as _, Usage},
    limits::Limits,
    queue::{Queue as _, Verdict},
    time::Clock as _,
};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::{FOUND, MANIFEST, MORE, Place, TENANT, TRIAGE};

/// What a plugin writes to its own log: no markup of it reaches a page.
pub const WROTE: &str = "<b>Ticket 7</b> is to be answered by noon";
/// Of which plugin a release was handed in.
pub const REVIEWED: &str = "com.example.greeter";

impl Place {
    /// An event to this installation that no try could deliver; gives the number of the delivery.
    pub async fn with_a_delivery(&self, installation: &str) -> i64 {
        let store = SqliteStore::open(&self.path("home/host.db")).unwrap();
        let now = SystemClock.now();
        let event = Event {
            id: "evt_8c21".into(),
            tenant: TENANT.parse().unwrap(),
            origin: "desk".parse().unwrap(),
            source: "zendesk:acme".into(),
            kind: "zen:event-type:ticket.created".into(),
            subject: None,
            time: now,
            form: EventForm::CloudEvents,
            data: json!({}),
            trace: None,
        };
        let entry = |kind| Entry::new(now, kind, Actor::Host, Some(TENANT.parse().unwrap()));
        let to = vec![installation.parse().unwrap()];
        store.ingest(event, to, entry(Kind::EventReceived), entry(Kind::EventDuplicate)).await.unwrap();
        let leases = store.lease(1, 1, now, Duration::from_secs(9)).await.unwrap();
        let dead = Verdict::Dead { error: "it did not fit".into() };
        store.settle(leases[0].delivery, dead, Vec::new()).await.unwrap();
        leases[0].delivery
    }

    /// A line that this installation wrote to its own log.
    pub async fn with_a_log(&self, installation: &str) {
        let store = SqliteStore::open(&self.path("home/host.db")).unwrap();
        let call = Call::new(
            "call_1".parse().unwrap(),
            TENANT.parse().unwrap(),
            installation.parse().unwrap(),
            FOUND.parse().unwrap(),
            Digest::of(b"release"),
            "zen/1".to_owned(),
            1,
            Limits::default(),
        );
        let log = vec![("warn", WROTE.to_owned())];
        let (call, end, usage) = (Arc::new(call), CallEnd::Ok, Usage::default());
        store.keep(&CallReport { call, end, usage, log, answer: None }, SystemClock.now());
        // Lines are handed in and written a little later.
        let id: InstallationId = installation.parse().unwrap();
        while store.log_lines(Some(id.clone()), 1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Registers a client of this installation, and gives its id.
    pub fn with_a_client(&self, installation: &str) -> String {
        let redirect = ["--redirect", "https://app.example/callback"];
        let made = self.run(&[&["client", "register", installation, "--dpop"], &redirect[..]].concat());
        made["client"]["id"].as_str().unwrap().to_owned()
    }

    /// A release that was approved, and one after it that was handed in and wants more.
    pub fn with_a_review(&self) {
        let first = MANIFEST.replace("com.example.triage", REVIEWED).replace("Triage helper", "Greet people by name");
        let second = first.replace("release = 1", "release = 2").replace("\"1.0.0\"", "\"1.1.0\"") + MORE;
        for (name, manifest) in [("handed-in-1", first), ("handed-in-2", second)] {
            self.signed(name, &manifest, TRIAGE);
            self.run(&["plugin", "submit", name]);
        }
        let why = ["--without-report", "its source was read", "--reason", "it does what it says"];
        self.run(&[&["review", "approve", &format!("{REVIEWED}@1"), "--as-asked"][..], &why[..]].concat());
    }
}
