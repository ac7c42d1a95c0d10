//! A plugin over several releases, and its end: what an upgrade may do, how one goes back, and that nothing is left of what is
//! erased.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod leaving;
mod taking;

use std::time::Duration;

use portcullis_e2e::{Lab, Package};
use portcullis_model::{installation::Installation, invoke::CallReport, release::ReleaseId, upgrade::UpgradePolicy};
use portcullis_packages::statement::{Decision, Verdict};

/// How long a running host may take for what it does within seconds.
const SOON: Duration = Duration::from_secs(20);

/// Another release of a package.
fn release(package: &Package, number: u64, version: &str) -> Package {
    let now = package.parsed();
    let manifest = package.manifest.replace(&format!("release = {}", now.release), &format!("release = {number}"));
    let manifest = manifest.replace(&format!("version = \"{}\"", now.version), &format!("version = \"{version}\""));
    assert_ne!(manifest, package.manifest);
    Package { manifest, ..package.clone() }
}

async fn published(lab: &Lab, package: &Package) -> ReleaseId {
    lab.host.installer().publish(&package.signed(&lab.key)).await.unwrap().listed.id
}

/// A reviewer lets what is granted to an installation be granted.
async fn approved(lab: &Lab, installation: &Installation) {
    let now = lab.host.clock.now();
    let verdict = Verdict {
        decision: Decision::Approve,
        at_most: installation.granted.clone(),
        issued: now,
        expires: now.plus(Duration::from_secs(600)),
        report: None,
        reason: "as it was".into(),
    };
    lab.host.state(&installation.release_id(), verdict, &lab.host.root_key().unwrap()).await.unwrap();
}

async fn policy(lab: &Lab, installation: &Installation, policy: UpgradePolicy) {
    lab.host.installer().set_policy(&installation.id, policy).await.unwrap();
}

/// Waits until the installation is as it must be.
async fn becomes(lab: &Lab, of: &Installation, what: &str, is: impl Fn(&Installation) -> bool) -> Installation {
    let wait = async {
        loop {
            let all = lab.installations().await;
            if let Some(found) = all.into_iter().find(|one| one.id == of.id && is(one)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(SOON, wait).await {
        Ok(found) => found,
        Err(_) => panic!("it does not become {what}: {:?}", lab.installations().await),
    }
}

/// All that a call logged.
fn logged(report: &CallReport) -> String {
    report.log.iter().map(|(_, line)| format!("{line}\n")).collect()
}
