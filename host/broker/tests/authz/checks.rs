//! What a token is good for, and when it is not good any more.

use portcullis_broker::{authz::family::ClientCredentials, issue::Revoked, rotation::Credentials as _};
use portcullis_model::{
    audit::{Actor, Kind},
    id::Digest,
    installation::InstallationState,
    oauth::{AccessTokens as _, Authentication, OAuthStore as _, Presented, Rejected},
    rotation::{Family, Renewal},
    secret::Secret,
    time::Clock as _,
};

use crate::world::{API, World, installation, presented, scopes, text, why};

fn rejected<T: std::fmt::Debug>(result: Result<T, Rejected>) -> String {
    match result.unwrap_err() {
        Rejected::Token(why) | Rejected::Over(why) => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_what_it_is_for() {
    let world = World::new().await;
    let party = world.party().await;
    let answer = world.credentials(&party, "kv:read tickets:read").await;
    assert!(text(&answer.access).starts_with("pct_"));
    assert_eq!((answer.expires_in, answer.refresh.is_none()), (300, true));
    let bearer = world.check(&answer.access).await.unwrap();
    assert_eq!(bearer.client, party.client.id);
    assert_eq!((bearer.tenant.as_str(), bearer.installation.as_str()), ("acme", "ins_1"));
    assert_eq!(bearer.release, installation("ins_1", "acme").release);
    assert_eq!(bearer.scopes, scopes(&["kv:read", "tickets:read fields=body,subject"]));
    assert_eq!(bearer.actors, Vec::<String>::new());
    assert_eq!(bearer.expires, world.clock.now().plus(std::time::Duration::from_secs(300)));
    assert!(!text(&answer.access).contains(&bearer.reference[4..]));
}

#[tokio::test]
async fn what_is_frozen_gets_nothing_and_loses_nothing() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let given = world.redeem(&party, &code).await.unwrap();
    let second = world.code(&party, "tickets:read").await;
    world.freeze(true);
    assert_eq!(world.check(&given.access).await.unwrap_err(), Rejected::Unavailable);
    assert_eq!(why(world.redeem(&party, &second).await), "temporarily_unavailable");
    let refresh = given.refresh.unwrap();
    assert_eq!(why(world.refresh(&party, &refresh).await), "temporarily_unavailable");
    world.freeze(false);
    assert!(world.check(&given.access).await.is_ok());
    assert!(world.redeem(&party, &second).await.is_ok(), "the code was not used up");
    assert!(world.refresh(&party, &refresh).await.is_ok(), "nor the refresh token");
}

#[tokio::test]
async fn an_act_of_rotation_ends_tokens_and_keys_and_leaves_what_came_after_alone() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let given = world.redeem(&party, &code).await.unwrap();
    let family = ClientCredentials { store: world.store.clone(), clock: world.clock.clone(), actor: Actor::Host };
    let before = family.list().await.unwrap();
    let [tokens, keys] = &before[..] else { panic!("{before:?}") };
    assert_eq!((tokens.item.family, keys.item.family), (Family::Tokens, Family::ClientKey));
    assert_eq!((tokens.nature.renewal, keys.nature.renewal), (Renewal::Holder, Renewal::Person));
    for _ in 0..2 {
        assert_eq!(family.revoke_now(&tokens.item, tokens.generation, false).await.unwrap(), Revoked::Confirmed);
    }
    assert!(world.check(&given.access).await.is_err());
    assert_eq!(why(world.refresh(&party, &given.refresh.unwrap()).await), "invalid_grant");
    world.pass(60_000);
    let newer = world.credentials(&party, "kv:read").await;
    family.revoke_now(&tokens.item, tokens.generation, false).await.unwrap();
    assert!(world.check(&newer.access).await.is_ok(), "the same act once more ends nothing that came since");
    family.revoke_now(&keys.item, keys.generation, false).await.unwrap();
    let ask = world.token(&party, &[("grant_type", "client_credentials"), ("scope", "kv:read")]).await;
    assert_eq!(why(ask), "invalid_client");
    let after = family.list().await.unwrap();
    assert!(after[1].needs_person && after[1].generation > keys.generation);
}

#[tokio::test]
async fn a_client_asks_for_what_it_needs() {
    let world = World::new().await;
    let party = world.party().await;
    let ask = |form: Vec<(&'static str, &'static str)>| {
        let form = [vec![("grant_type", "client_credentials")], form].concat();
        let world = &world;
        let party = &party;
        async move { world.token(party, &form).await }
    };
    assert_eq!(why(ask(vec![]).await), "invalid_scope");
    assert_eq!(why(ask(vec![("scope", "users:read")]).await), "invalid_scope");
    let details = r#"[{"type":"portcullis_scope","scope":"tickets:read fields=subject,secret"}]"#;
    let narrowed = ask(vec![("authorization_details", details)]).await.unwrap();
    assert_eq!(narrowed.scopes, scopes(&["tickets:read fields=subject"]));
    let body = narrowed.to_json();
    assert_eq!((body["scope"].as_str(), body["token_type"].as_str()), (Some("tickets:read"), Some("Bearer")));
    assert_eq!(body["authorization_details"][0]["scope"], "tickets:read fields=subject");
    assert_eq!(why(ask(vec![("scope", "kv:read"), ("resource", "https://x.example/api")]).await), "invalid_target");
    assert!(ask(vec![("scope", "kv:read"), ("resource", API)]).await.is_ok());
}

#[tokio::test]
async fn a_token_is_over_after_five_minutes() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    world.pass(299_999);
    assert!(world.check(&token).await.is_ok());
    world.pass(1);
    assert!(rejected(world.check(&token).await).contains("expired"));
    assert!(world.store.sweep_oauth(world.clock.now()).await.unwrap() >= 2);
    assert!(rejected(world.check(&token).await).contains("unknown"));
}

#[tokio::test]
async fn a_token_is_for_one_audience() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    for audience in ["https://other.example/api", "https://host.example", "https://host.example/api/", ""] {
        let elsewhere = Presented { audience: audience.into(), ..presented(&token) };
        assert!(rejected(world.server.check(&elsewhere).await).contains("another resource"), "{audience}");
    }
}

#[tokio::test]
async fn what_is_no_token_is_rejected() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let answer = world.redeem(&party, &code).await.unwrap();
    let mut flipped = answer.access.expose().to_vec();
    flipped[20] ^= 1;
    let refresh = answer.refresh.unwrap().expose().to_vec();
    for bytes in [flipped, refresh, code.into_bytes(), Vec::new(), vec![0xff; 53], vec![b'x'; 1 << 20]] {
        assert!(world.check(&Secret::new(bytes)).await.is_err());
    }
    assert!(world.check(&answer.access).await.is_ok());
}

#[tokio::test]
async fn a_token_ends_with_its_installations_state_and_release() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    let suspended = InstallationState::Suspended { reason: "x".into(), by_platform: false };
    world.change("ins_1", |one| one.state = suspended).await;
    assert!(rejected(world.check(&token).await).contains("not active"));
    world.change("ins_1", |one| one.state = InstallationState::Active).await;
    assert!(world.check(&token).await.is_ok());
    world.change("ins_1", |one| one.release = Digest::of(b"another component")).await;
    assert!(rejected(world.check(&token).await).contains("another release"));
    let token = world.credentials(&party, "kv:read").await.access;
    assert_eq!(world.check(&token).await.unwrap().release, Digest::of(b"another component"));
}

#[tokio::test]
async fn a_client_revokes_and_introspects_its_own_tokens_and_no_others() {
    let world = World::new().await;
    world.install("ins_2", "acme", &["kv:read"]).await;
    let party = world.party().await;
    let other = world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await;
    let token = text(&world.credentials(&party, "kv:read").await.access);
    let ask = |who, token: &str| {
        let request = world.request(who, &[("token", token)]);
        let world = &world;
        async move { world.server.introspect(&request).await.unwrap() }
    };
    let seen = ask(&party, &token).await;
    assert_eq!((seen["active"].as_bool(), seen["aud"].as_str()), (Some(true), Some(API)));
    assert_eq!(seen["client_id"], party.client.id.as_str());
    assert_eq!(ask(&other, &token).await, serde_json::json!({ "active": false }));
    for nothing in ["x", "pct_", &token.replace("pct_", "pcr_")] {
        assert_eq!(ask(&party, nothing).await, serde_json::json!({ "active": false }));
    }
    let secret = Secret::new(token.clone().into_bytes());
    world.server.revoke(&world.request(&other, &[("token", &token)])).await.unwrap();
    assert!(world.check(&secret).await.is_ok(), "somebody else's");
    world
        .server
        .revoke(&world.request(&party, &[("token", &token), ("token_type_hint", "refresh_token")]))
        .await
        .unwrap();
    assert!(rejected(world.check(&secret).await).contains("revoked"));
    assert_eq!(ask(&party, &token).await, serde_json::json!({ "active": false }));
    world.server.revoke(&world.request(&party, &[("token", &token)])).await.unwrap();
    world.server.revoke(&world.request(&party, &[("token", "unknown")])).await.unwrap();
    assert_eq!(world.count(Kind::TokenRevoked).await, 1);
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_family_with_it() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let first = world.redeem(&party, &code).await.unwrap();
    let refresh = first.refresh.unwrap();
    let second = world.refresh(&party, &refresh).await.unwrap();
    let present = second.refresh.unwrap();
    let ask = |token: String| {
        let request = world.request(&party, &[("token", &token)]);
        let world = &world;
        async move { world.server.introspect(&request).await.unwrap()["active"].as_bool().unwrap() }
    };
    assert!(ask(text(&present)).await && !ask(text(&refresh)).await, "the present one alone");
    world.server.revoke(&world.request(&party, &[("token", &text(&present))])).await.unwrap();
    for access in [first.access, second.access] {
        assert!(world.check(&access).await.is_err());
    }
    assert_eq!(why(world.refresh(&party, &present).await), "invalid_grant");
    assert!(!ask(text(&present)).await);
}

#[tokio::test]
async fn every_token_is_in_the_log_and_none_of_its_text() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    let reference = world.check(&token).await.unwrap().reference;
    assert!(world.token(&party, &[("grant_type", "client_credentials"), ("scope", "users:read")]).await.is_err());
    let entries = world.store.entries(0, 1_000).await.unwrap();
    let log: String = entries.iter().map(|one| String::from_utf8(one.body.clone()).unwrap()).collect();
    assert!(log.contains(&reference) && log.contains("token.issued") && log.contains("token.refused"), "{log}");
    let text = text(&token);
    assert!(!log.contains(&text) && !log.contains(&text[4..47]));
}

/// What the log says of refusals: why, and how many were not written before each of them.
async fn refusals(world: &World) -> Vec<(String, u64)> {
    let entries = world.store.entries(0, 1_000).await.unwrap();
    let entries = entries.iter().map(|one| serde_json::from_slice::<serde_json::Value>(&one.body).unwrap());
    let refused = entries.filter(|one| one["kind"] == "token.refused");
    refused
        .map(|one| (one["detail"]["error"].as_str().unwrap().to_owned(), one["detail"]["before"].as_u64().unwrap()))
        .collect()
}

#[tokio::test]
async fn the_same_refusal_is_written_once_a_minute_with_how_many_there_were() {
    let world = World::new().await;
    let party = world.party().await;
    let ask = |scope: &'static str| {
        let (world, party) = (&world, &party);
        async move { why(world.token(party, &[("grant_type", "client_credentials"), ("scope", scope)]).await) }
    };
    for _ in 0..5 {
        assert_eq!(ask("users:read").await, "invalid_scope");
    }
    assert_eq!(refusals(&world).await, [("invalid_scope".to_owned(), 0)]);
    world.pass(60_000);
    assert_eq!(ask("users:read").await, "invalid_scope");
    assert_eq!(refusals(&world).await.last(), Some(&("invalid_scope".to_owned(), 4)));
    // An installation that is not active leaves its trace too.
    world
        .change("ins_1", |one| one.state = InstallationState::Suspended { reason: "x".into(), by_platform: false })
        .await;
    assert_eq!(ask("kv:read").await, "unauthorized_client");
    assert_eq!(refusals(&world).await.last(), Some(&("unauthorized_client".to_owned(), 0)));
}
