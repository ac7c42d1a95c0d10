//! Who asks: signed assertions, and all that must not pass for one.

use portcullis_broker::authz::{Params, Request};
use portcullis_model::{audit::Kind, oauth::Authentication};
use serde_json::{Value, json};

use crate::world::{ISSUER, Keys, Party, TOKEN, World, changed, params, why};

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn asking(assertion: &str) -> Request {
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "kv:read"),
        ("client_assertion_type", JWT),
        ("client_assertion", assertion),
    ];
    Request { params: params(&form), endpoint: "token", ..Request::default() }
}

async fn with(world: &World, party: &Party, header: Value, changes: Value) -> Result<(), &'static str> {
    let assertion = party.key.sign(&header, &changed(world.claims(party), changes));
    world.server.token(&asking(&assertion)).await.map(drop).map_err(|error| error.code.name())
}

#[tokio::test]
async fn what_is_allowed_passes() {
    let world = World::new().await;
    let party = world.party().await;
    let fine = json!({ "alg": "EdDSA" });
    assert_eq!(with(&world, &party, fine.clone(), json!({})).await, Ok(()));
    assert_eq!(with(&world, &party, fine.clone(), json!({ "aud": TOKEN })).await, Ok(()));
    assert_eq!(with(&world, &party, fine.clone(), json!({ "aud": [ISSUER] })).await, Ok(()));
    assert_eq!(with(&world, &party, fine.clone(), json!({ "exp": world.seconds() + 900 })).await, Ok(()));
    assert_eq!(with(&world, &party, fine, json!({ "iat": null, "nbf": world.seconds() })).await, Ok(()));
    assert_eq!(with(&world, &party, json!({ "alg": "Ed25519", "typ": "JWT", "kid": "any" }), json!({})).await, Ok(()));
}

#[tokio::test]
async fn what_is_wrong_does_not() {
    let world = World::new().await;
    let party = world.party().await;
    let now = world.seconds();
    let fine = json!({ "alg": "EdDSA" });
    for changes in [
        json!({ "aud": "https://other.example" }),
        json!({ "aud": [ISSUER, "https://other.example"] }),
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "aud": format!("{ISSUER}/") }),
        json!({ "exp": null }),
        json!({ "exp": now - 31 }),
        json!({ "exp": now + 931 }),
        json!({ "exp": now + 901, "iat": now }),
        json!({ "exp": "soon" }),
        json!({ "exp": -1 }),
        json!({ "exp": 1e300 }),
        json!({ "iat": now + 31, "exp": now + 60 }),
        json!({ "nbf": now + 31 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(257) }),
        json!({ "iss": "cli_other" }),
        json!({ "sub": "cli_other" }),
        json!({ "sub": null }),
    ] {
        assert_eq!(with(&world, &party, fine.clone(), changes.clone()).await, Err("invalid_client"), "{changes}");
    }
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "eddsa" }),
        json!({}),
        json!({ "alg": "EdDSA", "crit": ["x"], "x": 1 }),
        json!({ "alg": "EdDSA", "b64": false }),
        json!({ "alg": "EdDSA", "typ": "dpop+jwt" }),
        json!({ "alg": "EdDSA", "typ": "at+jwt" }),
    ] {
        assert_eq!(with(&world, &party, header.clone(), json!({})).await, Err("invalid_client"), "{header}");
    }
    assert_eq!(world.count(Kind::TokenIssued).await, 0);
}

#[tokio::test]
async fn a_signature_that_is_not_the_keys_does_not_pass() {
    let world = World::new().await;
    let party = world.party().await;
    let claims = world.claims(&party);
    let stranger = Keys::new(9).sign(&json!({ "alg": "EdDSA" }), &claims);
    // A key that the header brings along is not the client's.
    let bring = Keys::new(9).sign(&json!({ "alg": "EdDSA", "jwk": Keys::new(9).jwk() }), &claims);
    let fine = party.key.sign(&json!({ "alg": "EdDSA" }), &claims);
    let unsigned = format!("{}.", fine.rsplit_once('.').unwrap().0);
    // The text of 'none', with the body of what was signed.
    let none = format!("eyJhbGciOiJub25lIn0.{}.", fine.split('.').nth(1).unwrap());
    // HS256 with the public key as its secret.
    let public = party.key.jwk()["x"].as_str().unwrap().as_bytes().to_vec();
    let symmetric = {
        let part = fine.split('.').nth(1).unwrap();
        let signed = format!("eyJhbGciOiJIUzI1NiJ9.{part}");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        use base64::Engine as _;
        format!("{signed}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    for text in
        [&stranger, &bring, &unsigned, &none, &symmetric, &format!("{fine}x"), &format!("{fine}.x"), "", "a.b.c"]
    {
        assert_eq!(why(world.server.token(&asking(text)).await), "invalid_client", "{text}");
    }
    assert!(world.server.token(&asking(&fine)).await.is_ok());
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let world = World::new().await;
    let party = world.party().await;
    let assertion = world.assertion(&party);
    assert!(world.server.token(&asking(&assertion)).await.is_ok());
    assert_eq!(why(world.server.token(&asking(&assertion)).await), "invalid_client");
    // Another text of the same id is the same assertion, at another endpoint too.
    let claims = changed(world.claims(&party), json!({ "jti": "one" }));
    let header = json!({ "alg": "EdDSA" });
    assert!(world.server.token(&asking(&party.key.sign(&header, &claims))).await.is_ok());
    let again = changed(claims, json!({ "exp": world.seconds() + 50 }));
    let again = Request { endpoint: "introspect", ..asking(&party.key.sign(&header, &again)) };
    assert_eq!(why(world.server.introspect(&again).await), "invalid_client");
}

#[tokio::test]
async fn many_at_once_with_one_assertion_get_one_token() {
    let world = std::sync::Arc::new(World::new().await);
    let party = world.party().await;
    let assertion = world.assertion(&party);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (world, request) = (world.clone(), asking(&assertion));
            tokio::spawn(async move { world.server.token(&request).await.is_ok() })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.unwrap());
    }
    assert_eq!((passed, world.count(Kind::TokenIssued).await), (1, 1));
}

#[tokio::test]
async fn one_client_cannot_pass_for_another() {
    let world = World::new().await;
    world.install("ins_2", "acme", &["kv:read"]).await;
    let party = world.party().await;
    let other = world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await;
    let claims =
        changed(world.claims(&other), json!({ "iss": party.client.id.as_str(), "sub": party.client.id.as_str() }));
    let forged = other.key.sign(&json!({ "alg": "EdDSA" }), &claims);
    assert_eq!(why(world.server.token(&asking(&forged)).await), "invalid_client");
    let mut form = vec![("client_id", other.client.id.to_string())];
    let assertion = world.assertion(&party);
    for (name, value) in [("grant_type", "client_credentials"), ("client_assertion_type", JWT), ("scope", "kv:read")] {
        form.push((name, value.to_owned()));
    }
    form.push(("client_assertion", assertion));
    let request = Request { params: params(&form), endpoint: "token", ..Request::default() };
    assert_eq!(why(world.server.token(&request).await), "invalid_client");
}

#[tokio::test]
async fn passwords_and_client_secrets_do_not_exist() {
    let world = World::new().await;
    let party = world.party().await;
    let id = party.client.id.as_str();
    let form = params(&[("grant_type", "client_credentials"), ("scope", "kv:read"), ("client_id", id)]);
    let basic = Request { params: form.clone(), authorization: true, endpoint: "token", ..Request::default() };
    assert_eq!(why(world.server.token(&basic).await), "invalid_client");
    let fine = world.request(&party, &[("grant_type", "client_credentials"), ("scope", "kv:read")]);
    assert_eq!(why(world.server.token(&Request { authorization: true, ..fine }).await), "invalid_client");
    let post = params(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "x")]);
    assert_eq!(
        why(world.server.token(&Request { params: post, endpoint: "token", ..Request::default() }).await),
        "invalid_client"
    );
    let bare = Request { params: form, endpoint: "token", ..Request::default() };
    assert_eq!(why(world.server.token(&bare).await), "invalid_client", "an id alone proves nothing");
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "x"] {
        let asked = [("grant_type", grant), ("username", "a"), ("password", "b"), ("scope", "kv:read")];
        assert_eq!(why(world.token(&party, &asked).await), "unsupported_grant_type", "{grant}");
    }
    assert_eq!(why(world.token(&party, &[("scope", "kv:read")]).await), "invalid_request");
}

#[tokio::test]
async fn too_many_requests_are_told_to_wait() {
    let world = World::new().await;
    let party = world.party().await;
    let mut refused = None;
    for _ in 0..80 {
        if let Err(error) = world.token(&party, &[("grant_type", "client_credentials"), ("scope", "kv:read")]).await {
            refused = Some(error);
        }
    }
    let refused = refused.unwrap();
    assert!(refused.retry_after.unwrap().as_millis() > 0);
    assert_eq!(world.count(Kind::TokenIssued).await, 60);
    world.pass(1_000);
    world.credentials(&party, "kv:read").await;
}

#[tokio::test]
async fn who_asks_too_often_writes_nothing() {
    let world = World::new().await;
    let party = world.party().await;
    for _ in 0..60 {
        world.credentials(&party, "kv:read").await;
    }
    let assertion = world.assertion(&party);
    assert!(world.server.token(&asking(&assertion)).await.unwrap_err().retry_after.is_some());
    world.pass(1_000);
    assert!(world.server.token(&asking(&assertion)).await.is_ok(), "its assertion was not noted");
}

#[tokio::test]
async fn strangers_cannot_use_up_what_a_client_without_keys_may_ask() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, true).await;
    let code = world.code(&party, "kv:read").await;
    let mut refresh = world.redeem(&party, &code).await.unwrap().refresh.unwrap();
    let stranger = Party { client: party.client.clone(), key: Keys::new(9) };
    for _ in 0..100 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        assert_eq!(why(world.token(&stranger, &form).await), "invalid_grant");
    }
    // Each of its grants has its own count.
    for _ in 0..60 {
        refresh = world.refresh(&party, &refresh).await.unwrap().refresh.unwrap();
    }
    assert!(world.refresh(&party, &refresh).await.unwrap_err().retry_after.is_some());
    let code = world.code(&party, "kv:read").await;
    let other = world.redeem(&party, &code).await.unwrap().refresh.unwrap();
    assert!(world.refresh(&party, &other).await.is_ok());
    world.pass(1_000);
    assert!(world.refresh(&party, &refresh).await.is_ok());
}

#[test]
fn a_parameter_is_there_once() {
    assert!(Params::parse(b"a=1&a=2").is_err());
    assert!(Params::parse(b"a=1&a=1").is_err());
    assert!(Params::parse(b"resource=1&resource=2").is_ok());
    assert!(Params::parse(&vec![b'a'; 64 * 1024 + 1]).is_err());
    assert_eq!(Params::parse(b"a=&b=x%20y+z").unwrap().get("a"), None);
    assert_eq!(Params::parse(b"b=x%20y+z").unwrap().get("b"), Some("x y z"));
    let many: Vec<String> = (0..41).map(|n| format!("p{n}=1")).collect();
    assert!(Params::parse(many.join("&").as_bytes()).is_err());
}
