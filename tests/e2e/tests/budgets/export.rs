//! A mass export: what the records budgets leave of it.

use portcullis_e2e::{Lab, acts, run};
use portcullis_model::{audit::Kind, budget::BudgetStore as _};
use serde_json::json;

use crate::{exporter, got, said};

#[tokio::test(flavor = "multi_thread")]
async fn gets_exactly_what_the_hour_leaves_and_nobody_else_pays_for_it() {
    let lab = Lab::new().await;
    lab.seed("acme").await;
    lab.seed("other").await;
    let package = exporter("records-read = 20\nrecords-read-per-hour = 50");
    let greedy = lab.install(&package).await;
    let same_tenant = lab.install(&package).await;
    let elsewhere = lab.install_in("other", &package, None).await;

    let first = lab.call(&greedy, json!({})).await;
    assert_eq!(got(&first), 20, "what one call may read");
    assert!(said(&first, "refused: ").contains("records-read\", allowed: 20"), "{}", said(&first, "refused: "));
    assert_eq!(got(&lab.call(&greedy, json!({})).await), 20);
    let third = lab.call(&greedy, json!({})).await;
    assert_eq!(got(&third), 10, "what the hour leaves");
    let why = said(&third, "refused: ");
    assert!(why.contains("records-read-per-hour: 50 of 50 used and 1 more asked for; suspended until"), "{why}");
    assert!(why.contains("what is left of the budgets does not cover it") && why.contains("\"admin\""), "{why}");
    for report in [&first, &third] {
        assert_eq!(said(report, "kv: "), "Ok(())", "its other capabilities go on");
    }
    assert_eq!(got(&lab.call(&greedy, json!({})).await), 0, "suspended");
    assert_eq!(acts(&lab.entries().await).permitted("tickets.get"), 50, "and on record");

    assert_eq!(got(&lab.call(&same_tenant, json!({})).await), 20);
    assert_eq!(got(&lab.call(&elsewhere, json!({})).await), 20);
    let suspended = lab.entries_of(Kind::CapabilitySuspended).await;
    let about: Vec<_> = suspended.iter().map(|entry| (entry.resource.clone(), entry.text("capability"))).collect();
    assert_eq!(about, [(Some(format!("installation:{}", greedy.id)), Some("tickets"))], "once, and of nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_refusals_fills_no_log() {
    let lab = Lab::new().await;
    lab.seed("acme").await;
    let guest = lab.install(&exporter("records-read-per-hour = 7")).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!((got(&report), report.usage.denials_unlisted), (7, 220 - 7 - 20));
    let denied = lab.entries_of(Kind::ActDenied).await;
    assert_eq!(denied.len(), 20);
    assert!(denied.iter().all(|entry| entry.text("layer") == Some("budget") && entry.text("grantor") == Some("admin")));
    let ended = lab.entries_of(Kind::CallEnded).await;
    assert_eq!(ended[0].detail["denials-unlisted"], 193);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_ends_it_before_its_time() {
    let mut lab = Lab::new().await;
    lab.seed("acme").await;
    let guest = lab.install(&exporter("records-read-per-hour = 50")).await;
    let id = guest.id.as_str();
    assert_eq!(got(&lab.call(&guest, json!({})).await), 50);
    lab.restart().await;
    assert_eq!(got(&lab.call(&guest, json!({})).await), 0, "a restart does not");

    let home = lab.host.home.dir().to_owned();
    let listed = run(&home, &["plugin", "list"]).await.json();
    assert_eq!(listed["suspensions"][0]["capability"], "tickets");
    let notice = run(&home, &["notices"]).await.json();
    assert_eq!(notice["kind"], "capability.suspended");
    assert_eq!(notice["help"], format!("portcullis plugin resume {id} --capability tickets"));

    let wrong = run(&home, &["plugin", "resume", id, "--capability", "users"]).await;
    assert!(
        wrong.code == 1 && wrong.stderr.contains("'users' of") && wrong.stderr.contains("suspended: tickets"),
        "{wrong:?}"
    );
    let resumed = run(&home, &["plugin", "resume", id, "--capability", "tickets"]).await;
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(lab.entries_of(Kind::CapabilityResumed).await.len(), 1);
    assert_eq!(
        run(&home, &["plugin", "resume", id, "--capability", "tickets"]).await.code,
        1,
        "there is nothing any more"
    );
    // As the running host does each second.
    lab.runtime.ledger().write_now().await;
    assert_eq!(got(&lab.call(&guest, json!({})).await), 50, "and the hour begins anew");
    let notices = run(&home, &["notices", "--since", "1h"]).await.stdout;
    let helps: Vec<bool> = notices.lines().map(|line| line.contains("over: nothing to do")).collect();
    assert_eq!(helps, [false, true], "newest first");
}

/// Kills and restarts do not begin the hour anew: what was used was written down.
#[tokio::test(flavor = "multi_thread")]
async fn the_hour_goes_on_after_a_restart() {
    let mut lab = Lab::new().await;
    lab.seed("acme").await;
    let guest = lab.install(&exporter("records-read = 30\nrecords-read-per-hour = 50")).await;
    assert_eq!(got(&lab.call(&guest, json!({})).await), 30);
    lab.runtime.ledger().write_now().await;
    lab.restart().await;
    assert_eq!(got(&lab.call(&guest, json!({})).await), 20);
    assert_eq!(lab.host.store.suspensions(lab.host.clock.now()).await.unwrap().len(), 1);
}
