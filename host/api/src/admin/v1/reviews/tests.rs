use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    people::Caller,
    review::{Misbehaviour, Step},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::{
    testing::{World, approval, ports, signed},
    *,
};
use crate::admin::{Local, Routes, testing as common};

#[tokio::test]
async fn what_was_handed_in_is_listed_also_where_its_state_cannot_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let submission = |number: u64| Submission {
        component: Digest::of(&number.to_be_bytes()),
        manifest: Digest::of(b"manifest"),
        plugin: "com.example.a".parse().unwrap(),
        publisher: "com.example".parse().unwrap(),
        version: format!("{number}.0.0"),
        number,
    };
    for number in [1, 2] {
        let note = Note { at: common::NOW, by: "dana".into(), root: RootScope::Platform, step: Step::Submitted };
        let entry = Entry::new(common::NOW, Kind::ReviewSubmitted, Actor::Host, None);
        assert!(store.put_note(submission(number), 0, note, entry).await.unwrap());
    }
    let ports = ports(&store, common::registry(&store), Arc::new(common::Fixed));
    let router = Routes::new(common::frame(&store, b"operator")).mount(operations(), Arc::new(ports)).router();
    let local = Local::new(router, common::dana());
    let get = async |path: &str| local.ask(Method::GET, path, None, None).await;
    let all = get("/reviews").await.body;
    let numbers: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|one| &one["number"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)], "{all}");
    assert!(all["items"][0]["state"].is_null() && all["items"][0]["fault"].is_string(), "{all}");
    assert_eq!(get("/reviews?state=approved").await.body["items"], json!([]));
    assert_eq!(get("/reviews?state=good").await.status, StatusCode::BAD_REQUEST);
    let (component, manifest) = (Digest::of(&1u64.to_be_bytes()), Digest::of(b"manifest"));
    let one = get(&format!("/reviews/{component}/{manifest}")).await;
    assert_eq!(one.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", one.body);
    assert_eq!(get(&format!("/reviews/{manifest}/{manifest}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_reviewer_is_asked_and_something_is_said() {
    let world = World::new().await;
    let (assign, comments) = (world.at("/assign"), world.at("/comments"));
    let before = world.written().await;
    let ann = json!({ "reviewer": "ann" });
    let tried = world.post(&format!("{assign}?dry_run=true"), ann.clone()).await.body;
    assert_eq!((&tried["dry_run"], &tried["review"]["state"]), (&json!(true), &json!("in-review")), "{tried}");
    for (path, body, status) in [
        (&assign, json!({ "reviewer": "carl" }), StatusCode::UNPROCESSABLE_ENTITY),
        (&assign, json!({ "reviewer": "ann", "root": "platform" }), StatusCode::BAD_REQUEST),
        (&comments, json!({ "text": "two\nlines" }), StatusCode::BAD_REQUEST),
        (&comments, json!({ "text": " " }), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.post(path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    assert_eq!(world.written().await, before, "nothing was done");
    let assigned = world.post(&assign, ann).await.body;
    assert_eq!(assigned["review"]["assigned"], json!(["ann"]), "{assigned}");
    let said = world.post(&comments, json!({ "text": "what for?" })).await.body;
    let last = said["notes"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["text"], &last["by"]), (&json!("commented"), &json!("what for?"), &json!("dana")));
    assert_eq!(world.written().await, before + 2);
}

#[tokio::test]
async fn a_report_is_attached_to_its_release_alone_and_shown() {
    let world = World::new().await;
    let path = world.at("/reports");
    let mut other = world.report();
    other.release.manifest = Digest::of(b"other");
    for (body, status) in [
        (json!(other), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "format": "portcullis-behaviour/1" }), StatusCode::BAD_REQUEST),
        (json!([]), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.post(&path, body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    let (report, before) = (world.report(), world.written().await);
    let digest = json!(report.digest().unwrap());
    let tried = world.post(&format!("{path}?dry_run=true"), json!(report)).await.body;
    assert_eq!((&tried["report"], world.written().await), (&digest, before), "{tried}");
    for _ in 0..2 {
        assert_eq!(world.post(&path, json!(report)).await.body["report"], digest);
    }
    assert_eq!(world.written().await, before + 1, "once");
    let shown = world.get(&world.at("")).await.body;
    assert_eq!(shown["reports"][0]["digest"], digest, "{shown}");
    assert!(shown["plan_words"].as_str().unwrap().starts_with("Quiet 1.0.0 (release 1) by com.example"), "{shown}");
    assert!(shown["diff"].is_null() && shown["reviewers"][world.ann.public().keyid()] == "ann", "{shown}");
}

#[tokio::test]
async fn whoever_handed_it_in_takes_it_back() {
    let world = World::new().await;
    let (path, why) = (world.at("/withdraw"), json!({ "reason": "a wrong build" }));
    let eve = Caller::at_the_terminal(Actor::Person { name: "eve".into() }, common::NOW);
    let refused = world.ask(&eve, Method::POST, &path, why.clone()).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("dana handed it in"), "{}", refused.body);
    let tried = world.post(&format!("{path}?dry_run=true"), why.clone()).await.body;
    assert_eq!(tried["review"]["state"], "withdrawn", "{tried}");
    assert_eq!(world.get(&world.at("")).await.body["review"]["state"], "submitted");
    assert_eq!(world.post(&path, why.clone()).await.body["review"]["state"], "withdrawn");
    assert_eq!(world.post(&path, why).await.status, StatusCode::CONFLICT, "once");
}

#[tokio::test]
async fn a_verdict_is_what_the_host_would_have_it_say_signed_by_a_reviewer() {
    let world = World::new().await;
    let (path, before) = (world.at("/verdicts"), world.written().await);
    let rehearse = format!("{path}?dry_run=true");
    let own = approval(&world.ann);
    let tried = world.post(&rehearse, own.clone()).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert_eq!(tried.body["sign"]["payload_type"], "application/vnd.in-toto+json");
    let with = |body: &Value, envelope: Value| {
        let mut body = body.clone();
        body["envelope"] = envelope;
        body
    };
    let (right, wrong) = (signed(&tried.body, &world.ann), signed(&tried.body, &world.eve));
    let rejected = json!({ "decision": "reject", "reason": "it does nothing", "key": world.ann.public().keyid() });
    for (body, status, says) in [
        (own.clone(), StatusCode::BAD_REQUEST, "dry_run=true"),
        (with(&own, json!({})), StatusCode::BAD_REQUEST, "envelope: "),
        (with(&own, wrong.clone()), StatusCode::UNPROCESSABLE_ENTITY, "did not sign it"),
        (with(&approval(&world.eve), wrong), StatusCode::UNPROCESSABLE_ENTITY, "is no reviewer"),
        (with(&rejected, right.clone()), StatusCode::UNPROCESSABLE_ENTITY, "what was signed is not"),
    ] {
        let refused = world.post(&path, body).await;
        assert_eq!(refused.status, status, "{says}: {}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{says}: {}", refused.body);
    }
    assert_eq!(world.written().await, before, "nothing was filed");
    let filed = world.post(&path, with(&own, right.clone())).await.body;
    assert_eq!((&filed["review"]["state"], &filed["dry_run"]), (&json!("approved"), &json!(false)), "{filed}");
    assert_eq!((filed["sign"].is_null(), &filed["left_without"]), (true, &json!([])), "{filed}");
    let again = world.post(&path, with(&own, right)).await;
    assert_eq!((again.status, &again.body["review"]["state"]), (StatusCode::OK, &json!("approved")), "{}", again.body);
    let shown = world.get(&world.at("")).await.body;
    assert_eq!(shown["verdicts"][0]["owner"], "ann", "{shown}");
    assert_eq!(world.written().await, before + 1);
}

#[tokio::test]
async fn a_choice_says_what_was_seen_and_allows_only_with_an_approval() {
    let world = World::new().await;
    let rehearse = format!("{}?dry_run=true", world.at("/verdicts"));
    for (name, value, status) in [
        ("days", json!(366), StatusCode::BAD_REQUEST),
        ("reason", json!("two\nlines"), StatusCode::BAD_REQUEST),
        ("decision", json!("perhaps"), StatusCode::BAD_REQUEST),
        ("report", json!(Digest::of(b"none")), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let mut body = approval(&world.ann);
        body[name] = value;
        let refused = world.post(&rehearse, body).await;
        assert_eq!(refused.status, status, "{name}: {}", refused.body);
    }
    let mut both = approval(&world.ann);
    both["report"] = json!(Digest::of(b"none"));
    both["without-report"] = json!("read its source");
    assert_eq!(world.post(&rehearse, both).await.status, StatusCode::BAD_REQUEST);
    let mut refusal = approval(&world.ann);
    refusal["decision"] = json!("reject");
    assert_eq!(world.post(&rehearse, refusal.clone()).await.body["verdict"]["decision"], "reject");
    refusal["at-most"] = json!([]);
    assert_eq!(world.post(&rehearse, refusal).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_tenants_report_is_the_platforms_to_see_and_to_resolve() {
    let world = World::new().await;
    let report = Misbehaviour {
        id: "rep_1".parse().unwrap(),
        plugin: world.of.plugin.clone(),
        version: world.of.version.clone(),
        number: 1,
        component: world.of.component,
        manifest: world.of.manifest,
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        by: "mallory".into(),
        at: common::NOW,
        reason: "it does something".into(),
        evidence: Vec::new(),
        resolved: None,
    };
    let entry = Entry::new(common::NOW, Kind::PluginReported, Actor::Host, None);
    assert!(world.store.put_misbehaviour(report, entry).await.unwrap());
    assert_eq!(world.get("/misbehaviour").await.body["items"][0]["tenant"], "acme");
    let (path, before) = ("/misbehaviour/rep_1/resolve", world.written().await);
    let told = |public: &str| json!({ "note": "acme is right", "public-note": public });
    for (path, body, status) in [
        (path, told("as Mallory says"), StatusCode::UNPROCESSABLE_ENTITY),
        (path, told(""), StatusCode::BAD_REQUEST),
        ("/misbehaviour/rep_2/resolve", told("it does not"), StatusCode::NOT_FOUND),
    ] {
        let refused = world.post(path, body.clone()).await;
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
    }
    let tried = world.post(&format!("{path}?dry_run=true"), told("mended in release 2")).await.body;
    assert_eq!(tried["report"]["resolved"]["public-note"], "mended in release 2", "{tried}");
    assert_eq!(world.written().await, before, "nothing was done");
    assert_eq!(world.post(path, told("mended in release 2")).await.status, StatusCode::OK);
    assert_eq!(world.post(path, told("mended in release 2")).await.status, StatusCode::CONFLICT, "once");
    assert_eq!(world.written().await, before + 1);
    assert_eq!(world.get("/misbehaviour").await.body["items"], json!([]));
    assert_eq!(world.get("/misbehaviour?all=true").await.body["items"][0]["id"], "rep_1");
}

#[tokio::test]
async fn a_tenants_admin_says_nothing_about_what_is_the_platforms() {
    let (world, acme) = (World::new().await, common::of("acme"));
    let before = world.written().await;
    for (then, body) in [
        ("/assign", json!({ "reviewer": "ann" })),
        ("/comments", json!({ "text": "what for?" })),
        ("/reports", json!(world.report())),
        ("/withdraw", json!({ "reason": "mine" })),
        ("/verdicts", approval(&world.ann)),
    ] {
        let refused = world.ask(&acme, Method::POST, &world.at(then), body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{then}: {}", refused.body);
    }
    let body = json!({ "note": "x", "public-note": "y" });
    let refused = world.ask(&acme, Method::POST, "/misbehaviour/rep_1/resolve", body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let list = world.ask(&acme, Method::GET, "/misbehaviour", Value::Null).await;
    assert_eq!(list.status, StatusCode::FORBIDDEN, "{}", list.body);
    let other = world.at("/verdicts?root=tenant:other");
    assert_eq!(world.ask(&acme, Method::POST, &other, approval(&world.ann)).await.status, StatusCode::NOT_FOUND);
    let rehearse = world.at("/verdicts?root=tenant:acme&dry_run=true");
    let none = world.ask(&acme, Method::POST, &rehearse, approval(&world.ann)).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "acme has no root: {}", none.body);
    assert_eq!(world.written().await, before);
    let shown = world.ask(&acme, Method::GET, &world.at(""), Value::Null).await;
    assert_eq!((shown.status, &shown.body["review"]["state"]), (StatusCode::OK, &json!("submitted")), "{}", shown.body);
    assert_eq!((&shown.body["notes"], &shown.body["reviewers"]), (&json!([]), &json!({})), "{}", shown.body);
    let whole = world.ask(&common::dana(), Method::GET, &world.at(""), Value::Null).await;
    assert_eq!(whole.body["notes"].as_array().map(Vec::len), Some(1), "{}", whole.body);
    assert_ne!(whole.body["reviewers"], json!({}), "{}", whole.body);
}
