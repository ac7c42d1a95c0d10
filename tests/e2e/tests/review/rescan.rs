//! Advisories that appear after a release was installed.

use portcullis_api::admin::v1::releases::{NotScanned, Rescans as _};
use portcullis_cli::{
    host::Host,
    quarantine::{Stopped, stop},
    rescan::rescan,
};
use portcullis_e2e::{Lab, Package, TENANT};
use portcullis_model::{
    audit::{Actor, Kind},
    installation::InstallationStore as _,
    review::Severity,
};
use portcullis_packages::{
    advisories::{Collector, Database},
    inspect::{
        Inspection,
        dependencies::{Dependency, Source},
    },
    trust::withdrawal::Target,
};
use serde_json::json;

use crate::enforced;

fn sample() -> Package {
    Package::sample("card-guard")
}

/// An advisory about this version of a dependency, as it is published.
fn database(about: &Dependency) -> Database {
    let record = json!({
        "id": "RUSTSEC-2099-0001", "modified": "2099-01-01T00:00:00Z", "summary": "reads freed memory",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": "crates.io", "name": about.name },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0.0.0-0" }] }],
        }],
    });
    let mut collector = Collector::default();
    collector.add("test", record.to_string().as_bytes());
    collector.finish().unwrap().0
}

/// A published package that the sample is made of.
fn dependency() -> Dependency {
    let all = Inspection::of(&sample().component).unwrap().dependencies;
    let published = all.into_iter().find(|one| !one.root && one.source == Source::Registry && one.version.is_some());
    published.expect("the builder writes down what a component is made of")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_told_once_and_stops_nothing_by_itself() {
    let lab = Lab::new().await;
    lab.install(&sample()).await;
    let database = database(&dependency());
    for new in [1, 0] {
        let found = rescan(&lab.host, &database, Actor::Host).await.unwrap();
        let one = &found.scanned[0];
        assert_eq!((found.scanned.len(), one.found.len(), one.new.len()), (1, 1, new));
        assert_eq!(one.found[0].severity, Severity::Critical);
        assert!(found.unread.is_empty() && found.stopped.is_empty());
    }
    assert_eq!(lab.entries_of(Kind::ReleaseVulnerable).await.len(), 1);
    assert!(enforced(&lab).await.suspended.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_stops_it_and_whoever_lifts_that_is_not_overruled() {
    let lab = Lab::with("[review]\nquarantine-vulnerable = 'high'\n").await;
    for tenant in [TENANT, "beta"] {
        lab.install_in(tenant, &sample(), None).await;
    }
    let database = database(&dependency());
    let found = rescan(&lab.host, &database, Actor::Host).await.unwrap();
    assert_eq!(found.stopped.len(), 1);
    assert_eq!(found.stopped[0].how, Stopped::Quarantined);
    assert_eq!(found.stopped[0].reason, "known vulnerabilities: RUSTSEC-2099-0001");
    assert_eq!(enforced(&lab).await.suspended.len(), 2);
    let again = rescan(&lab.host, &database, Actor::Host).await.unwrap();
    assert!(again.stopped.is_empty(), "it is quarantined for that already");
    assert_eq!(lab.entries_of(Kind::ReleaseWithdrawn).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_looked_at_by_one_at_a_time_and_stopped_once() {
    let lab = Lab::new().await;
    lab.install(&sample()).await;
    let host: &Host = &lab.host;
    let looks = host.looking.lock().await;
    assert!(matches!(host.rescan(Actor::Host, true).await, Err(NotScanned::Busy)));
    drop(looks);
    let nothing = host.rescan(Actor::Host, true).await;
    assert!(matches!(nothing, Err(NotScanned::NoAdvisories(_))), "{nothing:?}");
    let one = host.store.installations().await.unwrap().remove(0);
    let target = || Target::Component { plugin: one.plugin.clone(), digest: one.release };
    let release = one.release_id();
    let (left, right) =
        tokio::join!(stop(host, &release, target(), "twice"), stop(host, &release, target(), "at once"));
    let mut how = [left.unwrap(), right.unwrap()];
    how.sort_by_key(|how| *how == Stopped::Already);
    assert_eq!(how, [Stopped::Quarantined, Stopped::Already]);
    assert_eq!(lab.entries_of(Kind::ReleaseWithdrawn).await.len(), 1);
}
