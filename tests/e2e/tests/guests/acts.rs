//! Guests that use `tickets` and `users`: permitted acts happen and are recorded; denied ones do not, and say who can
//! change that.

use portcullis_e2e::{Lab, Package, TENANT, acts, event};
use portcullis_model::{
    audit::Kind,
    helpdesk::{Status, Ticket},
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use serde_json::{Value, json};

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
        let (_, found) = lab.host.explainer().entry_of(&id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(found, *denial, "to be found by its id");
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

const RECEIVE: &str = "events:receive types=test.* data=full";

/// The numbers of the seed's tickets that fit, newest first.
async fn numbers(lab: &Lab, fits: impl Fn(&Ticket) -> bool) -> Vec<String> {
    let tenant = TENANT.parse().unwrap();
    let mut found = Vec::new();
    for number in (1001..=1220).rev() {
        let ticket = lab.desk.ticket_row(&tenant, &number.to_string()).await.unwrap().unwrap();
        if fits(&ticket) {
            found.push(ticket.id);
        }
    }
    found
}

/// The ids of all pages, in the order in which they came.
fn found(report: &CallReport) -> Vec<String> {
    let pages = report.log.iter().filter_map(|(_, line)| line.strip_prefix("found: "));
    pages.flat_map(|page| page.split(' ').filter(|id| !id.is_empty()).map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub async fn searches_tickets() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let all = "tickets:read fields=subject,status,tags,requester_id,brand_id,updated_at";
    let package =
        Package::guest("searches_tickets", &["log:write", all], "log-kib = 256\ncpu-ms = 5000\nrecords-read = 1000");
    let guest = lab.install(&package).await;
    let search = async |query: Value| {
        let report = lab.call(&guest, query).await;
        assert_eq!(report.end, CallEnd::Ok);
        report
    };
    let open = |ticket: &Ticket| ticket.status == Some(Status::Open);
    let tagged = |ticket: &Ticket, tag: &str| ticket.tags.iter().flatten().any(|own| own == tag);
    let of = json!({ "fields": ["subject", "status"], "all": true, "most": 7 });
    let with = |more: Value| {
        let mut query = of.clone();
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    assert_eq!(found(&search(of.clone()).await), numbers(&lab, |_| true).await, "each once, newest first");
    assert_eq!(found(&search(with(json!({ "status": ["open"] }))).await), numbers(&lab, open).await);
    let billing = numbers(&lab, |ticket| tagged(ticket, "billing") && tagged(ticket, "refund")).await;
    assert_eq!(found(&search(with(json!({ "tags": ["billing", "Refund"] }))).await), billing);
    let words = |ticket: &Ticket| ticket.subject.as_ref().is_some_and(|subject| subject.starts_with("Gift voucher"));
    assert_eq!(found(&search(with(json!({ "words": "VOUCHER gift" }))).await), numbers(&lab, words).await);
    let both = numbers(&lab, |ticket| open(ticket) && ticket.brand_id.as_deref() == Some("360001217")).await;
    assert!(
        !both.is_empty() && found(&search(with(json!({ "status": ["open"], "brand": "360001217" }))).await) == both
    );
    let since = "2026-11-08T00:00:00Z";
    let late = numbers(&lab, |ticket| ticket.updated_at.as_deref() >= Some(since)).await;
    assert_eq!(found(&search(with(json!({ "since": since }))).await), late);
    let mut by_change = found(&search(with(json!({ "since": since, "updated": true }))).await);
    assert_ne!(by_change, late, "another order");
    by_change.sort_by(|a, b| b.cmp(a));
    assert_eq!(by_change, late);

    // Fields are those that were asked for.
    let page = search(json!({ "fields": ["subject"], "most": 1 })).await;
    assert!(said(&page, "tickets: ").contains("subject: Some(") && said(&page, "tickets: ").contains("status: None"));
    for (query, problem) in [
        (json!({ "fields": [] }), "name at least one"),
        (json!({ "fields": ["sujbect"] }), "did you mean 'subject'?"),
        (json!({ "fields": ["comments"] }), "with the function comments"),
        (json!({ "fields": ["subject"], "since": "yesterday" }), "expected RFC 3339"),
        (json!({ "fields": ["subject"], "words": "a".repeat(201) }), "at most 200 bytes"),
        (json!({ "fields": ["subject"], "after": "0" }), "not a cursor of this query"),
    ] {
        let report = search(query.clone()).await;
        let error = said(&report, "error: ");
        assert!(error.starts_with("Invalid(") && error.contains(problem), "{query}: {error}");
    }
    let few = [RECEIVE, "log:write", "tickets:read fields=subject,tags mask=subject"];
    let few = lab.grant(&guest, &few).await;
    let report = lab.call(&few, json!({ "fields": ["tags"], "words": "voucher" })).await;
    let error = said(&report, "error: ");
    assert!(error.contains("searching tickets by subject is not granted: it needs subject in the clear"), "{error}");
    assert!(
        error.contains("scope: \"tickets:read fields=subject,tags\"") && error.contains("grantor: \"admin\""),
        "{error}"
    );
    // What was searched for is in no entry.
    let log = serde_json::to_string(&lab.entries().await).unwrap().to_lowercase();
    assert!(log.contains("tickets.search") && !log.contains("voucher") && !log.contains("refund"), "{log}");
    acts(&lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_query_and_its_installation_only() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "tickets:read fields=subject,status,updated_at"];
    let package = Package::guest("searches_tickets", &scopes, "log-kib = 256");
    let (guest, other) = (lab.install(&package).await, lab.install(&package).await);
    let query = json!({ "fields": ["subject"], "status": ["open"], "most": 3 });
    let first = lab.call(&guest, query.clone()).await;
    let cursor = said(&first, "next: ").to_owned();
    let with = |key: &str, value: Value| {
        let mut query = query.clone();
        query["after"] = cursor.clone().into();
        query[key] = value;
        query
    };
    // The fields and the size of the page are no part of the query.
    let next = lab.call(&guest, with("most", json!(2))).await;
    let open = numbers(&lab, |ticket| ticket.status == Some(Status::Open)).await;
    assert_eq!((found(&first), found(&next)), (open[..3].to_vec(), open[3..5].to_vec()));
    assert_eq!(found(&lab.call(&guest, with("fields", json!(["status"]))).await), open[3..6].to_vec());

    let invalid = async |guest: &Installation, query: Value, what: &str| {
        let report = lab.call(guest, query).await;
        assert_eq!(said(&report, "error: "), "Invalid(\"after: not a cursor of this query\")", "{what}");
    };
    invalid(&other, with("most", json!(3)), "of another installation").await;
    invalid(&guest, with("status", json!(["open", "new"])), "of another query").await;
    invalid(&guest, with("words", json!("a")), "of a narrower query").await;
    invalid(&guest, with("updated", json!(true)), "of another order").await;
    for (at, byte) in [(15, "1"), (31, "f"), (63, "0"), (0, "8")] {
        let mut tampered = cursor.clone();
        let byte = if &tampered[at..=at] == byte { "2" } else { byte };
        tampered.replace_range(at..=at, byte);
        invalid(&guest, with("after", tampered.clone().into()), &tampered).await;
    }
    for text in ["", "-", "1005", &cursor[1..], &format!("{cursor}0"), &cursor.to_uppercase(), "\u{661}"] {
        if text != cursor {
            invalid(&guest, with("after", text.into()), text).await;
        }
    }
    assert_eq!(acts(&lab.entries().await).permitted("tickets.search"), 3, "nothing was searched for a wrong cursor");
}

#[tokio::test(flavor = "multi_thread")]
pub async fn finds_users() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "users:read fields=name,email,phone,organization_id"];
    let package = Package::guest("finds_users", &scopes, "log-kib = 256");
    let guest = lab.install(&package).await;
    let whom = json!({
        "email": "Katarzyna.Zielinska@AURORA-maritime.example", "phone": "1 (404) 555 0153", "organization": "361001",
    });
    let report = lab.call(&guest, whom.clone()).await;
    for by in ["by email: ", "by phone: ", "by organization: "] {
        assert!(said(&report, by).contains("name: Some(\"Katarzyna Zieli\u{144}ska\")"), "{by}{}", said(&report, by));
        assert!(said(&report, by).contains("email: None"), "only what was asked for");
    }
    let report = lab.call(&guest, json!({ "email": "katarzyna", "phone": "555", "organization": "361" })).await;
    for by in ["by email: ", "by phone: ", "by organization: "] {
        assert_eq!(said(&report, by), "Ok([])", "parts of a value find nobody");
    }
    let report = lab.call(&guest, json!({ "organization": "361001", "after": "9010085" })).await;
    assert!(!said(&report, "by organization: ").contains("id: \"9010085\""), "{:?}", report.log);
    assert!(said(&lab.call(&guest, json!({ "email": "" })).await, "by email: ").starts_with("Err(Invalid("));
    // Outside of `where=` there is nobody; and nothing is searched by what cannot be read.
    let agents = [RECEIVE, "log:write", "users:read fields=name,email where=role:agent"];
    let report = lab.call(&lab.grant(&guest, &agents).await, whom).await;
    assert_eq!(said(&report, "by email: "), "Ok([])");
    for (by, field) in [("by phone: ", "phone"), ("by organization: ", "organization_id")] {
        let reason = format!("searching people by {field} is not granted: it needs {field} in the clear");
        assert!(said(&report, by).contains(&reason), "{by}{}", said(&report, by));
    }
    let log = serde_json::to_string(&lab.entries().await).unwrap().to_lowercase();
    assert!(log.contains("users.find") && !log.contains("katarzyna") && !log.contains("0153"), "{log}");
    assert_eq!(acts(&lab.entries().await).denied("users.find"), 2);
}

#[tokio::test(flavor = "multi_thread")]
pub async fn deletes_ticket() {
    let lab = Lab::new().await;
    lab.seed(TENANT).await;
    let scopes = ["log:write", "tickets:read fields=subject", "tickets:delete"];
    let package = Package::guest("deletes_ticket", &scopes, "");
    let guest = lab.install_in(TENANT, &package, Some(&[RECEIVE, "log:write", "tickets:read fields=subject"])).await;
    let is_there = async || lab.desk.ticket_row(&guest.tenant, "1005").await.unwrap().is_some();
    let report = lab.call(&guest, json!({})).await;
    assert!(said(&report, "delete: ").contains("scope: \"tickets:delete\""), "{:?}", report.log);
    assert!(is_there().await);
    let closed = [RECEIVE, "log:write", "tickets:delete where=status:closed"];
    let report = lab.call(&lab.grant(&guest, &closed).await, json!({})).await;
    assert_eq!(said(&report, "delete: "), "Err(NotFound)", "it is open");
    assert!(is_there().await);
    let report = lab
        .call(&lab.grant(&guest, &[RECEIVE, "log:write", "tickets:delete where=status:open"]).await, json!({}))
        .await;
    assert_eq!((said(&report, "delete: "), said(&report, "again: ")), ("Ok(())", "Err(NotFound)"));
    assert!(!is_there().await);
    assert!(lab.desk.comments_of(&guest.tenant, "1005").await.is_err(), "its comments went with it");
    assert!(lab.desk.ticket_row(&guest.tenant, "1006").await.unwrap().is_some(), "and nothing else");
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("tickets.delete"), seen.denied("tickets.delete")), (4, 2));
}
