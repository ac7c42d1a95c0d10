//! Proofs of possession: what is bound to a key is of no use without it.

use portcullis_broker::authz::Request;
use portcullis_model::{
    installation::InstallationState,
    oauth::{AccessTokens as _, Authentication, Presented, Rejected},
    secret::Secret,
};
use serde_json::{Value, json};

use crate::world::{API, BACK, Keys, Party, TOKEN, VERIFIER, World, changed, params, presented, text, why};

const URL: &str = "https://host.example/api/v2/tickets.json";

fn with(token: &Secret, proof: &str) -> Presented {
    let proof = Some(proof.to_owned());
    Presented { dpop: true, proof, method: "POST".into(), url: URL.into(), audience: API.into(), token: token.clone() }
}

async fn bound(world: &World) -> (Party, Secret) {
    let party = world.register("ins_1", 1, Authentication::Dpop, false).await;
    let answer = world.credentials(&party, "kv:read").await;
    assert_eq!(answer.to_json()["token_type"], "DPoP");
    (party, answer.access)
}

#[tokio::test]
async fn a_bound_token_needs_its_key() {
    let world = World::new().await;
    let (party, token) = bound(&world).await;
    assert!(world.server.check(&with(&token, &world.proof(&party.key, URL, Some(&token)))).await.is_ok());
    assert!(matches!(world.check(&token).await, Err(Rejected::Token(_))), "as Bearer");
    let bare = Presented { proof: None, ..with(&token, "") };
    assert!(matches!(world.server.check(&bare).await, Err(Rejected::Proof(_))));
    let stranger = world.proof(&Keys::new(9), URL, Some(&token));
    assert!(matches!(world.server.check(&with(&token, &stranger)).await, Err(Rejected::Proof(_))));
}

#[tokio::test]
async fn a_token_that_is_not_bound_is_not_taken_with_a_proof() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    let proof = world.proof(&party.key, URL, Some(&token));
    assert!(matches!(world.server.check(&with(&token, &proof)).await, Err(Rejected::Token(_))));
    assert!(world.server.check(&presented(&token)).await.is_ok());
}

#[tokio::test]
async fn a_proof_is_for_one_request_once() {
    let world = World::new().await;
    let (party, token) = bound(&world).await;
    let proof = world.proof(&party.key, URL, Some(&token));
    let fine = with(&token, &proof);
    let fails = |presented: Presented| {
        let world = &world;
        async move { matches!(world.server.check(&presented).await, Err(Rejected::Proof(_))) }
    };
    assert!(fails(Presented { method: "GET".into(), ..fine.clone() }).await);
    assert!(fails(Presented { url: "https://host.example/api/v2/users.json".into(), ..fine.clone() }).await);
    assert!(fails(Presented { url: "https://other.example/api/v2/tickets.json".into(), ..fine.clone() }).await);
    let other = world.credentials(&party, "kv:read").await.access;
    assert!(fails(with(&other, &proof)).await, "of another token");
    assert!(world.server.check(&fine).await.is_ok(), "none of that has used it up");
    assert!(fails(fine).await, "a second time");
}

#[tokio::test]
async fn no_proof_is_kept_for_a_token_that_is_of_no_use() {
    let world = World::new().await;
    let (party, token) = bound(&world).await;
    let fine = with(&token, &world.proof(&party.key, URL, Some(&token)));
    let elsewhere = Presented { audience: "https://host.example/other".into(), ..fine.clone() };
    world
        .change("ins_1", |one| one.state = InstallationState::Suspended { reason: "x".into(), by_platform: false })
        .await;
    let said = |presented: Presented| {
        let world = &world;
        async move { world.server.check(&presented).await.unwrap_err().to_string() }
    };
    let over = said(fine.clone()).await;
    assert_eq!(over, said(fine.clone()).await, "the proof was not kept");
    world.change("ins_1", |one| one.state = InstallationState::Active).await;
    assert_eq!(over, said(elsewhere).await, "whoever replays a proof is not told why");
    assert!(world.server.check(&fine).await.is_ok());
}

#[tokio::test]
async fn a_proof_that_is_wrong_is_refused() {
    let world = World::new().await;
    let (party, token) = bound(&world).await;
    let now = world.seconds();
    let jwk = party.key.jwk();
    let header = json!({ "alg": "EdDSA", "typ": "dpop+jwt", "jwk": jwk });
    let ath = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(token.expose()))
    };
    let claims = json!({ "htm": "POST", "htu": URL, "jti": "a", "iat": now, "ath": ath });
    let check = |header: Value, claims: Value| {
        let presented = with(&token, &party.key.sign(&header, &claims));
        let world = &world;
        async move { world.server.check(&presented).await.is_ok() }
    };
    for change in [
        json!({ "htm": null }),
        json!({ "htm": "post" }),
        json!({ "htu": null }),
        json!({ "htu": "/api/v2/tickets.json" }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "iat": null }),
        json!({ "iat": now - 61 }),
        json!({ "iat": now + 6 }),
        json!({ "iat": "now" }),
        json!({ "ath": null }),
        json!({ "ath": "x" }),
    ] {
        assert!(!check(header.clone(), changed(claims.clone(), change.clone())).await, "{change}");
    }
    let private = changed(jwk.clone(), json!({ "d": jwk["x"] }));
    for change in [
        json!({ "typ": null }),
        json!({ "typ": "JWT" }),
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "jwk": null }),
        json!({ "jwk": private }),
        json!({ "jwk": Keys::new(9).jwk() }),
        json!({ "jwk": { "kty": "oct", "k": "AAAA" } }),
        json!({ "crit": ["x"] }),
    ] {
        assert!(!check(changed(header.clone(), change.clone()), claims.clone()).await, "{change}");
    }
    let query = changed(claims.clone(), json!({ "htu": format!("{URL}?a=1#b"), "jti": "b" }));
    assert!(check(header.clone(), query).await, "query and fragment do not count");
    assert!(check(header, claims).await);
}

#[tokio::test]
async fn after_a_start_no_older_proof_is_taken() {
    let world = World::new().await;
    let (party, token) = bound(&world).await;
    // Of a client whose clock is as fast as it may be.
    world.pass(5_000);
    let fast = world.proof(&party.key, URL, Some(&token));
    world.pass(-5_000);
    assert!(world.server.check(&with(&token, &fast)).await.is_ok());
    let world = world.restarted();
    for _ in 0..6 {
        assert!(matches!(world.server.check(&with(&token, &fast)).await, Err(Rejected::Proof(_))), "a second time");
        world.pass(1_000);
    }
    let after = world.proof(&party.key, URL, Some(&token));
    assert!(world.server.check(&with(&token, &after)).await.is_ok());
}

#[tokio::test]
async fn a_client_with_registered_keys_proves_itself_by_one_of_them() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, false).await;
    let thief = Party { client: party.client.clone(), key: Keys::new(9) };
    let form = [("grant_type", "client_credentials"), ("scope", "kv:read")];
    assert_eq!(why(world.token(&thief, &form).await), "invalid_client");
    assert!(world.token(&party, &form).await.is_ok());
    let request = world.request(&party, &form);
    let bare = Request { proofs: vec![], ..request.clone() };
    assert_eq!(why(world.server.token(&bare).await), "invalid_client");
    let two = Request { proofs: vec![request.proofs[0].clone(), request.proofs[0].clone()], ..request.clone() };
    assert_eq!(why(world.server.token(&two).await), "invalid_dpop_proof");
    assert!(world.server.token(&request).await.is_ok());
    assert_eq!(why(world.server.token(&request).await), "invalid_dpop_proof", "the same proof again");
}

#[tokio::test]
async fn a_client_without_keys_is_bound_to_the_one_that_asks_first() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, true).await;
    let form = [("grant_type", "client_credentials"), ("scope", "kv:read")];
    assert_eq!(why(world.token(&party, &form).await), "unauthorized_client");
    let code = world.code(&party, "kv:read").await;
    let tokens = world.redeem(&party, &code).await.unwrap();
    let proof = world.proof(&party.key, URL, Some(&tokens.access));
    assert!(world.server.check(&with(&tokens.access, &proof)).await.is_ok());
    assert!(world.refresh(&party, &tokens.refresh.clone().unwrap()).await.is_ok());
    // Whoever finds a token can neither ask about it nor hand it on.
    let thief = Party { client: party.client.clone(), key: Keys::new(9) };
    let asking = Request {
        trace: None,
        params: params(&[("token", text(&tokens.access).as_str()), ("client_id", thief.client.id.as_str())]),
        proofs: vec![world.proof(&thief.key, "https://host.example/oauth/introspect", None)],
        endpoint: "introspect",
        authorization: false,
    };
    assert_eq!(world.server.introspect(&asking).await.unwrap(), json!({ "active": false }));
}

#[tokio::test]
async fn a_code_that_is_bound_to_a_key_needs_it() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, true).await;
    let thumb =
        portcullis_broker::authz::jwk::thumbprint(&portcullis_broker::authz::jwk::read(&party.key.jwk()).unwrap());
    for (seed, works) in [(9, false), (1, true)] {
        let code = world.code_with(&party, "kv:read", &[("dpop_jkt", &thumb)]).await;
        let by = Party { client: party.client.clone(), key: Keys::new(seed) };
        assert_eq!(world.redeem(&by, &code).await.is_ok(), works);
    }
}

#[tokio::test]
async fn an_assertions_client_can_bind_its_tokens_too() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "kv:read").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    let one = Keys::new(7);
    let request = Request { proofs: vec![world.proof(&one, TOKEN, None)], ..world.request(&party, &form) };
    let tokens = world.server.token(&request).await.unwrap();
    assert!(world.server.check(&with(&tokens.access, &world.proof(&one, URL, Some(&tokens.access)))).await.is_ok());
    assert!(world.check(&tokens.access).await.is_err());
    // What is bound is not narrowed into something that is not, by whoever found it.
    let access = text(&tokens.access);
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", access.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    assert_eq!(why(world.token(&party, &exchange).await), "invalid_request");
    let request = Request { proofs: vec![world.proof(&one, TOKEN, None)], ..world.request(&party, &exchange) };
    assert_eq!(world.server.token(&request).await.unwrap().to_json()["token_type"], "DPoP");
    // The refresh token is bound to the client, which proves itself; the next access token may have another key.
    assert!(world.refresh(&party, &tokens.refresh.unwrap()).await.is_ok());
}
