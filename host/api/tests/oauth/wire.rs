//! Status codes, headers, and pages.

use portcullis_model::oauth::Authentication;
use serde_json::json;

use crate::{
    served::Served,
    world::{CHALLENGE, Keys, Party, changed},
};

const BACK: &str = "http://127.0.0.1:9/callback";

async fn registered(served: &Served) -> Party {
    let key = Keys::new(1);
    let client = served.world.register_keys("ins_1", &key.jwk(), Authentication::PrivateKeyJwt, BACK).await;
    Party { client, key }
}

fn form(served: &Served, party: &Party, more: &[(&str, &str)]) -> String {
    let issuer = served.world.server.settings().issuer.clone();
    let claims = changed(served.world.claims(party), json!({ "aud": issuer }));
    let assertion = party.key.sign(&json!({ "alg": "EdDSA" }), &claims);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.append_pair("client_assertion", &assertion);
    form.extend_pairs(more);
    form.finish()
}

fn authorize(party: &Party, more: &str) -> String {
    let id = &party.client.id;
    format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&scope=kv%3Aread\
         &state=s&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
    )
}

#[tokio::test]
async fn the_metadata_says_what_there_is() {
    let served = Served::start().await;
    let answer = served.get("/.well-known/oauth-authorization-server", "").await;
    let (issuer, body) = (format!("http://{}", served.address), answer.json());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(body["issuer"], issuer);
    assert_eq!(body["token_endpoint"], format!("{issuer}/oauth/token"));
    assert_eq!(body["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(body["token_endpoint_auth_methods_supported"], json!(["private_key_jwt", "none"]));
    assert_eq!(body["response_types_supported"], json!(["code"]));
    let all = body.to_string();
    for absent in ["client_secret", "password", "implicit", "plain", "HS256", "\"none\"]\"", "registration_endpoint"] {
        assert!(!all.contains(absent), "{absent}");
    }
}

#[tokio::test]
async fn tokens_and_refusals_are_never_cached() {
    let served = Served::start().await;
    let party = registered(&served).await;
    let asked = form(&served, &party, &[("grant_type", "client_credentials"), ("scope", "kv:read")]);
    let fine = served.post("/oauth/token", "", &asked).await;
    assert_eq!((fine.status, fine.header("cache-control")), (200, Some("no-store")), "{fine:?}");
    assert_eq!(fine.json()["token_type"], "Bearer");
    let token = fine.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(served.get("/api/whoami", &format!("\r\nauthorization: Bearer {token}")).await.status, 200);
    assert_eq!(served.get("/api/whoami", "").await.status, 401);
    let replayed = served.post("/oauth/token", "", &asked).await;
    assert_eq!((replayed.status, replayed.json()["error"].as_str()), (401, Some("invalid_client")));
    assert!(replayed.header("www-authenticate").unwrap().starts_with("DPoP algs="));
    assert_eq!(replayed.header("cache-control"), Some("no-store"));
    let password = form(&served, &party, &[("grant_type", "password"), ("username", "a"), ("password", "b")]);
    let password = served.post("/oauth/token", "", &password).await;
    assert_eq!((password.status, password.json()["error"].as_str()), (400, Some("unsupported_grant_type")));
}

#[tokio::test]
async fn what_is_no_form_is_refused_before_it_is_read() {
    let served = Served::start().await;
    let basic = "\r\nauthorization: Basic YTpi";
    let refused = served.post("/oauth/token", basic, "grant_type=client_credentials").await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (401, Some("invalid_client")));
    let json = served.send("POST /oauth/token HTTP/1.1\r\ncontent-type: application/json", "{}").await;
    assert_eq!((json.status, json.json()["error"].as_str()), (400, Some("invalid_request")));
    let large = served.post("/oauth/token", "", &"a".repeat(64 * 1024 + 1)).await;
    assert_eq!((large.status, large.json()["error"].as_str()), (400, Some("invalid_request")));
    let twice = served.post("/oauth/token", "", "grant_type=a&grant_type=b").await;
    assert_eq!(twice.json()["error"], "invalid_request");
    assert_eq!(served.get("/oauth/token?grant_type=client_credentials", "").await.status, 405);
    for path in ["/oauth/revoke", "/oauth/introspect"] {
        assert_eq!(served.post(path, "", "token=x").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn the_page_waits_for_the_admin_and_goes_back_once() {
    let served = Served::start().await;
    let party = registered(&served).await;
    let begun = served.get(&authorize(&party, ""), "").await;
    assert_eq!(begun.status, 303);
    let cookie = begun.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Path=/;"), "{cookie}");
    let cookie = format!("\r\ncookie: a=b; {}", cookie.split(';').next().unwrap());
    let page = begun.header("location").unwrap().to_owned();
    assert_eq!(served.get(&page, "").await.status, 404, "another browser");
    assert_eq!(served.get(&page, "\r\ncookie: portcullis_request_x=y").await.status, 404);
    let waiting = served.get(&page, &cookie).await;
    assert_eq!(waiting.status, 200);
    let policy = waiting.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(waiting.header("x-frame-options"), Some("DENY"));
    assert_eq!(waiting.header("referrer-policy"), Some("no-referrer"));
    assert!(waiting.body.contains("kv:read") && waiting.body.contains("http-equiv=\"refresh\""), "{}", waiting.body);
    assert!(!waiting.body.contains("<script") && !waiting.body.contains("pcc_"));
    assert_eq!(served.world.agree_to_all().await, 1);
    let back = served.get(&page, &cookie).await;
    let to = back.header("location").unwrap();
    assert!(back.status == 303 && to.starts_with(&format!("{BACK}?code=pcc_")), "{to}");
    assert!(to.contains("&state=s&iss=http%3A%2F%2F127.0.0.1"), "{to}");
    assert_eq!(served.get(&page, &cookie).await.status, 404);
}

#[tokio::test]
async fn nobody_is_sent_to_where_they_were_not_registered() {
    let served = Served::start().await;
    let party = registered(&served).await;
    let path = authorize(&party, "").replace("callback", "callback%2F..%2Fother");
    let refused = served.get(&path, "").await;
    assert_eq!((refused.status, refused.header("location")), (400, None));
    let markup = served.get("/oauth/authorize?client_id=%3Cscript%3E", "").await;
    assert!(markup.status == 400 && !markup.body.contains("<script"), "{}", markup.body);
    let plain = served.get(&authorize(&party, "").replace("S256", "plain"), "").await;
    assert!(plain.header("location").unwrap().starts_with(&format!("{BACK}?error=invalid_request")));
}
