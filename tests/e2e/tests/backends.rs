//! A back end outside of the sandbox: what it gets, that it is signed, and that neither a suspension nor a kill loses any of it.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::time::Duration;

use portcullis_broker::standard_webhooks::key::SigningKey;
use portcullis_e2e::{Arrived, Daemon, Far, Lab, Package, Request, acts, created_on, run, sign};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    installation::Installation,
    queue::{DeliveryRow, DeliveryState},
    secret::Secret,
};
use serde_json::{Value, json};

const READ: &str = "tickets:read fields=subject";
const SEND: &str = "http:send to=https://api.example.test/* methods=POST";

/// A host with a plugin that may send, and the far server as its back end's machine.
async fn lab(scopes: &[&str]) -> (Far, Lab, Installation) {
    let far = Far::start().await;
    let lab = Lab::with(&format!("[backends]\nfirst-pause-ms = 20\n{}", far.config())).await;
    lab.source("zen", EventForm::Zendesk).await;
    let installation = lab.install(&Package::guest("echo", scopes, "")).await;
    (far, lab, installation)
}

/// Sets the back end; gives the key.
async fn set(lab: &Lab, installation: &Installation, path: &str) -> Option<String> {
    let url = format!("https://{}{path}", Far::HOST);
    let ended = run(lab.host.home.dir(), &["backend", "set", installation.id.as_str(), "--url", &url]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.json()["key"].as_str().map(str::to_owned)
}

/// Waits until so many messages to back ends are done.
async fn done(lab: &Lab, count: usize) -> Vec<DeliveryRow> {
    for _ in 0..3_000 {
        let rows: Vec<_> = lab.deliveries().await.into_iter().filter(|row| row.back_end).collect();
        if rows.iter().filter(|row| row.state == DeliveryState::Done).count() >= count {
            return rows;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {count} messages were accepted: {:?}", lab.deliveries().await);
}

fn header(arrived: &Arrived, name: &str) -> String {
    let [value] = arrived.all(name)[..] else { panic!("{name}: {arrived:?}") };
    value.to_owned()
}

fn body(arrived: &Arrived) -> Value {
    serde_json::from_str(&arrived.body).unwrap()
}

fn is_signed(arrived: &Arrived, key: &str) -> bool {
    let key = SigningKey::parse(&Secret::new(key.as_bytes().to_vec())).unwrap();
    let at = header(arrived, "webhook-timestamp").parse().unwrap();
    let signature = key.sign(&header(arrived, "webhook-id"), at, arrived.body.as_bytes());
    header(arrived, "webhook-signature").split(' ').any(|one| one == signature)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_gets_what_its_plugin_would_and_what_happens_to_its_installation() {
    let (far, lab, installation) = lab(&[READ, SEND]).await;
    let key = set(&lab, &installation, "/hooks").await.unwrap();
    assert_eq!(set(&lab, &installation, "/hooks").await, None, "the key is shown once");
    let host = lab.run().await;
    assert_eq!(lab.send_created(&host, "zen", "1005", "e1").await.status, 202);
    done(&lab, 1).await;
    let [event] = &far.arrived()[..] else { panic!("{:?}", far.arrived()) };
    assert_eq!((event.method.as_str(), event.path.as_str()), ("POST", "/hooks"));
    assert!(is_signed(event, &key));
    let payload = body(event);
    assert_eq!(payload["type"], "zen:event-type:ticket.created");
    assert_eq!(payload["data"]["detail"], json!({ "id": "1005", "subject": "A ticket of the tests" }));
    assert!(acts(&lab.entries().await).permitted("http.send") >= 1, "the door's own permit");
    let told = lab.entries_of(Kind::BackendDelivery).await;
    assert_eq!((told.len(), told[0].text("outcome")), (1, Some("accepted")));

    let tested = run(lab.host.home.dir(), &["backend", "test", installation.id.as_str()]).await;
    assert_eq!((tested.code, tested.json()["state"].as_str()), (0, Some("done")), "{tested:?}");

    lab.host.installer().suspend(&installation.id, "Dana wrote something private").await.unwrap();
    assert_eq!(lab.send_created(&host, "zen", "1006", "e2").await.status, 202);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(far.arrived().len(), 2, "nothing goes out in the name of what is suspended");
    lab.host.installer().resume(&installation.id).await.unwrap();
    done(&lab, 5).await;
    let all = far.arrived();
    let mut types: Vec<_> = all[2..].iter().map(|one| body(one)["type"].as_str().unwrap().to_owned()).collect();
    types.sort();
    assert_eq!(types, ["installation.resumed", "installation.suspended", "zen:event-type:ticket.created"]);
    for notice in all[1..].iter().filter(|one| body(one).get("origin").is_none()) {
        assert_eq!(body(notice)["data"], json!({ "installation": installation.id }), "names, and nothing else");
        assert!(is_signed(notice, &key));
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_beyond_the_grant_is_refused_when_it_is_set_and_when_it_is_sent_to() {
    let (far, lab, installation) = lab(&[READ, SEND]).await;
    let id = installation.id.as_str();
    let url = format!("https://{}/hooks", Far::OTHER);
    let refused = run(lab.host.home.dir(), &["backend", "set", id, "--url", &url]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("may not send to") && refused.stderr.contains("http:send"), "{refused:?}");

    set(&lab, &installation, "/hooks").await;
    lab.grant(&installation, &["events:receive types=zen:event-type:*", READ]).await;
    let host = lab.run().await;
    lab.send_created(&host, "zen", "1005", "e1").await;
    let denied = async {
        while lab.entries_of(Kind::BackendDelivery).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), denied).await.unwrap();
    assert!(far.arrived().is_empty());
    let told = lab.entries_of(Kind::BackendDelivery).await;
    assert!(told[0].text("reason").unwrap().contains("may not send there"), "{told:?}");
    assert!(acts(&lab.entries().await).denied("http.send") >= 1);
    host.stop().await;
}

/// The host dies while the back end has not answered: the message comes again, with the same id.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_an_attempt_loses_nothing() {
    let (far, lab, installation) = lab(&[READ, SEND]).await;
    let key = set(&lab, &installation, "/never").await.unwrap();
    let host = Daemon::start(lab.host.home.dir()).await;
    let created = created_on("1005", "e1");
    let signed = sign(Lab::SECRET, lab.host.clock.now(), created.as_bytes());
    let answer = Request::post("/v1/hooks/zendesk/zen", created).headers(signed).send(host.address).await;
    assert_eq!(answer.status, 202);
    while far.arrived().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    host.kill().await;
    assert_eq!(set(&lab, &installation, "/hooks").await, None);
    let host = Daemon::start(lab.host.home.dir()).await;
    done(&lab, 1).await;
    let [first, second] = &far.arrived()[..] else { panic!("{:?}", far.arrived()) };
    assert_eq!((first.path.as_str(), second.path.as_str()), ("/never", "/hooks"));
    assert_eq!(header(first, "webhook-id"), header(second, "webhook-id"));
    assert!(is_signed(first, &key) && is_signed(second, &key));
    assert_eq!(host.stop().await, 0);
}
