//! Newer releases: taken by policy, under the old grant, or waiting for an admin; and the way back.

use portcullis_e2e::{Lab, Package, TENANT, run};
use portcullis_model::{audit::Kind, upgrade::UpgradePolicy};
use serde_json::json;

use crate::{approved, becomes, logged, policy, published, release};

const SUBJECT: &str = "tickets:read fields=subject";
const TAGS: &str = "tickets:read fields=tags";

/// A plugin that logs, and its next release, which is other code and reads what the event names.
fn releases(name: &str, first: &[&str], second: &[&str], version: &str) -> (Package, Package) {
    let one = Package::of(portcullis_e2e::guest("echo"), name, first, "");
    let other = Package::of(portcullis_e2e::guest("reads_named_fields"), name, second, "");
    (one, release(&other, 2, version))
}

fn optional(package: Package, scope: &str) -> Package {
    let line = format!("scope = \"{scope}\"\n");
    let manifest = package.manifest.replace(&line, &format!("{line}optional = true\n"));
    assert_ne!(manifest, package.manifest);
    Package { manifest, ..package }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_code_runs_under_the_old_grant() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let (one, two) = releases("reader", &["log:write", SUBJECT], &["log:write", SUBJECT, TAGS], "1.0.1");
    let two = optional(two, TAGS);
    let old = lab.install(&one).await;
    policy(&lab, &old, UpgradePolicy::Patch).await;
    let host = lab.run().await;
    published(&lab, &two).await;
    let new = becomes(&lab, &old, "release 2", |one| one.number == 2).await;
    host.stop().await;
    assert_eq!(new.granted, old.granted, "the grant is what it was");
    let subject = lab.call(&new, json!({ "fields": ["subject"] })).await;
    assert!(logged(&subject).contains("Ok("), "the new code runs: {:?}", subject.log);
    let tags = lab.call(&new, json!({ "fields": ["tags"] })).await;
    assert!(logged(&tags).contains("reading tags of tickets is not granted"), "{:?}", tags.log);
    let entry = &lab.entries_of(Kind::PluginUpgraded).await[0];
    assert_eq!(entry.detail["could-grant"], json!([TAGS]));
    let told = run(lab.host.home.dir(), &["notices"]).await;
    assert!(told.stdout.contains("without what could be granted"), "{told:?}");

    let all: Vec<String> = new.granted.iter().map(ToString::to_string).chain([TAGS.to_owned()]).collect();
    let wider = lab.grant(&new, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let tags = lab.call(&wider, json!({ "fields": ["tags"] })).await;
    assert!(logged(&tags).contains("Ok("), "{:?}", tags.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_requires_waits_for_an_admin() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let (one, two) = releases("reader", &["log:write", SUBJECT], &["log:write", SUBJECT, TAGS], "1.1.0");
    let old = lab.install(&one).await;
    policy(&lab, &old, UpgradePolicy::All).await;
    let host = lab.run().await;
    published(&lab, &two).await;
    let waits = becomes(&lab, &old, "one that waits", |one| one.waiting.is_some()).await;
    assert_eq!((waits.number, &waits.granted), (1, &old.granted), "it runs what it ran");
    assert!(waits.waiting.unwrap().why.iter().any(|why| why.contains(TAGS)));
    let home = lab.host.home.dir().to_owned();
    let told = run(&home, &["notices"]).await;
    assert!(told.stdout.contains("plugin.upgrade-waits") && told.stdout.contains("fields=tags"), "{told:?}");
    let shown = run(&home, &["plugin", "upgrade", old.id.as_str(), "--dry-run"]).await;
    assert_eq!(shown.json()["plan"]["next"], "wait", "{shown:?}");
    let refused = run(&home, &["plugin", "upgrade", old.id.as_str(), "--yes"]).await;
    assert!(refused.code != 0 && refused.stderr.contains("waits for an admin"), "{refused:?}");
    let agreed = run(&home, &["plugin", "upgrade", old.id.as_str(), "--accept", "--yes"]).await;
    assert_eq!(agreed.code, 0, "{agreed:?}");
    let new = becomes(&lab, &old, "release 2", |one| one.number == 2).await;
    host.stop().await;
    assert!(new.granted.contains(&TAGS.parse().unwrap()) && new.waiting.is_none());
    let tags = lab.call(&new, json!({ "fields": ["tags"] })).await;
    assert!(logged(&tags).contains("Ok("), "{:?}", tags.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_brings_back_code_and_grant_and_stays() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let (one, two) = releases("reader", &["log:write", SUBJECT], &["log:write", SUBJECT], "1.0.1");
    let old = lab.install(&one).await;
    policy(&lab, &old, UpgradePolicy::All).await;
    let host = lab.run().await;
    published(&lab, &two).await;
    becomes(&lab, &old, "release 2", |one| one.number == 2).await;
    let home = lab.host.home.dir().to_owned();
    let back = run(&home, &["plugin", "rollback", old.id.as_str(), "--reason", "the tests want it"]).await;
    assert_eq!(back.code, 0, "{back:?}");
    // Long enough for the host to look several times.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let now = becomes(&lab, &old, "release 1", |one| one.number == 1).await;
    assert_eq!((now.release, &now.granted, now.rolled_back), (old.release, &old.granted, Some(2)));
    published(&lab, &release(&two, 3, "1.0.2")).await;
    becomes(&lab, &old, "release 3", |one| one.number == 3).await;
    host.stop().await;
    assert_eq!(lab.entries_of(Kind::PluginRolledBack).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_trusted_in_the_tenant_is_not_taken() {
    let lab = Lab::new().await;
    let (one, two) = releases("reader", &["log:write"], &["log:write", SUBJECT], "1.0.1");
    let old = lab.install(&one).await;
    policy(&lab, &old, UpgradePolicy::All).await;
    let scope = portcullis_model::trust::RootScope::Platform;
    lab.host.change_root(&scope, |root| root.reviews.high = 1).await.unwrap();
    // The one that runs was vetted; the newer one was not.
    approved(&lab, &old).await;
    published(&lab, &optional(two, SUBJECT)).await;
    let host = lab.run().await;
    let refused = async {
        loop {
            let entries = lab.entries_of(Kind::ReleaseRefused).await;
            if let Some(entry) = entries.into_iter().find(|entry| entry.text("at") == Some("upgrade")) {
                return entry;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let refused = tokio::time::timeout(crate::SOON, refused).await;
    host.stop().await;
    let reason = refused.expect("nothing was refused").text("reason").unwrap().to_owned();
    assert!(reason.contains("0 of 1 reviewers"), "{reason}");
    assert_eq!(lab.installations().await[0].number, 1);
}
