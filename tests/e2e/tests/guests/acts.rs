//! Guests that use `tickets` and `users`: permitted acts happen and are recorded; denied ones do not, and say who can
//! change that.

use portcullis_e2e::{Lab, Package, TENANT, acts, event};
use portcullis_model::{
    audit::{Entry, Kind},
    invoke::{CallEnd, CallReport},
};
use serde_json::json;

/// What the guest logged after these words.
pub fn said<'a>(report: &'a CallReport, words: &str) -> &'a str {
    let found = report.log.iter().find_map(|(_, line)| line.strip_prefix(words));
    found.unwrap_or_else(|| panic!("'{words}' is not in the log; {:?}: {:?}", report.end, report.log))
}

/// Installs with everything granted but this capability: the call must be refused, by the import's name.
pub async fn refused_at_load(lab: &Lab, package: &Package, capability: &str) {
    let asked: Vec<String> = package.parsed().asked().iter().map(ToString::to_string).collect();
    let all: Vec<&str> = asked.iter().map(String::as_str).collect();
    let others: Vec<&str> = all.iter().copied().filter(|scope| !scope.starts_with(&format!("{capability}:"))).collect();
    assert!(others.len() < all.len(), "it asks for {capability}");
    let guest = lab.install_in(TENANT, package, Some(&others)).await;
    let before = lab.entries().await.len();
    let report = lab.call(&guest, json!({})).await;
    let import = format!("portcullis:plugin/{capability}@0.1.0");
    assert!(matches!(&report.end, CallEnd::Refused(why) if why.contains(&import)), "{:?}", report.end);
    assert_eq!((report.usage.host_calls, report.log.len()), (0, 0));
    assert_eq!(lab.entries().await.len(), before + 1, "nothing of it ran; that it was not called is on record");
    // The same installation with a grant for it is called.
    let report = lab.call(&lab.grant(&guest, &all).await, json!({})).await;
    assert!(!matches!(report.end, CallEnd::Refused(_)), "{:?}", report.end);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_tickets() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = [
        "log:write",
        "tickets:read fields=subject,status,comments",
        "tickets:comment visibility=internal",
        "tickets:write fields=tags",
        "tickets:redact",
    ];
    let package = Package::guest("uses_tickets", &scopes, "");
    let guest = lab.install(&package).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    for words in ["get: ", "comments: ", "add-comment: ", "update: ", "redact: "] {
        assert!(said(&report, words).starts_with("Ok("), "{words}{}", said(&report, words));
    }
    assert_eq!(lab.comments_by(&guest, "1005").await, ["From a guest."]);
    let ticket = lab.desk.ticket_row(&guest.tenant, "1005").await.unwrap().unwrap();
    assert!(ticket.tags.unwrap().contains(&"guest".to_owned()));
    let first = lab.desk.comments_of(&guest.tenant, "1005").await.unwrap().remove(0);
    assert!(first.body.starts_with('\u{2587}'), "{}", first.body);
    let seen = acts(&lab.entries().await);
    for act in ["tickets.get", "tickets.comments", "tickets.add-comment", "tickets.update", "tickets.redact"] {
        assert_eq!((seen.permitted(act), seen.denied(act)), (1, 0), "{act}");
    }
    refused_at_load(&lab, &package, "tickets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_act_does_not_happen_and_is_recorded() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let asked = [
        "log:write",
        "tickets:read fields=subject,status,comments",
        "tickets:comment visibility=internal",
        "tickets:redact",
    ];
    let granted = ["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject,comments"];
    let guest = lab.install_in(TENANT, &Package::guest("uses_tickets", &asked, ""), Some(&granted)).await;
    let before = lab.desk.ticket_row(&guest.tenant, "1005").await.unwrap();
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    assert!(said(&report, "comments: ").starts_with("Ok("));
    let denials = lab.entries_of(Kind::ActDenied).await;
    for (words, act, scope, grantor) in [
        ("get: ", "tickets.get", "tickets:read fields=status,subject", "admin"),
        ("add-comment: ", "tickets.add-comment", "tickets:comment visibility=internal", "admin"),
        ("update: ", "tickets.update", "tickets:write fields=tags", "developer"),
        ("redact: ", "tickets.redact", "tickets:redact", "admin"),
    ] {
        let denial = denials.iter().find(|entry| entry.text("act") == Some(act)).unwrap();
        let text = |name| denial.text(name).unwrap();
        assert_eq!((text("scope"), text("grantor")), (scope, grantor), "{act}");
        assert_eq!(denial.resource.as_deref(), Some("ticket:1005"));
        // The plugin was told the same.
        let told = said(&report, words);
        let id = text("id");
        for part in [format!("id: \"{id}\""), format!("scope: \"{scope}\""), format!("grantor: \"{grantor}\"")] {
            assert!(told.contains(&part), "{told} has no {part}");
        }
        let found = lab.host.store.entry_of_act(id.to_owned()).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Entry>(&found.body).unwrap(), *denial, "to be found by its id");
    }
    assert_eq!(lab.comments_by(&guest, "1005").await, [""; 0]);
    assert_eq!(lab.desk.ticket_row(&guest.tenant, "1005").await.unwrap(), before);
    acts(&lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_users() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "users:read fields=name,email", "users:organizations fields=name,tags"];
    let package = Package::guest("uses_users", &scopes, "");
    let about = json!({ "user": "9010001", "organization": "361001" });
    let report = lab.call(&lab.install(&package).await, about.clone()).await;
    assert!(said(&report, "get: ").contains("phone: None"), "only what was asked for: {:?}", report.log);
    assert!(said(&report, "get: ").contains("name: Some(\"Priya Raghunathan\")"), "{:?}", report.log);
    assert!(said(&report, "get-organization: ").contains("domain-names: None"), "{:?}", report.log);
    assert!(said(&report, "get-organization: ").contains("Aurora Maritime Logistics"), "{:?}", report.log);
    let names = ["events:receive types=test.* data=full", "log:write", "users:read fields=name"];
    let report = lab.call(&lab.install_in(TENANT, &package, Some(&names)).await, about).await;
    assert!(said(&report, "get: ").contains("reading email of people is not granted"), "{:?}", report.log);
    assert!(said(&report, "get-organization: ").contains("scope: \"users:organizations fields=name,tags\""));
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("users.get"), seen.denied("users.get")), (1, 1));
    assert_eq!((seen.permitted("users.get-organization"), seen.denied("users.get-organization")), (1, 1));
    refused_at_load(&lab, &package, "users").await;
}

#[tokio::test(flavor = "multi_thread")]
pub async fn reads_named_fields() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "tickets:read fields=subject,tags,requester_id,comments"];
    let package = Package::guest("reads_named_fields", &scopes, "");
    let granted = ["events:receive types=test.* data=full", "log:write", "tickets:read fields=subject,tags,comments"];
    let guest = lab.install_in(TENANT, &package, Some(&granted)).await;
    let read = async |fields: serde_json::Value| {
        let report = lab.call(&guest, json!({ "fields": fields })).await;
        assert_eq!(report.end, CallEnd::Ok);
        said(&report, "").to_owned()
    };
    let subject = read(json!(["subject"])).await;
    assert!(subject.contains("subject: Some(") && subject.contains("tags: None"), "{subject}");
    assert!(subject.contains("requester-id: None") && subject.contains("status: None"), "{subject}");
    assert!(read(json!(["subject", "tags"])).await.contains("tags: Some("));
    let denied = read(json!(["subject", "requester_id"])).await;
    assert!(denied.contains("reading requester_id of tickets is not granted"), "{denied}");
    assert!(!denied.contains("subject: Some"), "nothing of it comes where a part is denied: {denied}");
    assert!(read(json!(["sujbect"])).await.contains("did you mean 'subject'?"));
    assert!(read(json!(["comments"])).await.starts_with("Err(Invalid("));
    assert!(read(json!([])).await.starts_with("Err(Invalid(\"fields: name at least one"));
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("tickets.get"), seen.denied("tickets.get")), (2, 1));

    // Without `data=full` the names of the fields do not even reach the plugin.
    let less = ["events:receive types=test.*", "log:write", "tickets:read fields=subject"];
    let report = lab.call(&lab.grant(&guest, &less).await, json!({ "fields": ["subject"] })).await;
    assert!(said(&report, "").starts_with("Err(Invalid(\"fields: name at least one"), "{:?}", report.log);
}

/// The first attempt fails after its effect; the second one must not have it again.
async fn handled_twice(name: &str, words: &[&str]) {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let guest = lab.install(&Package::guest(name, &["log:write", "tickets:comment visibility=internal"], "")).await;
    let event = event(json!({}));
    let first = lab.handle(&guest, &event, 1).await;
    assert_eq!(first.end, CallEnd::Failed { error: "unavailable", message: String::new() });
    let second = lab.handle(&guest, &event, 2).await;
    assert_eq!((second.end.clone(), &second.log), (CallEnd::Ok, &first.log), "the same comments");
    let expected: Vec<String> = words.iter().map(|word| format!("{word}, for event {}.", event.id)).collect();
    assert_eq!(lab.comments_by(&guest, "1005").await, expected);
    let seen = acts(&lab.entries().await);
    assert_eq!(seen.permitted("tickets.add-comment"), 2 * words.len());
}

#[tokio::test(flavor = "multi_thread")]
pub async fn comments_keyed() {
    handled_twice("comments_keyed", &["Keyed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
pub async fn comments_unkeyed() {
    handled_twice("comments_unkeyed", &["First", "Second"]).await;
}
