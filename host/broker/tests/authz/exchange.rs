//! Token exchange: what comes out is never more than what went in.

use portcullis_broker::authz::{OAuthError, TokenAnswer};
use portcullis_model::{
    id::Digest,
    installation::InstallationState,
    oauth::{Authentication, Rejected},
    secret::Secret,
};
use serde_json::json;

use crate::world::{API, Party, World, scopes, text, why};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn exchange(world: &World, by: &Party, token: &Secret, more: &[(&str, &str)]) -> Result<TokenAnswer, OAuthError> {
    let token = text(token);
    let mut form = vec![("grant_type", GRANT), ("subject_token", token.as_str()), ("subject_token_type", ACCESS)];
    for (name, value) in more {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    world.token(by, &form).await
}

async fn second(world: &World, tenant: &str, may: &[&str]) -> Party {
    world.install("ins_2", tenant, may).await;
    world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await
}

#[tokio::test]
async fn a_client_narrows_its_own_token() {
    let world = World::new().await;
    let party = world.party().await;
    let wide = world.credentials(&party, "kv:read tickets:read").await;
    world.pass(100_000);
    let details = r#"[{"type":"portcullis_scope","scope":"tickets:read fields=subject"}]"#;
    let narrow = exchange(&world, &party, &wide.access, &[("authorization_details", details)]).await.unwrap();
    assert_eq!(narrow.scopes, scopes(&["tickets:read fields=subject"]));
    assert_eq!(narrow.expires_in, 200, "no longer than the token that it comes from");
    assert_eq!(narrow.to_json()["issued_token_type"], ACCESS);
    let bearer = world.check(&narrow.access).await.unwrap();
    assert_eq!((bearer.scopes, bearer.actors), (narrow.scopes.clone(), vec![]));
    // It cannot be widened again.
    let wider = exchange(&world, &party, &narrow.access, &[("scope", "kv:read")]).await;
    assert_eq!(why(wider), "invalid_scope");
    let same = exchange(&world, &party, &narrow.access, &[]).await.unwrap();
    assert_eq!(same.scopes, narrow.scopes);
}

#[tokio::test]
async fn another_client_gets_what_both_may_and_is_named_as_the_actor() {
    let world = World::new().await;
    let party = world.party().await;
    let other = second(&world, "acme", &["tickets:read fields=subject,secret", "users:read"]).await;
    world.install("ins_3", "acme", &["tickets:read"]).await;
    let third = world.register("ins_3", 3, Authentication::PrivateKeyJwt, false).await;
    let wide = world.credentials(&party, "kv:read tickets:read").await;
    let handed = exchange(&world, &other, &wide.access, &[]).await.unwrap();
    assert_eq!(handed.scopes, scopes(&["tickets:read fields=subject"]), "of both");
    let bearer = world.check(&handed.access).await.unwrap();
    assert_eq!((bearer.client.clone(), bearer.installation.as_str()), (other.client.id.clone(), "ins_2"));
    let [a, b, c] = [&party, &other, &third].map(|one| one.client.id.to_string());
    assert_eq!(bearer.actors, [b.clone(), a.clone()]);
    let on = exchange(&world, &third, &handed.access, &[]).await.unwrap();
    assert_eq!(world.check(&on.access).await.unwrap().actors, [c.clone(), b.clone(), a.clone()]);
    let seen = world.server.introspect(&world.request(&third, &[("token", &text(&on.access))])).await.unwrap();
    assert_eq!((&seen["sub"], &seen["act"]), (&json!(a), &json!({ "sub": c, "act": { "sub": b } })));
}

#[tokio::test]
async fn what_was_narrowed_ends_with_what_it_comes_from() {
    let world = World::new().await;
    let party = world.party().await;
    let other = second(&world, "acme", &["kv:read"]).await;
    let wide = world.credentials(&party, "kv:read").await;
    let handed = exchange(&world, &other, &wide.access, &[]).await.unwrap();
    let twice = exchange(&world, &other, &handed.access, &[]).await.unwrap();
    assert!(world.check(&twice.access).await.is_ok());
    world.server.revoke(&world.request(&party, &[("token", &text(&wide.access))])).await.unwrap();
    for token in [&handed.access, &twice.access] {
        assert!(world.check(token).await.is_err());
    }
    assert_eq!(why(exchange(&world, &other, &handed.access, &[]).await), "invalid_request");
}

#[tokio::test]
async fn what_was_narrowed_ends_with_the_client_that_it_comes_from() {
    let world = World::new().await;
    let party = world.party().await;
    let other = second(&world, "acme", &["kv:read"]).await;
    let wide = world.credentials(&party, "kv:read").await;
    let handed = exchange(&world, &other, &wide.access, &[]).await.unwrap();
    let entry = world.entry(portcullis_model::audit::Kind::ClientRevoked);
    let now = portcullis_model::time::Clock::now(world.clock.as_ref());
    let store = world.store.as_ref();
    portcullis_broker::authz::clients::revoke(store, party.client.clone(), now, "theft", entry).await.unwrap();
    assert!(world.check(&handed.access).await.is_err());
}

#[tokio::test]
async fn what_was_narrowed_ends_with_the_installation_that_it_comes_from() {
    let world = World::new().await;
    let party = world.party().await;
    let other = second(&world, "acme", &["kv:read"]).await;
    let wide = world.credentials(&party, "kv:read").await;
    let handed = exchange(&world, &other, &wide.access, &[]).await.unwrap();
    let twice = exchange(&world, &other, &handed.access, &[]).await.unwrap();
    let all = [&handed.access, &twice.access];
    world
        .change("ins_1", |one| one.state = InstallationState::Suspended { reason: "x".into(), by_platform: false })
        .await;
    for token in all {
        assert!(matches!(world.check(token).await, Err(Rejected::Over(why)) if why.contains("not active")));
    }
    world.change("ins_1", |one| one.state = InstallationState::Active).await;
    assert!(world.check(&twice.access).await.is_ok());
    world.change("ins_1", |one| one.release = Digest::of(b"another component")).await;
    for token in all {
        assert!(matches!(world.check(token).await, Err(Rejected::Over(why)) if why.contains("another release")));
    }
}

#[tokio::test]
async fn no_token_crosses_from_tenant_to_tenant() {
    let world = World::new().await;
    let party = world.party().await;
    let other = second(&world, "globex", &["kv:read"]).await;
    let wide = world.credentials(&party, "kv:read").await;
    assert_eq!(why(exchange(&world, &other, &wide.access, &[]).await), "invalid_request");
}

#[tokio::test]
async fn what_is_asked_in_another_way_is_refused() {
    let world = World::new().await;
    let party = world.party().await;
    let wide = world.credentials(&party, "kv:read").await;
    for (change, code) in [
        (("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"), "invalid_request"),
        (("subject_token", "pct_x"), "invalid_request"),
        (("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request"),
        (("actor_token", "x"), "invalid_request"),
        (("audience", API), "invalid_target"),
        (("resource", "https://other.example/api"), "invalid_target"),
        (("scope", "users:read"), "invalid_scope"),
    ] {
        assert_eq!(why(exchange(&world, &party, &wide.access, &[change]).await), code, "{change:?}");
    }
    world.pass(300_000);
    assert_eq!(why(exchange(&world, &party, &wide.access, &[]).await), "invalid_request", "over");
}

#[tokio::test]
async fn a_chain_has_an_end() {
    let world = World::new().await;
    let party = world.party().await;
    let mut token = world.credentials(&party, "kv:read").await.access;
    let mut depth = 0;
    while let Ok(next) = exchange(&world, &party, &token, &[]).await {
        token = next.access;
        depth += 1;
        assert!(depth < 10);
    }
    assert_eq!(depth, 4);
    assert!(world.check(&token).await.is_ok());
}
