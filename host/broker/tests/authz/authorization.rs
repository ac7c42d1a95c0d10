//! Authorization codes: what leads to one, and every way to use one that is not the way.

use portcullis_broker::authz::{Refused, Watched, consent};
use portcullis_model::{audit::Kind, oauth::Authentication};

use crate::world::{API, BACK, CHALLENGE, ISSUER, Party, Small, VERIFIER, World, params, query, scopes, text, why};

fn asked<'a>(party: &'a Party, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("response_type", "code"),
        ("client_id", party.client.id.as_str()),
        ("redirect_uri", BACK),
        ("scope", "tickets:read"),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    form
}

/// The error that the browser takes back, or that is shown.
async fn refused(world: &World, form: &[(&str, &str)]) -> String {
    match world.server.authorize(&params(form)).await {
        Ok(_) => "begun".into(),
        Err(Refused::Page(error)) => format!("page {}", error.code.name()),
        Err(Refused::Back(url)) => {
            let answer = query(&url);
            assert_eq!((answer["iss"].as_str(), answer["state"].as_str()), (ISSUER, "a b&c"));
            assert!(url.starts_with(&format!("{BACK}?error=")), "{url}");
            answer["error"].clone()
        }
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_is_answered_where_that_is_safe() {
    let world = World::new().await;
    let party = world.party().await;
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("client_id", "cli_none")], "page invalid_client"),
        (&[("client_id", "a b")], "page invalid_client"),
        (&[("redirect_uri", "")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example/callback/")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example/callback/x")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example/callback?x=1")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example/callbac")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example.evil.example/callback")], "page invalid_request"),
        (&[("redirect_uri", "https://BACKEND.example/callback")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example/%63allback")], "page invalid_request"),
        (&[("redirect_uri", "https://backend.example:443/callback")], "page invalid_request"),
        (&[("redirect_uri", "http://backend.example/callback")], "page invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("request", "x")], "invalid_request"),
        (&[("request_uri", "https://x.example")], "invalid_request"),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "users:read")], "invalid_scope"),
        (&[("scope", "tickets")], "invalid_scope"),
        (&[("resource", "https://other.example/api")], "invalid_target"),
        (&[("authorization_details", "{}")], "invalid_authorization_details"),
        (&[("authorization_details", r#"[{"type":"other","scope":"kv:read"}]"#)], "invalid_authorization_details"),
        (&[("authorization_details", r#"[{"type":"portcullis_scope"}]"#)], "invalid_authorization_details"),
        (
            &[("authorization_details", r#"[{"type":"portcullis_scope","scope":"sms:send"}]"#)],
            "invalid_authorization_details",
        ),
        (
            &[("authorization_details", r#"[{"type":"portcullis_scope","scope":"kv:read","x":1}]"#)],
            "invalid_authorization_details",
        ),
    ];
    for (changes, expected) in cases {
        // More requests at once than a client may make.
        world.pass(1_000);
        assert_eq!(refused(&world, &asked(&party, changes)).await, *expected, "{changes:?}");
    }
    assert_eq!(world.count(Kind::AuthorizationAsked).await, 0);
}

async fn begun(world: &World, party: &Party, changes: &[(&str, &str)]) -> (String, Vec<u8>, String) {
    let begun = world.server.authorize(&params(&asked(party, changes))).await.unwrap();
    let browser = begun.browser.expose().to_vec();
    let Watched::Waiting(view) = world.server.watch(begun.id.as_str(), &browser).await.unwrap() else { panic!() };
    assert_eq!((view.client.as_str(), view.back_to.as_str()), (party.client.name.as_str(), "backend.example"));
    (begun.id.to_string(), browser, view.code)
}

async fn approve(world: &World, code: &str, narrow: Option<&[&str]>) {
    let store = world.store.as_ref();
    let pending = consent::find(store, code, portcullis_model::time::Clock::now(world.clock.as_ref())).await.unwrap();
    let narrow = narrow.map(scopes);
    let entry = world.entry(Kind::AuthorizationDecided);
    consent::approve(store, &Small, pending, narrow.as_deref(), entry).await.unwrap();
}

#[tokio::test]
async fn an_admin_agrees_and_the_browser_goes_back_once() {
    let world = World::new().await;
    let party = world.party().await;
    let (id, browser, code) = begun(&world, &party, &[]).await;
    approve(&world, &code, None).await;
    assert!(matches!(world.server.watch(&id, b"another browser").await.unwrap(), Watched::Gone));
    let Watched::Back(url) = world.server.watch(&id, &browser).await.unwrap() else { panic!() };
    let answer = query(&url);
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("a b&c", ISSUER));
    assert!(matches!(world.server.watch(&id, &browser).await.unwrap(), Watched::Gone), "one code, once");
    let tokens = world.redeem(&party, &answer["code"]).await.unwrap();
    assert_eq!(tokens.scopes, scopes(&["tickets:read fields=body,subject"]));
    assert_eq!(world.check(&tokens.access).await.unwrap().scopes, tokens.scopes);
}

#[tokio::test]
async fn an_admin_can_agree_to_less_and_never_to_more() {
    let world = World::new().await;
    let party = world.party().await;
    let (id, browser, code) = begun(&world, &party, &[("scope", "tickets:read kv:read")]).await;
    approve(&world, &code, Some(&["tickets:read fields=subject,secret", "users:read"])).await;
    let Watched::Back(url) = world.server.watch(&id, &browser).await.unwrap() else { panic!() };
    let tokens = world.redeem(&party, &query(&url)["code"]).await.unwrap();
    assert_eq!(tokens.scopes, scopes(&["tickets:read fields=subject"]));
}

#[tokio::test]
async fn a_refusal_goes_back_too_and_nobody_decides_twice() {
    let world = World::new().await;
    let party = world.party().await;
    let (id, browser, code) = begun(&world, &party, &[]).await;
    let store = world.store.as_ref();
    let now = portcullis_model::time::Clock::now(world.clock.as_ref());
    let pending = consent::find(store, &code, now).await.unwrap();
    let entry = || world.entry(Kind::AuthorizationDecided);
    consent::deny(store, pending.clone(), entry()).await.unwrap();
    assert!(consent::approve(store, &Small, pending, None, entry()).await.is_err(), "decided already");
    assert!(consent::find(store, &code, now).await.is_err());
    let Watched::Back(url) = world.server.watch(&id, &browser).await.unwrap() else { panic!() };
    assert_eq!((query(&url)["error"].as_str(), query(&url).get("code")), ("access_denied", None));
}

#[tokio::test]
async fn a_request_ends_after_ten_minutes_and_with_its_client() {
    let world = World::new().await;
    let party = world.party().await;
    let (id, browser, code) = begun(&world, &party, &[]).await;
    world.pass(600_000);
    assert!(matches!(world.server.watch(&id, &browser).await.unwrap(), Watched::Gone));
    let now = portcullis_model::time::Clock::now(world.clock.as_ref());
    assert!(consent::find(world.store.as_ref(), &code, now).await.is_err());
    let (id, browser, code) = begun(&world, &party, &[]).await;
    approve(&world, &code, None).await;
    world
        .change("ins_1", |one| {
            one.state =
                portcullis_model::installation::InstallationState::Suspended { reason: "x".into(), by_platform: false };
        })
        .await;
    assert!(matches!(world.server.watch(&id, &browser).await.unwrap(), Watched::Gone));
}

#[tokio::test]
async fn a_flood_of_requests_is_stopped() {
    let world = World::new().await;
    let party = world.party().await;
    let mut begun = 0;
    for _ in 0..40 {
        begun += usize::from(refused(&world, &asked(&party, &[])).await == "begun");
    }
    assert_eq!(begun, 20, "at once");
}

/// What is left after a code was used in a way that it must not be.
async fn is_over(world: &World, party: &Party, code: &str) {
    assert_eq!(why(world.redeem(party, code).await), "invalid_grant", "it does not work any more");
    assert_eq!(world.live().await, 0);
    assert!(world.count(Kind::CodeMisused).await >= 1);
}

#[tokio::test]
async fn a_second_use_ends_what_the_first_gave() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let tokens = world.redeem(&party, &code).await.unwrap();
    assert!(world.check(&tokens.access).await.is_ok());
    assert_eq!(why(world.redeem(&party, &code).await), "invalid_grant");
    assert!(world.check(&tokens.access).await.is_err());
    assert_eq!(why(world.refresh(&party, &tokens.refresh.unwrap()).await), "invalid_grant");
    assert_eq!(world.count(Kind::CodeMisused).await, 1);
}

#[tokio::test]
async fn two_at_once_cannot_both_have_the_tokens() {
    let world = std::sync::Arc::new(World::new().await);
    let party = std::sync::Arc::new(world.party().await);
    let code = world.code(&party, "tickets:read").await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (world, party, code) = (world.clone(), party.clone(), code.clone());
            tokio::spawn(async move { world.redeem(&party, &code).await })
        })
        .collect();
    let mut given = Vec::new();
    for task in tasks {
        given.extend(task.await.unwrap().ok());
    }
    assert_eq!(given.len(), 1);
    assert!(world.check(&given[0].access).await.is_err(), "the second use has ended it");
}

#[tokio::test]
async fn a_code_is_over_after_a_minute() {
    let world = World::new().await;
    let party = world.party().await;
    let (early, late) = (world.code(&party, "tickets:read").await, world.code(&party, "tickets:read").await);
    world.pass(59_999);
    assert!(world.redeem(&party, &early).await.is_ok());
    world.pass(1);
    assert_eq!(why(world.redeem(&party, &late).await), "invalid_grant");
}

#[tokio::test]
async fn a_code_is_for_the_resource_that_was_agreed_to() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let form = |resource: &'static str| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ]
    };
    assert_eq!(why(world.token(&party, &form("https://other.example/api")).await), "invalid_target");
    assert!(world.token(&party, &form(API)).await.is_ok(), "the code was not used up");
}

#[tokio::test]
async fn a_code_that_was_injected_does_not_work() {
    let world = World::new().await;
    world.install("ins_2", "acme", &["tickets:read"]).await;
    let party = world.party().await;
    let other = world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await;
    // Into another client.
    let code = world.code(&party, "tickets:read").await;
    assert_eq!(why(world.redeem(&other, &code).await), "invalid_grant");
    is_over(&world, &party, &code).await;
    // Into another session of the same client, which has another verifier; without one; with the challenge in its place.
    let other_verifier = "a".repeat(43);
    for verifier in [other_verifier.as_str(), "", CHALLENGE] {
        let code = world.code(&party, "tickets:read").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", BACK),
            ("code_verifier", verifier),
        ];
        assert_eq!(why(world.token(&party, &form).await), "invalid_grant", "{verifier}");
        is_over(&world, &party, &code).await;
    }
    // With another redirection URI, or none.
    for redirect in ["https://backend.example/other", ""] {
        let code = world.code(&party, "tickets:read").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(why(world.token(&party, &form).await), "invalid_grant", "{redirect}");
        is_over(&world, &party, &code).await;
    }
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let tokens = world.redeem(&party, &code).await.unwrap();
    for text in [text(&tokens.access), text(&tokens.refresh.clone().unwrap()), code.replace("pcc_", "pcr_"), "x".into()]
    {
        assert_eq!(why(world.redeem(&party, &text).await), "invalid_grant");
    }
    let codes = portcullis_model::secret::Secret::new(code.into_bytes());
    assert_eq!(why(world.refresh(&party, &codes).await), "invalid_grant");
    assert!(world.check(&tokens.access).await.is_ok(), "none of that was a use of the code");
}

#[tokio::test]
async fn the_oldest_request_gives_way_where_too_many_wait() {
    let world = World::new().await;
    let party = world.party().await;
    let mut all = Vec::new();
    for _ in 0..21 {
        world.pass(1_000);
        let begun = world.server.authorize(&params(&asked(&party, &[]))).await.unwrap();
        all.push((begun.id, begun.browser));
    }
    let mut waiting = Vec::new();
    for (id, browser) in &all {
        let watched = world.server.watch(id.as_str(), browser.expose()).await.unwrap();
        waiting.push(matches!(watched, Watched::Waiting(_)));
    }
    assert_eq!(waiting, [&[false][..], &[true; 20]].concat());
    assert_eq!(world.count(Kind::AuthorizationDecided).await, 1, "and the log says so");
}
