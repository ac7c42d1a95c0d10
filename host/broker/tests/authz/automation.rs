//! Automation at the token endpoint.

use std::net::IpAddr;

use portcullis_broker::authz::{Request, automation, jwk};
use portcullis_model::{
    audit::{Actor, Kind},
    id::ClientId,
    oauth::{ClientKey, KeyState, Put},
    people::{Automation, AutomationChange, AutomationStore as _},
    time::{Clock as _, Timestamp},
};
use serde_json::{Value, json};

use crate::world::{ISSUER, Keys, TOKEN, World, changed, params};

const JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const NEAR: &str = "192.0.2.7";

fn near() -> Option<IpAddr> {
    Some(NEAR.parse().unwrap())
}

async fn put(world: &World, change: impl FnOnce(&mut Automation)) -> Automation {
    let now = world.clock.now();
    let key = jwk::read(&Keys::new(7).jwk()).unwrap();
    let mut row = Automation {
        id: "aut_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        name: "nightly".into(),
        role: "auditor".parse().unwrap(),
        privileged: false,
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        keys: vec![ClientKey { thumbprint: jwk::thumbprint(&key), key, since: now, state: KeyState::Current }],
        by: Actor::Host,
        since: now,
        until: Timestamp(now.0 + 86_400_000),
        ended: None,
        version: 1,
    };
    change(&mut row);
    let expected = (row.version > 1).then(|| row.version - 1);
    let put = Some(Put { row: row.clone(), expected });
    assert!(world.store.change_automation(AutomationChange { row: put, ..Default::default() }).await.unwrap());
    row
}

fn claims(world: &World, jti: &str) -> Value {
    let now = world.seconds();
    json!({ "iss": "aut_1", "sub": "aut_1", "aud": TOKEN, "jti": jti, "iat": now, "exp": now + 60 })
}

fn asks(assertion: &str, more: &[(&str, &str)]) -> Request {
    let mut form = vec![("client_assertion_type", JWT), ("client_assertion", assertion)];
    form.extend(more);
    if !form.iter().any(|(name, _)| *name == "grant_type") {
        form.push(("grant_type", "client_credentials"));
    }
    Request { params: params(&form), endpoint: "token", ..Request::default() }
}

fn signed(claims: &Value) -> String {
    Keys::new(7).sign(&json!({ "alg": "EdDSA" }), claims)
}

async fn given(world: &World, request: &Request, from: Option<IpAddr>) -> Result<Value, &'static str> {
    assert!(world.server.is_by_automation(request));
    world.server.automation_token(request, from).await.map_err(|error| error.reason())
}

#[tokio::test]
async fn it_gets_a_token_of_ten_minutes_which_is_kept_by_its_digest_and_on_record() {
    let world = World::new().await;
    put(&world, |_| ()).await;
    let answer = given(&world, &asks(&signed(&claims(&world, "1")), &[]), near()).await.unwrap();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(600)));
    let text = answer["access_token"].as_str().unwrap();
    assert!(automation::is_named(text.as_bytes()));
    let digest = automation::digest(text.as_bytes()).unwrap();
    let stored = world.store.automation_token(&digest).await.unwrap().unwrap();
    assert_eq!((stored.client.as_str(), stored.expires.0), ("aut_1", world.clock.now().0 + 600_000));
    assert_eq!(world.count(Kind::TokenIssued).await, 1);
    let entries = world.store.entries(0, 100).await.unwrap();
    assert!(entries.iter().all(|entry| !format!("{entry:?}").contains(text)));
    world.pass(600_000);
    assert_eq!(world.store.sweep_automation(world.clock.now()).await.unwrap(), 1);
    assert!(world.store.automation_token(&digest).await.unwrap().is_none());
}

#[tokio::test]
async fn what_does_not_prove_it_gets_nothing_and_learns_nothing() {
    let world = World::new().await;
    put(&world, |_| ()).await;
    let good = |jti: &str| signed(&claims(&world, jti));
    let used = good("once");
    assert!(given(&world, &asks(&used, &[]), near()).await.is_ok());
    assert_eq!(given(&world, &asks(&used, &[]), near()).await, Err("replayed-assertion"));
    let late = good("late");
    let other = Keys::new(9).sign(&json!({ "alg": "EdDSA" }), &claims(&world, "2"));
    assert_eq!(given(&world, &asks(&other, &[]), near()).await, Err("unknown-key"));
    assert_eq!(given(&world, &asks(&good("3"), &[]), Some("203.0.113.7".parse().unwrap())).await, Err("address"));
    assert_eq!(given(&world, &asks(&good("4"), &[]), None).await, Err("address"));
    let nobody = signed(&changed(claims(&world, "5"), json!({ "iss": "aut_2", "sub": "aut_2" })));
    assert_eq!(given(&world, &asks(&nobody, &[]), near()).await, Err("unknown-client"));
    for (changes, what) in [
        (json!({ "aud": "https://other.example" }), "audience"),
        (json!({ "aud": [TOKEN, ISSUER] }), "audiences"),
        (json!({ "iss": "aut_2" }), "issuer"),
        (json!({ "exp": world.seconds() - 31 }), "over"),
        (json!({ "exp": world.seconds() + 1_000 }), "too long"),
        (json!({ "jti": null }), "no jti"),
    ] {
        let text = signed(&changed(claims(&world, "6"), changes));
        assert_eq!(given(&world, &asks(&text, &[]), near()).await, Err("wrong-assertion"), "{what}");
    }
    let secret = [("client_secret", "hunter2hunter2")];
    assert_eq!(given(&world, &asks(&good("7"), &secret), near()).await, Err("password"));
    for grant in ["authorization_code", "refresh_token"] {
        let asked = given(&world, &asks(&good(grant), &[("grant_type", grant)]), near()).await;
        assert_eq!(asked, Err("unsupported_grant_type"), "{grant}");
    }
    assert_eq!(given(&world, &asks(&good("8"), &[("scope", "people.invite")]), near()).await, Err("invalid_scope"));
    // To whoever asks these are one.
    let said =
        async |request: &Request, from| world.server.automation_token(request, from).await.unwrap_err().to_string();
    let far = said(&asks(&good("9"), &[]), Some("203.0.113.7".parse().unwrap())).await;
    assert_eq!(far, said(&asks(&other, &[]), near()).await);
    assert_eq!(far, said(&asks(&nobody, &[]), near()).await);
    world.pass(86_400_000);
    assert!(given(&world, &asks(&late, &[]), near()).await.is_err());
}

#[tokio::test]
async fn one_that_is_over_or_was_taken_away_gets_nothing() {
    for over in [true, false] {
        let world = World::new().await;
        let row = put(&world, |_| ()).await;
        let now = world.clock.now();
        put(&world, |one| {
            one.version = row.version + 1;
            if over { one.until = now } else { one.ended = Some(now) }
        })
        .await;
        assert_eq!(given(&world, &asks(&signed(&claims(&world, "1")), &[]), near()).await, Err("unknown-client"));
    }
}

#[tokio::test]
async fn a_plugins_client_is_not_taken_for_it_nor_the_other_way_round() {
    let world = World::new().await;
    let party = world.party().await;
    let request = world.request(&party, &[("grant_type", "client_credentials"), ("scope", "kv:read")]);
    assert!(!world.server.is_by_automation(&request));
    put(&world, |_| ()).await;
    let request = asks(&signed(&claims(&world, "1")), &[]);
    assert!(world.server.token(&request).await.is_err());
    assert!(!ClientId::random(world.rng.as_ref()).as_str().starts_with("aut_"));
    assert!(Automation::is_named(Automation::fresh_id(world.rng.as_ref()).as_str()));
}
