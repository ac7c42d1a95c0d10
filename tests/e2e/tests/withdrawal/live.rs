//! One plugin in ten tenants with fifty calls under way on a running host, and its quarantine from another process.

use std::time::{Duration, Instant};

use portcullis_cli::{host::person, rotation::sources};
use portcullis_e2e::{Ended, Far, Lab, Package, Request, Running, run};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    installation::{Installation, InstallationState},
    queue::{DeliveryRow, DeliveryState},
    secret::Secret,
    source::Source,
};
use serde_json::json;

use crate::{LONG, WITHIN};

const TENANTS: usize = 10;
const EACH: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

fn tenant(number: usize) -> String {
    format!("tenant-{number}")
}

fn secret(number: usize) -> String {
    format!("the-secret-of-tenant-{number}-0123456789")
}

async fn send(host: &Running, number: usize, id: &str, path: &str) {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "/tests", "type": "test.event",
        "data": { "url": format!("https://{}/{path}", Far::HOST) },
    });
    let request = Request::post("/v1/events", event.to_string())
        .header("content-type", "application/cloudevents+json")
        .header("authorization", format!("Bearer {}", secret(number)));
    assert_eq!(request.send(host.address).await.status, 202);
}

/// Waits until this holds.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Ten tenants, each with the plugin; the first has a neighbour too.
async fn ten(far: &Far) -> (Lab, Vec<Installation>, Installation) {
    let lab = Lab::wide(128, &far.config()).await;
    let scopes = ["log:write", "http:send to=https://api.example.test/* methods=GET"];
    let package = Package::guest("sleeps_in_http", &scopes, LONG);
    let mut installed = Vec::new();
    for number in 0..TENANTS {
        let source = Source {
            name: format!("bus-{number}").parse().unwrap(),
            tenant: tenant(number).parse().unwrap(),
            form: EventForm::CloudEvents,
        };
        sources(&lab.host, person()).add(&source, &Secret::new(secret(number).into_bytes())).await.unwrap();
        installed.push(lab.install_in(&tenant(number), &package, None).await);
    }
    let neighbour = lab.install_in(&tenant(0), &Package::guest("echo", &[], ""), None).await;
    (lab, installed, neighbour)
}

fn rows_of<'a>(rows: &'a [DeliveryRow], neighbour: &Installation) -> Vec<&'a DeliveryRow> {
    rows.iter().filter(|row| row.installation != neighbour.id).collect()
}

/// The receipt as the command prints it, held against what must be in it.
fn receipt(ended: &Ended, installed: &[Installation]) {
    assert_eq!(ended.code, 0, "{ended:?}");
    println!("{}", ended.stdout);
    let value = ended.json();
    let receipt = &value["receipt"];
    let suspended = receipt["suspended"].as_array().unwrap();
    assert_eq!(suspended.len(), TENANTS, "{receipt}");
    for one in suspended {
        let of = installed.iter().find(|known| one["installation"] == known.id.as_str()).unwrap();
        assert_eq!((&one["tenant"], &one["calls"]), (&json!(of.tenant), &json!(EACH)), "{one}");
        assert!(one["log-index"].as_u64() > receipt["log-index"].as_u64(), "{one}");
    }
    assert_eq!((&receipt["calls-ended"], &receipt["calls-left"]), (&json!(TENANTS * EACH), &json!(0)), "{receipt}");
    let took = receipt["took-ms"].as_u64().unwrap();
    assert!(Duration::from_millis(took) <= WITHIN, "{took} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_in_ten_tenants_end_within_five_seconds() {
    let far = Far::start().await;
    let (lab, installed, neighbour) = ten(&far).await;
    let host = lab.run().await;
    for number in 0..TENANTS {
        for event in 0..EACH {
            send(&host, number, &format!("e{event}"), "never").await;
        }
    }
    until("fifty calls wait for an answer", async || far.arrived().len() >= TENANTS * EACH).await;

    let plugin = installed[0].plugin.as_str();
    let quarantine = ["plugin", "quarantine", plugin, "--release", "1", "--reason", "under investigation"];
    let ended = run(lab.host.home.dir(), &quarantine).await;
    receipt(&ended, &installed);
    let digest = ended.json()["withdrawal"].as_str().unwrap().to_owned();
    for one in lab.installations().await {
        let suspended = matches!(one.state, InstallationState::Suspended { .. });
        assert_eq!(suspended, one.id != neighbour.id, "{one:?}");
    }

    // New ones are refused, and lost they are not; the neighbour goes on.
    let before = far.arrived().len();
    for number in 0..TENANTS {
        send(&host, number, "after", "never").await;
    }
    until("the neighbour has handled all of its events", async || {
        let rows = lab.deliveries().await;
        let own = rows.iter().filter(|row| row.installation == neighbour.id);
        own.filter(|row| row.state == DeliveryState::Done).count() == EACH + 1
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let rows = lab.deliveries().await;
    let waiting = rows_of(&rows, &neighbour);
    assert_eq!(waiting.len(), TENANTS * (EACH + 1));
    assert!(waiting.iter().all(|row| (row.state, row.attempts) == (DeliveryState::Pending, 0)), "{waiting:?}");
    assert_eq!(far.arrived().len(), before, "nothing of it ran");
    assert_eq!(lab.entries_of(Kind::DeliveryDead).await.len(), 0);

    // It was a false alarm: lifted, resumed, and every event that waited is handled.
    let resume = ["plugin", "resume", installed[0].id.as_str()];
    assert_eq!(run(lab.host.home.dir(), &resume).await.code, 3, "not before it is lifted");
    let lift = run(lab.host.home.dir(), &["plugin", "lift", &digest, "--reason", "a false alarm"]).await;
    assert_eq!(lift.code, 0, "{lift:?}");
    for one in &installed {
        let resumed = run(lab.host.home.dir(), &["plugin", "resume", one.id.as_str()]).await;
        assert_eq!(resumed.code, 0, "{resumed:?}");
    }
    until("all sixty run again", async || far.arrived().len() >= before + TENANTS * (EACH + 1)).await;

    // And once more, so that the host can stop: by the component's digest.
    let digest = installed[0].release.to_string();
    let again =
        run(lab.host.home.dir(), &["plugin", "quarantine", plugin, "--digest", &digest, "--reason", "again"]).await;
    assert_eq!((again.code, &again.json()["receipt"]["calls-left"]), (0, &json!(0)), "{again:?}");
    host.stop().await;
}
