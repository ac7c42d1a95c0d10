//! The endpoints, on a help desk that notes what it is asked.

use std::time::Duration;

use portcullis_model::{
    authority::{Denial, Layer},
    error::ServiceError,
    id::CallId,
    platform::Refusal,
};
use serde_json::json;

use super::{MAX_BODY, testing::Desk};

#[tokio::test]
async fn shows_a_ticket_as_zendesk_does_less_what_is_not_granted() {
    let desk = Desk::default();
    let (status, headers, body) = desk.get("/api/v2/tickets/7.json?fields=subject").await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({ "ticket": {
            "id": 7, "url": "https://host.example/api/v2/tickets/7.json", "subject": "subject of 7", "status": "open",
            "requester_id": "tok_ab12", "assignee_id": 9010036,
        }})
    );
    assert_eq!(
        (&headers["x-rate-limit"], &headers["x-rate-limit-remaining"]),
        (&"700".parse().unwrap(), &"699".parse().unwrap())
    );
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(desk.asked(), ["GET /api/v2/tickets/{id}", "ticket 7 Some({Subject})"]);
}

#[tokio::test]
async fn pages_lead_from_one_to_the_next() {
    let desk = Desk::default();
    let mut path = "/api/v2/search.json?query=type%3Aticket+lost&page[size]=2".to_owned();
    let mut ids = Vec::new();
    loop {
        let (_, _, body) = desk.get(&path).await;
        ids.extend(body["results"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        assert!(body["results"].as_array().unwrap().iter().all(|one| one["result_type"] == "ticket"));
        assert_eq!(body["meta"]["has_more"], !body["links"]["next"].is_null());
        assert_eq!(body["links"]["next"], body["next_page"]);
        match body["links"]["next"].as_str() {
            Some(next) => path = next.strip_prefix("https://host.example").unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(ids, [1, 2, 3]);
    let (_, _, whole) = desk.get("/api/v2/search.json?query=lost").await;
    assert_eq!(whole["count"], 3);
    let (_, _, part) = desk.get("/api/v2/search.json?query=lost&page[size]=1").await;
    assert!(part.get("count").is_none(), "how many there are is not known");
}

#[tokio::test]
async fn an_export_says_where_it_goes_on() {
    let desk = Desk::default();
    let (_, _, body) = desk.get("/api/v2/incremental/tickets/cursor.json?start_time=0&per_page=50").await;
    assert_eq!((&body["end_of_stream"], &body["after_cursor"]), (&json!(false), &json!("c1")));
    let next = body["after_url"].as_str().unwrap();
    assert_eq!(next, "https://host.example/api/v2/incremental/tickets/cursor.json?per_page=50&cursor=c1");
    let (_, _, body) = desk.get(next.strip_prefix("https://host.example").unwrap()).await;
    assert_eq!(body["end_of_stream"], true);
}

#[tokio::test]
async fn changes_what_can_be_changed() {
    let desk = Desk::default();
    let body = r#"{"ticket":{"status":"solved","comment":{"body":"done","public":false}}}"#;
    let (status, _, said) = desk.send("PUT", "/api/v2/tickets/7.json", &[("idempotency-key", "k")], body).await;
    assert_eq!((status, &said["audit"]["events"][0]["id"], &said["ticket"]["id"]), (200, &json!(77), &json!(7)));
    let asked = desk.asked();
    assert!(
        asked[1].starts_with("change 7 Some(Solved) Some(NewComment { body: \"done\", public: false, key: Some(\"k\")"),
        "{asked:?}"
    );
    let (status, _, said) = desk.send("DELETE", "/api/v2/tickets/7", &[], "").await;
    assert_eq!((status, said.is_null()), (204, true));
    let (status, _, _) = desk.send("PUT", "/api/v2/tickets/7", &[], r#"{"ticket":{"subject":"x"}}"#).await;
    assert_eq!(status, 422);
    let (status, _, _) = desk.send("PUT", "/api/v2/tickets/7", &[], &"x".repeat(MAX_BODY + 1)).await;
    assert_eq!(status, 413);
    assert_eq!(desk.asked(), ["DELETE /api/v2/tickets/{id}", "delete 7"], "what is refused reaches nobody");
}

#[tokio::test]
async fn nobody_comes_in_without_a_token() {
    let desk = Desk::default();
    let ask = async |value: &str| desk.send("GET", "/api/v2/tickets", &[("authorization", value)], "").await;
    let (status, headers, body) = ask("Basic YWdlbnRAZXhhbXBsZS5jb20vdG9rZW46c2VjcmV0").await;
    assert_eq!(status, 401);
    assert!(body["description"].as_str().unwrap().starts_with("Passwords and API tokens do not exist here"), "{body}");
    assert!(headers["www-authenticate"].to_str().unwrap().starts_with("Bearer realm="));
    let (status, headers, body) = ask("Bearer nothing-of-this-is-told").await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
    assert!(!body.to_string().contains("nothing-of-this"), "{body}");
    assert!(headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
    let (status, _, body) = ask("DPoP pct_good").await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_dpop_proof")));
    let proved = [("authorization", "DPoP pct_good"), ("dpop", "a.b.c")];
    assert_eq!(desk.send("GET", "/api/v2/users/me", &proved, "").await.0, 200);
    assert_eq!(desk.asked(), ["GET /api/v2/users/me"]);
}

#[tokio::test]
async fn a_denial_says_who_can_change_it() {
    let desk = Desk::default();
    let denial = Denial {
        id: "call_1".parse::<CallId>().unwrap().act(1),
        act: "tickets.get",
        resource: "ticket:7".into(),
        needed: "tickets:read fields=subject".parse().unwrap(),
        loggable: "tickets:read fields=subject".parse().unwrap(),
        layer: Layer::Token,
        reason: "reading subject of tickets is not granted".into(),
        layers: vec![],
    };
    let refuse = |wait| *desk.inside.lock().unwrap() = Some(Refusal::Denied { denial: Box::new(denial.clone()), wait });
    refuse(None);
    let (status, headers, body) = desk.get("/api/v2/tickets/7").await;
    assert_eq!((status, &body["error"]["title"]), (403, &json!("Forbidden")));
    assert_eq!(
        body["denial"],
        json!({
            "id": "call_1.1", "act": "tickets.get", "scope": "tickets:read fields=subject", "layer": "token",
            "reason": "reading subject of tickets is not granted", "grantor": "client", "explain": "portcullis why call_1.1",
        })
    );
    assert!(headers.contains_key("x-rate-limit"));
    refuse(Some(Duration::from_millis(61_001)));
    let (status, headers, body) = desk.get("/api/v2/tickets/7").await;
    assert_eq!((status, &headers["retry-after"]), (429, &"62".parse().unwrap()));
    assert_eq!(body["error"], "TooManyRequests");
}

#[tokio::test]
async fn every_refusal_has_its_status_and_tells_nothing_of_the_inside() {
    let desk = Desk::default();
    let limited = ServiceError::Limited { name: "concurrent-calls", allowed: 4, retry_after_ms: Some(50) };
    let cases = [
        (Refusal::Service(ServiceError::NotFound), 404, "RecordNotFound"),
        (Refusal::Service(ServiceError::Invalid("tag 'x\u{202e}'".into())), 422, "RecordInvalid"),
        (Refusal::Service(ServiceError::Conflict), 409, "Conflict"),
        (Refusal::Service(limited), 429, "TooManyRequests"),
        (Refusal::Service(ServiceError::Unavailable("disk /var/x is full".into())), 503, "ServiceUnavailable"),
        (Refusal::Slow(Duration::from_secs(5)), 504, "Timeout"),
        (Refusal::Stale, 401, "invalid_token"),
    ];
    for (refusal, wanted, error) in cases {
        *desk.inside.lock().unwrap() = Some(refusal);
        let (status, _, body) = desk.get("/api/v2/tickets/7").await;
        assert_eq!((status, body["error"].as_str()), (wanted, Some(error)), "{body}");
        assert!(!body.to_string().contains("/var") && !body.to_string().contains('\u{202e}'), "{body}");
    }
    let held = Refusal::Held { reason: "calls-per-hour: used up".into(), wait: Duration::from_secs(90) };
    *desk.at_the_door.lock().unwrap() = Some(held);
    let (status, headers, _) = desk.get("/api/v2/tickets/7").await;
    assert_eq!((status, &headers["retry-after"]), (429, &"90".parse().unwrap()));
    assert_eq!(headers["x-rate-limit-remaining"], "0");
    *desk.at_the_door.lock().unwrap() = Some(Refusal::Inactive("it is suspended: x".into()));
    assert_eq!(desk.get("/api/v2/tickets/7").await.0, 403);
    let (status, headers, _) = desk.send("POST", "/api/v2/tickets.json", &[], "{}").await;
    assert_eq!((status, &headers["allow"]), (405, &"GET".parse().unwrap()));
    assert_eq!(desk.get("/api/v2/views.json").await.0, 404);
}

#[tokio::test]
async fn the_client_itself_is_its_installation() {
    let desk = Desk::default();
    let (_, _, body) = desk.get("/api/v2/users/me.json").await;
    assert_eq!((&body["user"]["id"], &body["user"]["plugin"]), (&json!("ins_1"), &json!("com.example.plugin")));
    let (_, _, comments) = desk.get("/api/v2/tickets/7/comments.json").await;
    assert_eq!(comments["comments"][0]["author_id"], body["user"]["id"], "what it wrote is its own");
}
