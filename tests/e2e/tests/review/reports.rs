//! Reports of misbehaviour: to the platform, to other tenants, and to a stop.

use portcullis_cli::quarantine::{Stopped, after_report};
use portcullis_e2e::{Lab, TENANT};
use portcullis_model::{audit::Kind, id::ActId, installation::InstallationState, review::ReviewStore as _};
use serde_json::json;

use crate::{enforced, reader};

const BOTH: &str = "[review]\nquarantine-after-reports = 2\n";

async fn report(lab: &Lab, tenant: &str, reason: &str) -> portcullis_model::review::Misbehaviour {
    let all = lab.installations().await;
    let installation = all.iter().find(|one| one.tenant.as_str() == tenant).unwrap();
    lab.host.reports().report(installation, reason, Vec::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_two_tenants_stop_it_in_the_third() {
    let lab = Lab::with(BOTH).await;
    for tenant in [TENANT, "beta", "gamma"] {
        lab.install_in(tenant, &reader(), None).await;
    }
    for reason in ["reads too much", "and again"] {
        let one = report(&lab, TENANT, reason).await;
        assert_eq!(after_report(&lab.host, &one).await.unwrap(), None, "one tenant is one");
    }
    let two = report(&lab, "beta", "reads too much here too").await;
    assert_eq!(after_report(&lab.host, &two).await.unwrap(), Some(Stopped::Quarantined));
    assert_eq!(after_report(&lab.host, &two).await.unwrap(), Some(Stopped::Already));
    assert_eq!(lab.entries_of(Kind::ReleaseWithdrawn).await.len(), 1);
    assert_eq!(enforced(&lab).await.suspended.len(), 3);
    for one in lab.installations().await {
        let InstallationState::Suspended { reason, .. } = one.state else { panic!("{} is active", one.tenant) };
        assert!(reason.contains("reported for misbehaviour, under review"), "{reason}");
        assert!(!reason.contains("beta") && !reason.contains(TENANT), "it tells who reported: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_others_keep_the_key_installations_are_suspended() {
    let lab = Lab::with("[review]\nquarantine-after-reports = 1\n").await;
    for tenant in [TENANT, "beta"] {
        lab.install_in(tenant, &reader(), None).await;
    }
    std::fs::remove_file(lab.host.home.root_key()).unwrap();
    let one = report(&lab, TENANT, "reads too much").await;
    assert_eq!(after_report(&lab.host, &one).await.unwrap(), Some(Stopped::Suspended(2)));
    assert_eq!(lab.entries_of(Kind::PluginSuspended).await.len(), 2);
    let entry = lab.entries_of(Kind::PluginReported).await.remove(0);
    assert_eq!(entry.tenant.unwrap().as_str(), TENANT);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stopped_unless_the_platform_says_so_and_evidence_is_of_ones_own() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let guest = lab.install(&reader()).await;
    let other = lab.install_in("beta", &reader(), None).await;
    let one = report(&lab, TENANT, "reads too much").await;
    assert_eq!(after_report(&lab.host, &one).await.unwrap(), None);

    lab.call(&guest, json!({ "fields": ["subject"] })).await;
    let entry = lab.entries_of(Kind::ActPermitted).await.pop().unwrap();
    let id: ActId = entry.text("id").unwrap().parse().unwrap();
    let evidence = || vec![(id.clone(), Some(entry.clone()))];
    assert!(lab.host.reports().report(&other, "not mine", evidence()).await.is_err());
    lab.host.reports().report(&guest, "reads too much", evidence()).await.unwrap();
    assert_eq!(lab.host.store.misbehaviours().await.unwrap().len(), 2);
}
