//! `portcullis why` and `portcullis plugin explain|review`: the real binary, on the log of a real denial.

use portcullis_e2e::{Lab, TENANT, run};
use portcullis_model::audit::Kind;
use serde_json::json;

use crate::{denial, reader};

#[tokio::test(flavor = "multi_thread")]
async fn why_says_which_layer_and_who_can_change_it() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let guest = lab.install(&reader()).await;
    let less = ["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject"];
    let guest = lab.grant(&guest, &less).await;
    lab.call(&guest, json!({ "fields": ["tags"] })).await;
    let id = denial(&lab).await.text("id").unwrap().to_owned();

    let why = run(lab.host.home.dir(), &["why", &id]).await;
    let said = why.json();
    assert_eq!((why.code, &said["permitted"]), (0, &json!(false)));
    assert_eq!((&said["act"], &said["scope"]), (&json!("tickets.get"), &json!("tickets:read fields=tags")));
    assert_eq!(said["layers"][0], json!({ "layer": "manifest", "refuses": null }));
    assert_eq!(said["layers"][1]["refuses"], "reading tags of tickets is not granted");
    assert_eq!((&said["refused"]["layer"], &said["refused"]["grantor"]), (&json!("granted"), &json!("admin")));
    let today = &said["today"]["stands"];
    assert_eq!((&today["narrowed_by"], &today["left"]), (&json!("granted"), &json!([])));

    // What was denied then can be allowed today, and it says so.
    lab.grant(&guest, &["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject,tags"])
        .await;
    let said = run(lab.host.home.dir(), &["why", &id]).await.json();
    assert_eq!((&said["refused"]["layer"], &said["today"]["stands"]["narrowed_by"]), (&json!("granted"), &json!(null)));

    // A permitted act is explained as well, and an act that is not there is said not to be.
    let permitted = lab.entries_of(Kind::ActPermitted).await;
    assert!(permitted.is_empty());
    lab.call(&lab.installations().await.remove(0), json!({ "fields": ["tags"] })).await;
    let id = lab.entries_of(Kind::ActPermitted).await[0].text("id").unwrap().to_owned();
    let said = run(lab.host.home.dir(), &["why", &id]).await.json();
    assert_eq!((&said["permitted"], &said["refused"]), (&json!(true), &json!(null)));
    let none = run(lab.host.home.dir(), &["why", "call_0.1"]).await;
    assert!(none.code == 1 && none.stderr.contains("the log has no act 'call_0.1'"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_a_layer_and_explain_shows_it() {
    let lab = Lab::new().await;
    let guest = lab.install(&reader()).await;
    let home = lab.host.home.dir();
    let asked = "tickets:read fields=subject,status mask=personal";
    let said = run(home, &["plugin", "explain", guest.id.as_str(), asked]).await.json();
    assert_eq!(said["narrowed_by"], json!(null));

    let review = ["plugin", "review", guest.id.as_str(), "tickets:read fields=subject", "log:write"];
    assert_eq!(run(home, &review).await.code, 0);
    let said = run(home, &["plugin", "explain", guest.id.as_str(), asked]).await.json();
    assert_eq!(said["narrowed_by"], "reviewed");
    assert_eq!(said["left"], json!(["tickets:read fields=subject mask=subject"]));
    let entry = lab.entries_of(Kind::ReleaseReviewed).await.pop().unwrap();
    assert_eq!(entry.detail["scopes"], json!(["tickets:read fields=subject", "log:write"]));

    let wrong = run(home, &["plugin", "review", guest.id.as_str(), "tickets:raed fields=subject"]).await;
    assert!(wrong.code == 1 && wrong.stderr.contains("did you mean 'read'?"), "{wrong:?}");
    let nothing = run(home, &["plugin", "review", guest.id.as_str()]).await;
    assert!(nothing.code == 1 && nothing.stderr.contains("--nothing"), "{nothing:?}");
}
