//! From a submission to a call, and to the end of a review.

use std::time::Duration;

use portcullis_e2e::TENANT;
use portcullis_model::{
    audit::Kind,
    id::TenantId,
    installation::{InstallationState, InstallationStore as _},
    release::ReleaseStore as _,
    trust::RootScope,
};
use portcullis_packages::{
    review::{Desk, ReviewError, State},
    statement::{Decision, Verdict},
    trust::root::Root,
};
use serde_json::json;

use crate::{EVENTS, approve, decided, enforced, key, order, reader, reviewed};

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes_before_it_runs_and_the_meet_of_both_after() {
    let (ann, bob) = (key(), key());
    let lab = reviewed(2, "", &[("ann", &ann), ("bob", &bob)]).await;
    lab.seed(TENANT).await;
    let package = reader();
    lab.trust(&package).await;
    let files = package.signed(&lab.key);
    let refused = async |reason: &str| {
        let error = lab.try_install(&files, order(TENANT)).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    let of = lab.host.desk().submit(&files).await.unwrap().submission;
    refused("0 of 2 reviewers that 'platform' asks for").await;
    let (case, _) =
        decided(&lab, &of, &approve(&[EVENTS, "log:write", "tickets:read fields=subject,status"]), &ann).await.unwrap();
    assert_eq!(case.state(), Some(State::InReview));
    refused("1 of 2 reviewers").await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    decided(&lab, &of, &approve(&[EVENTS, "log:write", "tickets:read fields=subject,status"]), &ann).await.unwrap();
    refused("1 of 2 reviewers").await;
    let own = decided(&lab, &of, &approve(&[EVENTS]), &lab.key).await.unwrap_err().to_string();
    assert!(own.contains("is no reviewer") || own.contains("the publisher's own"), "{own}");
    let (case, _) =
        decided(&lab, &of, &approve(&[EVENTS, "log:write", "tickets:read fields=subject,tags"]), &bob).await.unwrap();
    assert_eq!(case.state(), Some(State::Approved));

    let guest = lab.try_install(&files, order(TENANT)).await.unwrap();
    let log = async |fields: &[&str]| {
        let report = lab.call(&guest, json!({ "fields": fields })).await;
        report.log.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>().join("\n")
    };
    assert!(log(&["subject"]).await.starts_with("Ok("));
    for field in ["status", "tags"] {
        log(&[field]).await;
        let denial = lab.entries_of(Kind::ActDenied).await.pop().unwrap();
        assert_eq!(denial.text("layer"), Some("reviewed"), "{field}");
    }
    let kinds = [Kind::ReviewSubmitted, Kind::ReleaseReviewed, Kind::ReviewWaived];
    for (kind, expected) in kinds.into_iter().zip([1, 3, 3]) {
        assert_eq!(lab.entries_of(kind).await.len(), expected, "{}", kind.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_is_over_stops_the_release_and_a_new_one_lets_it_go_on() {
    let ann = key();
    let lab = reviewed(1, "", &[("ann", &ann)]).await;
    let package = reader();
    lab.trust(&package).await;
    let files = package.signed(&lab.key);
    let of = lab.host.desk().submit(&files).await.unwrap().submission;
    let now = lab.host.clock.now();
    let short = Verdict {
        decision: Decision::Approve,
        at_most: package.parsed().asked(),
        issued: now,
        expires: now.plus(Duration::from_secs(2)),
        report: None,
        reason: "for two seconds".into(),
    };
    lab.host.state(&of.release(), short, &ann).await.unwrap();
    let guest = lab.try_install(&files, order(TENANT)).await.unwrap();
    assert!(enforced(&lab).await.suspended.is_empty());
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert_eq!(enforced(&lab).await.suspended.len(), 1);
    let InstallationState::Suspended { reason, .. } = lab.installations().await.remove(0).state else {
        panic!("it is active");
    };
    assert!(reason.contains("it must be vetted again"), "{reason}");
    assert_eq!(lab.host.desk().case(&of).await.unwrap().state(), Some(State::Expired));
    assert!(lab.host.installer().resume(&guest.id).await.is_err() || !enforced(&lab).await.suspended.is_empty());

    decided(&lab, &of, &approve(&[EVENTS, "log:write", "tickets:read fields=subject"]), &ann).await.unwrap();
    lab.host.installer().resume(&guest.id).await.unwrap();
    assert!(enforced(&lab).await.suspended.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_who_changes_their_mind_stops_what_runs() {
    let ann = key();
    let lab = reviewed(1, "", &[("ann", &ann)]).await;
    let package = reader();
    lab.trust(&package).await;
    let files = package.signed(&lab.key);
    let of = lab.host.desk().submit(&files).await.unwrap().submission;
    decided(&lab, &of, &approve(&[EVENTS]), &ann).await.unwrap();
    lab.try_install(&files, order(TENANT)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let reject = portcullis_packages::review::Choice {
        decision: Decision::Reject,
        at_most: None,
        reason: "sends names away".into(),
        ..approve(&[])
    };
    decided(&lab, &of, &reject, &ann).await.unwrap();
    let round = enforced(&lab).await;
    assert_eq!(round.suspended.len(), 1);
    let all = lab.host.store.installations().await.unwrap();
    assert!(
        matches!(&all[0].state, InstallationState::Suspended { reason, .. } if reason.contains("sends names away"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_of_a_tenants_root_stays_in_the_tenant() {
    let (keeper, ann) = (key(), key());
    let lab = reviewed(0, "", &[]).await;
    let (package, tenant): (_, TenantId) = (reader(), TENANT.parse().unwrap());
    lab.trust(&package).await;
    let scope = RootScope::Tenant(tenant.clone());
    let reviews = |root: &mut Root| {
        let id = root.know(&ann.public(), "ann");
        root.reviewers.insert(id);
    };
    lab.host.first_root(&tenant, &keeper, "acme").await.unwrap();
    let next = lab.host.next_root(&scope, reviews).await.unwrap();
    lab.host.keeper().root(&next.signed(&keeper).unwrap().to_json()).await.unwrap();
    let of = lab.host.desk().submit(&package.signed(&lab.key)).await.unwrap().submission;
    let (desk, id, choice) = (Desk { scope, ..lab.host.desk() }, ann.public().keyid(), approve(&[EVENTS]));
    let signed = async || desk.prepare(&of, &choice, &id).await.unwrap().statement.signed(&ann).unwrap();
    desk.file(&of, &choice, &id, &signed().await).await.unwrap();
    assert!(lab.host.store.releases_of(&of.plugin).await.unwrap().is_empty(), "nobody else finds it");
    assert_eq!(lab.entries_of(Kind::ReleaseReviewed).await.pop().unwrap().tenant, Some(tenant));

    lab.host.change_root(&RootScope::Platform, reviews).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let refused = desk.file(&of, &choice, &id, &signed().await).await.unwrap_err();
    assert!(matches!(refused, ReviewError::OtherRoot(_)), "her word counts with the platform, too: {refused}");
}
