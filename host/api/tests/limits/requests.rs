//! Requests that prove nothing: how many of them an address has, and what the audit log keeps of those that were refused.

use portcullis_api::PeerConfig;
use portcullis_broker::hmac::github_signature;
use portcullis_model::{oauth::Authentication, secret::Secret};
use serde_json::json;

use crate::{
    host::{Answer, Host, OPERATOR, SOURCE_SECRET},
    world::{CHALLENGE, Keys, Party, changed, text},
};

fn few(unproved_per_minute: u64) -> PeerConfig {
    PeerConfig { unproved_per_minute, ..PeerConfig::default() }
}

fn form(host: &Host, party: &Party, more: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.append_pair("client_assertion", &host.world.assertion(party));
    form.extend_pairs(more);
    form.finish()
}

fn wants(host: &Host, party: &Party) -> String {
    form(host, party, &[("grant_type", "client_credentials"), ("scope", "kv:read")])
}

/// What each of these endpoints says to somebody who asks too often: 429 and how long to wait.
fn is_too_many(answer: &Answer, wait: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some(wait)), "{answer:?}");
}

#[tokio::test]
async fn strangers_run_out_and_those_who_prove_themselves_do_not() {
    let host = Host::start(few(4)).await;
    let party = host.world.party().await;
    for _ in 0..12 {
        assert_eq!(host.post("/oauth/token", &wants(&host, &party)).await.status, 200);
    }
    let token = text(&host.world.credentials(&party, "kv:read").await.access);
    let bearer = format!("\r\nauthorization: Bearer {token}");
    let operator = format!("\r\nauthorization: Bearer {OPERATOR}");
    for _ in 0..12 {
        assert_eq!(host.get("/api/v2/users/me", &bearer).await.status, 404, "from behind the door");
        assert_eq!(host.get("/admin/v1/acts/x", &operator).await.status, 404);
        assert_eq!(host.get("/admin/v1/audit/entries?limit=none", &operator).await.status, 400);
    }
    for _ in 0..4 {
        assert_eq!(host.post("/oauth/token", "client_id=client_nobody").await.status, 401);
    }
    let refused = host.post("/oauth/token", "client_id=client_nobody").await;
    is_too_many(&refused, "15");
    assert!(refused.body.contains("temporarily_unavailable"), "{}", refused.body);
    for path in [
        "/api/v2/tickets",
        "/admin/v1/acts/x",
        "/admin/v1/audit/entries",
        "/connect/x",
        "/oauth/authorize",
        "/.well-known/oauth-authorization-server",
    ] {
        is_too_many(&host.get(path, "").await, "15");
    }
    assert_eq!(host.get("/healthz", "").await.status, 200);
    assert_eq!(host.send_from("127.0.0.2", "GET /api/v2/tickets HTTP/1.1", "").await.status, 401, "another address");
    host.world.pass(15_000);
    assert_eq!(host.get("/api/v2/tickets", "").await.status, 401);
    is_too_many(&host.get("/api/v2/tickets", "").await, "15");
}

#[tokio::test]
async fn a_client_with_a_key_of_its_own_making_is_a_stranger() {
    let host = Host::start(few(3)).await;
    let party = host.world.register("ins_1", 7, Authentication::Dpop, true).await;
    let ask = async || {
        let proof = host.world.proof(&Keys::new(9), "https://host.example/oauth/introspect", None);
        let head = format!(
            "POST /oauth/introspect HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ndpop: {proof}"
        );
        host.send_from("127.0.0.1", &head, &format!("client_id={}&token=x", party.client.id)).await.status
    };
    assert_eq!([ask().await, ask().await, ask().await, ask().await], [200, 200, 200, 429]);
}

#[tokio::test]
async fn a_request_to_authorize_proves_nothing() {
    let host = Host::start(few(3)).await;
    let party = host.world.party().await;
    let id = &party.client.id;
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={}&scope=kv%3Aread&state=s&code_challenge={CHALLENGE}\
         &code_challenge_method=S256",
        url::form_urlencoded::byte_serialize(party.client.redirects[0].as_bytes()).collect::<String>()
    );
    let begun = host.get(&path, "").await;
    assert_eq!(begun.status, 303, "{begun:?}");
    let cookie = format!("\r\ncookie: {}", begun.header("set-cookie").unwrap().split(';').next().unwrap());
    let page = begun.header("location").unwrap().to_owned();
    for _ in 0..10 {
        assert_eq!(host.get(&page, &cookie).await.status, 200, "the page that waits looks as often as it likes");
    }
    assert_eq!([host.get(&path, "").await.status, host.get(&path, "").await.status], [303, 303]);
    let refused = host.get(&path, "").await;
    is_too_many(&refused, "20");
    assert!(refused.header("content-type").unwrap().starts_with("text/html"), "a browser asks");
}

#[tokio::test]
async fn a_trusted_proxys_clients_are_held_apart() {
    let peers = PeerConfig { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..few(2) };
    let host = Host::start(peers).await;
    let ask = async |from: &str, said: &str| {
        let head = format!("GET /api/v2/tickets HTTP/1.1\r\nx-forwarded-for: {said}");
        host.send_from(from, &head, "").await.status
    };
    let mut seen = Vec::new();
    for said in [
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.66, 192.0.2.1",
        "192.0.2.2",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::3",
    ] {
        seen.push(ask("127.0.0.1", said).await);
    }
    assert_eq!(seen, [401, 401, 429, 429, 401, 401, 401, 429]);
    // Whoever is no proxy does not get more by inventing addresses.
    let mut seen = Vec::new();
    for said in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
        seen.push(ask("127.0.0.2", said).await);
    }
    assert_eq!(seen, [401, 401, 429]);
}

fn event(number: usize, secret: &str) -> (String, String) {
    let body = json!({ "action": "opened", "number": number }).to_string();
    let signature = github_signature(&Secret::new(secret.as_bytes().to_vec()), body.as_bytes());
    let head = format!(
        "POST /v1/hooks/github/hub HTTP/1.1\r\nx-github-event: issues\r\nx-github-delivery: d-{number}\r\nx-hub-signature-256: {signature}"
    );
    (head, body)
}

#[tokio::test]
async fn bad_events_never_stop_good_ones() {
    let host = Host::start(few(2)).await;
    let send = async |number: usize, secret: &str| {
        let (head, body) = event(number, secret);
        host.send_from("127.0.0.1", &head, &body).await
    };
    for number in 0..2 {
        assert_eq!(send(number, "another-secret").await.status, 401);
    }
    is_too_many(&send(2, "another-secret").await, "30");
    for number in 3..8 {
        assert_eq!(send(number, SOURCE_SECRET).await.status, 202);
    }
    assert_eq!(host.get("/api/v2/tickets", "").await.status, 401, "nor what is asked elsewhere");
}

#[tokio::test]
async fn what_is_refused_is_counted_by_reason_and_nothing_of_it_is_kept() {
    let host = Host::start(PeerConfig::default()).await;
    let party = host.world.party().await;
    let given = wants(&host, &party);
    assert_eq!(host.post("/oauth/token", &given).await.status, 200);
    assert_eq!(host.post("/oauth/token", &given).await.status, 401, "a second time");
    let forged = changed(host.world.claims(&party), json!({ "aud": "https://elsewhere.example" }));
    let forged = party.key.sign(&json!({ "alg": "EdDSA" }), &forged);
    let forged = format!("grant_type=client_credentials&client_assertion={forged}&client_assertion_type=x");
    assert_eq!(host.post("/oauth/token", &forged).await.status, 401);
    for _ in 0..3 {
        assert_eq!(host.post("/oauth/token", "client_id=client_zq7mark&grant_type=zq7mark").await.status, 401);
    }
    assert_eq!(host.post("/oauth/introspect", "client_id=client_zq7mark&client_secret=zq7mark").await.status, 401);
    assert_eq!(host.post("/oauth/revoke", "token=zq7mark").await.status, 401);
    assert_eq!(host.get("/oauth/authorize?client_id=client_zq7mark", "").await.status, 400);
    let good = host.world.credentials(&party, "kv:read").await.access;
    for sent in
        ["", "\r\nauthorization: Basic enE3bWFyaw==", "\r\nauthorization: Bearer zq7mark", "\r\nauthorization: zq7mark"]
    {
        assert_eq!(host.get("/api/v2/tickets", sent).await.status, 401, "{sent}");
    }
    host.world.pass(301_000);
    for _ in 0..2 {
        let old = host.get("/api/v2/tickets", &format!("\r\nauthorization: Bearer {}", text(&good))).await;
        assert_eq!(old.status, 401);
        assert!(old.body.contains("invalid_token") && !old.body.contains("old-token"), "{old:?}");
    }
    assert_eq!(host.get("/connect/zq7mark", "").await.status, 404);
    assert_eq!(host.get("/admin/v1/acts/x", "\r\nauthorization: Bearer zq7mark").await.status, 401);
    for path in ["entries", "entries/1", "export", "live", "questions/touched"] {
        let path = format!("/admin/v1/audit/{path}");
        assert_eq!(host.get(&path, "\r\nauthorization: Bearer zq7mark").await.status, 401, "{path}");
    }
    // A client that is known and asks for what it may not have is in the log by its name already.
    let known = form(&host, &party, &[("grant_type", "password")]);
    assert_eq!(host.post("/oauth/token", &known).await.status, 400);
    let mut counted: std::collections::BTreeMap<(String, String), u64> = Default::default();
    let world_log = host.world.store.clone();
    for (at, counts) in host.stop().await {
        for (reason, count) in counts.as_object().unwrap() {
            *counted.entry((at.clone(), reason.clone())).or_default() += count.as_u64().unwrap();
        }
    }
    let counted: Vec<String> = counted.iter().map(|((at, reason), count)| format!("{at} {reason} {count}")).collect();
    let expected = [
        "endpoint:admin not-operator 6",
        "endpoint:authorize unknown-client 1",
        "endpoint:connect no-link 1",
        "endpoint:introspect password 1",
        "endpoint:platform malformed 1",
        "endpoint:platform no-token 1",
        "endpoint:platform old-token 2",
        "endpoint:platform password 1",
        "endpoint:platform unknown-token 1",
        "endpoint:revoke no-client 1",
        "endpoint:token replayed-assertion 1",
        "endpoint:token unknown-client 3",
        "endpoint:token wrong-assertion 1",
    ];
    assert_eq!(counted, expected);
    let log = world_log.entries(0, 10_000).await.unwrap();
    assert!(log.iter().all(|entry| !String::from_utf8_lossy(&entry.body).contains("zq7mark")));
}
