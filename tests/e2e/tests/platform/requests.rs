//! Requests by hand: what is asked is in the log, in the name of the installation and of the client that asked.

use portcullis_e2e::Request;
use portcullis_model::audit::Kind;
use serde_json::json;

use crate::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_accounted_for_and_its_denial_explained() {
    let world = World::new().await;
    let [whole, narrow, _] = &world.tokens;
    let ticket = world.back.get(whole, "tickets/1005.json?fields=subject,status").await;
    assert_eq!((ticket.status, &ticket.json()["ticket"]["id"]), (200, &json!(1005)));
    let refused = world.back.get(narrow, "tickets/1005.json?fields=tags").await;
    let denial = refused.json()["denial"].clone();
    assert_eq!((refused.status, &denial["layer"], &denial["grantor"]), (403, &json!("granted"), &json!("admin")));

    let denied = world.lab.entries_of(Kind::ActDenied).await.pop().unwrap();
    assert_eq!(denied.text("id"), denial["id"].as_str());
    let began = world.lab.entries_of(Kind::VisitBegan).await;
    let told: Vec<_> = began.iter().map(|entry| (entry.text("client"), entry.text("request"))).collect();
    let request = Some("GET /api/v2/tickets/{id}");
    assert_eq!(told, [(Some("client-whole"), request), (Some("client-narrow"), request)]);
    assert_eq!(world.lab.entries_of(Kind::VisitEnded).await.len(), 2);
    let log = serde_json::to_string(&world.lab.entries().await).unwrap();
    assert!(!log.contains(whole.as_str()) && !log.contains(narrow.as_str()), "no token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_changes_holds_for_the_next_request() {
    let world = World::new().await;
    let [_, narrow, _] = &world.tokens;
    assert_eq!(world.back.get(narrow, "tickets/1005.json?fields=tags").await.status, 403);
    world.lab.grant(&world.narrow, &["tickets:read fields=tags"]).await;
    assert_eq!(world.back.get(narrow, "tickets/1005.json?fields=tags").await.status, 200);
    assert_eq!(world.back.get(narrow, "tickets/1005.json?fields=subject").await.status, 403);
    let ended = world.lab.runtime.end(&world.narrow.id, u64::MAX);
    assert_eq!((ended, world.back.get(narrow, "tickets/1005.json?fields=tags").await.status), (0, 403));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_reaches_another_tenant() {
    let world = World::new().await;
    world.lab.seed("other").await;
    let [whole, ..] = &world.tokens;
    let before = world.lab.desk.counts(&"other".parse().unwrap()).await.unwrap();
    for path in ["tickets/1005?tenant=other", "tickets/other:1005", "organizations/361066?tenant_id=other"] {
        let answer = world.back.send(whole, Request::get(format!("/api/v2/{path}")).header("x-tenant", "other")).await;
        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.text);
    }
    let delete = Request { method: "DELETE".into(), ..Request::get("/api/v2/tickets/1005") };
    assert_eq!(world.back.send(whole, delete.header("x-tenant", "other")).await.status, 204);
    assert_eq!(world.lab.desk.counts(&"other".parse().unwrap()).await.unwrap(), before);
}
