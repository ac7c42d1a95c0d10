//! A registry that was changed behind the host's back: what is called is checked when it is loaded, whatever was true
//! when it was installed.

use portcullis_e2e::{Lab, Package, TENANT, acts};
use portcullis_model::{
    audit::{Actor, Kind},
    event::EventForm,
    installation::Installation,
    invoke::CallEnd,
    queue::DeliveryState,
};
use rusqlite::params;
use serde_json::json;

use crate::{flipped, package};

/// Changes a column of the one release.
fn change(lab: &Lab, column: &str, how: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let database = lab.database();
    let select = format!("SELECT CAST({column} AS BLOB) FROM releases");
    let before: Vec<u8> = database.query_row(&select, [], |row| row.get(0)).unwrap();
    let after = how(before.clone());
    assert_ne!(before, after);
    let changed = match column {
        "component" => database.execute("UPDATE releases SET component = ?1", params![after]),
        text => {
            database.execute(&format!("UPDATE releases SET {text} = ?1"), params![String::from_utf8(after).unwrap()])
        }
    };
    assert_eq!(changed.unwrap(), 1);
}

async fn refusal(lab: &mut Lab, guest: &Installation) -> String {
    lab.restart().await;
    let report = lab.call(guest, json!({})).await;
    assert_eq!((report.log.len(), report.usage.host_calls), (0, 0), "nothing of it ran");
    match report.end {
        CallEnd::Refused(why) | CallEnd::Untrusted(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_of_a_stored_release() {
    let mut lab = Lab::new().await;
    let guest = lab.install(&package()).await;
    assert_eq!(lab.call(&guest, json!({})).await.end, CallEnd::Ok);
    let length = package().component.len();
    for at in [0, 8, length / 3, length / 2, length - 1] {
        change(&lab, "component", |bytes| flipped(&bytes, at));
        let why = refusal(&mut lab, &guest).await;
        assert!(why.contains("component digest mismatch"), "byte {at}: {why}");
        // To install the release again heals what was damaged.
        lab.install(&package()).await;
        lab.restart().await;
        assert_eq!(lab.call(&guest, json!({})).await.end, CallEnd::Ok);
    }
    let manifest = package().manifest;
    for (what, named) in [
        ("summary = \"A guest", "manifest digest mismatch"),
        ("version = \"1", "manifest digest mismatch"),
        ("release = ", "manifest digest mismatch"),
        ("publisher = \"test", "manifest digest mismatch"),
        ("scope = \"log", "manifest digest mismatch"),
    ] {
        let at = manifest.find(what).unwrap() + what.len() - 1;
        change(&lab, "manifest", |bytes| flipped(&bytes, at));
        let why = refusal(&mut lab, &guest).await;
        assert!(why.contains(named), "{what}: {why}");
        lab.install(&package()).await;
    }
    for (what, named) in [("\"payload\":\"", "signature"), ("vnd.in-toto", "payloadType"), ("\"sig\":\"", "signature")]
    {
        change(&lab, "envelope", |bytes| {
            let at = String::from_utf8_lossy(&bytes).find(what).unwrap() + what.len() + 4;
            flipped(&bytes, at)
        });
        let why = refusal(&mut lab, &guest).await;
        assert!(why.contains(named), "{what}: {why}");
        lab.install(&package()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_or_its_key_that_is_gone() {
    let mut lab = Lab::new().await;
    let guest = lab.install(&package()).await;
    lab.database().execute("DELETE FROM trust_roots", []).unwrap();
    let why = refusal(&mut lab, &guest).await;
    assert!(why.contains("there is no root of the platform in the store"), "{why}");
    lab.database().execute("DELETE FROM releases", []).unwrap();
    let why = refusal(&mut lab, &guest).await;
    assert!(why.contains(&format!("release {} is not in the registry", guest.release)), "{why}");
}

/// Another publisher's component under this one's digest, or this row under another's digest, is neither.
#[tokio::test(flavor = "multi_thread")]
async fn two_releases_that_were_swapped() {
    let mut lab = Lab::new().await;
    let guest = lab.install(&package()).await;
    let echo = lab.install(&Package::guest("echo", &[], "")).await;
    let database = lab.database();
    let component = |of: &Installation| -> Vec<u8> {
        let select = "SELECT component FROM releases WHERE digest = ?1";
        database.query_row(select, [of.release.to_string()], |row| row.get(0)).unwrap()
    };
    let (a, b) = (component(&guest), component(&echo));
    for (of, component) in [(&guest, b), (&echo, a)] {
        let update = "UPDATE releases SET component = ?2 WHERE digest = ?1";
        database.execute(update, rusqlite::params![of.release.to_string(), component]).unwrap();
    }
    for one in [&guest, &echo] {
        let why = refusal(&mut lab, one).await;
        assert!(why.contains("component digest mismatch"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_starts_suspends_what_does_not_hold_and_keeps_its_events() {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let guest = lab.install(&package()).await;
    let neighbour = lab.install(&Package::guest("echo", &[], "")).await;
    let damage = "UPDATE releases SET component = CAST(component || X'00' AS BLOB) WHERE digest = ?1";
    assert_eq!(lab.database().execute(damage, [guest.release.to_string()]).unwrap(), 1);
    let host = lab.run().await;
    assert_eq!(lab.send_created(&host, "zen", "1005", "e1").await.status, 202);
    let rows = lab.settled(1).await;
    let row = |of: &Installation| rows.iter().find(|row| row.installation == of.id).unwrap();
    assert_eq!(row(&neighbour).state, DeliveryState::Done, "the others go on");
    assert_eq!((row(&guest).state, row(&guest).attempts), (DeliveryState::Pending, 0), "its event waits");
    let stopped = lab.entries_of(Kind::PluginSuspended).await;
    let [entry] = stopped.as_slice() else { panic!("one suspension: {stopped:?}") };
    assert_eq!((&entry.actor, &entry.resource), (&Actor::Host, &Some(format!("installation:{}", guest.id))));
    assert_eq!(entry.text("digest"), Some(guest.release.to_string().as_str()));
    assert!(entry.text("reason").unwrap().contains("component digest mismatch"), "{entry:?}");
    assert_eq!(lab.entries_of(Kind::DeliveryDead).await.len(), 0);
    host.stop().await;
}

/// Whoever writes a wider grant into the database gets no further than what the publisher signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_beyond_the_manifest() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let asked = ["log:write", "tickets:read fields=subject,status"];
    let guest = lab.install(&Package::guest("uses_tickets", &asked, "")).await;
    let widen = "UPDATE installations SET body = json_set(body, '$.granted[#]', 'tickets:redact',
        '$.granted[#]', 'tickets:comment visibility=internal'), generation = generation + 1";
    assert_eq!(lab.database().execute(widen, []).unwrap(), 1);
    let wider = lab.installations().await.remove(0);
    assert_eq!(wider.granted.len(), guest.granted.len() + 2, "it is read as it was written");
    let report = lab.call(&Installation { generation: 2, ..wider }, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert_eq!(lab.comments_by(&guest, "1005").await, [""; 0]);
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("tickets.get"), seen.denied("tickets.add-comment")), (1, 1));
    let denials = lab.entries_of(Kind::ActDenied).await;
    assert!(denials.iter().all(|denial| denial.text("grantor") == Some("developer")), "{denials:?}");
}
