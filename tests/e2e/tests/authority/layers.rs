//! Each layer takes away: manifest, grant, review, profile, ceiling.

use std::time::Duration;

use portcullis_e2e::{Lab, TENANT};
use portcullis_packages::statement::{Decision, Verdict};
use serde_json::json;

use crate::{denial, log, reader};

/// What stands in the log about who refused.
async fn refused_by(lab: &Lab) -> (String, String) {
    let entry = denial(lab).await;
    (entry.text("layer").unwrap().to_owned(), entry.text("grantor").unwrap().to_owned())
}

fn pair(layer: &str, grantor: &str) -> (String, String) {
    (layer.to_owned(), grantor.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_restrictive_of_five_layers_holds_and_is_named() {
    let config = "[ceiling]\nscopes = ['events:receive types=* data=full', 'log:write', 'tickets:read fields=subject,status,tags,priority']\n\
        [tenants.acme]\nscopes = ['events:receive types=* data=full', 'log:write', 'tickets:read fields=subject,status,tags']\n";
    let lab = Lab::with(config).await;
    lab.seed(TENANT).await;
    let guest = lab.install(&reader()).await;
    let ask = |fields: &[&str]| json!({ "fields": fields });

    assert!(log(&lab.call(&guest, ask(&["subject", "status", "tags"])).await).starts_with("Ok("));
    lab.call(&guest, ask(&["description"])).await;
    assert_eq!(refused_by(&lab).await, pair("manifest", "developer"));

    let guest = lab
        .grant(&guest, &["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject,status"])
        .await;
    lab.call(&guest, ask(&["tags"])).await;
    assert_eq!(refused_by(&lab).await, pair("granted", "admin"));

    let scopes = ["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject"];
    let now = lab.host.clock.now();
    let verdict = Verdict {
        decision: Decision::Approve,
        at_most: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        issued: now,
        expires: now.plus(Duration::from_secs(60)),
        report: None,
        reason: "no tags".into(),
    };
    let key = lab.host.root_key().unwrap();
    lab.host.state(&guest.release_id(), verdict, &key).await.unwrap();
    let guest = lab.installations().await.remove(0);
    let report = lab.call(&guest, ask(&["status"])).await;
    assert_eq!(refused_by(&lab).await, pair("reviewed", "reviewer"));
    assert!(log(&report).contains("the reviewer's approval does not cover it"), "{}", log(&report));
    assert!(log(&lab.call(&guest, ask(&["subject"])).await).starts_with("Ok("));
}

/// The same plugin in two tenants: the profile of one is nothing to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_holds_in_its_tenant_alone() {
    let config = "[tenants.acme]\nscopes = ['events:receive types=* data=full', 'log:write']\ncover-cards = true\n";
    let lab = Lab::with(config).await;
    for tenant in [TENANT, "beta"] {
        lab.seed(tenant).await;
    }
    let bound = lab.try_install_reader(TENANT).await;
    let free = lab.try_install_reader("beta").await;
    let refused = lab.call(&bound, json!({ "fields": ["subject"] })).await;
    // Nothing of `tickets` is left, so the component's import is not there at all.
    assert!(refused.end.to_string().contains("nothing of it is granted"), "{}", refused.end);
    let mut event = portcullis_e2e::event(json!({ "fields": ["subject"] }));
    event.tenant = free.tenant.clone();
    assert!(log(&lab.handle(&free, &event, 1).await).starts_with("Ok("));
}

trait InstallReader {
    async fn try_install_reader(&self, tenant: &str) -> portcullis_model::installation::Installation;
}

impl InstallReader for Lab {
    async fn try_install_reader(&self, tenant: &str) -> portcullis_model::installation::Installation {
        self.install_in(tenant, &reader(), None).await
    }
}

/// Where two layers speak of different tickets, nothing is left, and the second one is named.
#[tokio::test(flavor = "multi_thread")]
async fn layers_without_anything_in_common_leave_nothing() {
    let config = "[tenants.acme]\nscopes = ['events:receive types=* data=full', 'log:write', 'tickets:read fields=status', \
        'tickets:read fields=subject where=brand:none-such']\n";
    let lab = Lab::with(config).await;
    lab.seed(TENANT).await;
    let guest = lab.install(&reader()).await;
    let report = lab.call(&guest, json!({ "fields": ["subject"] })).await;
    assert!(log(&report).contains("NotFound"), "a ticket outside of where= is not there: {}", log(&report));
    lab.call(&guest, json!({ "fields": ["tags"] })).await;
    assert_eq!(refused_by(&lab).await, pair("profile", "admin"));
}
