//! Clients: one an installation, with a name of its own, and keys that are replaced without an outage.

use portcullis_broker::authz::{
    clients::{self, ClientError, Registration},
    jwk,
};
use portcullis_model::{
    audit::Kind,
    oauth::{Authentication, KeyState, OAuthStore as _},
    time::Clock as _,
};

use crate::world::{BACK, Keys, Party, World, installation, why};

const FORM: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("scope", "kv:read")];

async fn again(world: &World, party: &Party) -> Party {
    let (client, _) = world.store.client(&party.client.id).await.unwrap().unwrap();
    Party { client, key: Keys::new(1) }
}

async fn try_register(world: &World, id: &str, seed: u8) -> Result<portcullis_model::oauth::Client, ClientError> {
    let registration = Registration {
        authentication: Authentication::PrivateKeyJwt,
        keys: vec![jwk::read(&Keys::new(seed).jwk()).unwrap()],
        redirects: vec![BACK.into()],
        overlap_seconds: 60,
    };
    let entry = world.entry(Kind::ClientRegistered);
    let (store, who) =
        (world.store.as_ref(), (world.rng.as_ref() as &dyn portcullis_model::time::Rng, world.clock.now()));
    clients::register(store, &installation(id, "acme"), registration, who, entry).await
}

#[tokio::test]
async fn an_installation_has_one_client_at_a_time_and_no_name_comes_twice() {
    let world = World::new().await;
    let first = try_register(&world, "ins_1", 1).await.unwrap();
    assert_eq!(first.name, "com.example.guard in acme (1)");
    assert!(matches!(try_register(&world, "ins_1", 2).await, Err(ClientError::Exists(id)) if id == first.id));
    let entry = || world.entry(Kind::ClientRevoked);
    clients::revoke(world.store.as_ref(), first.clone(), world.clock.now(), "x", entry()).await.unwrap();
    let second = try_register(&world, "ins_1", 2).await.unwrap();
    assert_eq!(second.name, "com.example.guard in acme (1) #2");
    assert_ne!(second.id, first.id);
    // Installations of which the ids begin alike.
    world.install("ins_aaaaaaaa1", "acme", &[]).await;
    world.install("ins_aaaaaaaa2", "acme", &[]).await;
    let [one, other] = [("ins_aaaaaaaa1", 3), ("ins_aaaaaaaa2", 4)].map(|(id, seed)| try_register(&world, id, seed));
    assert_ne!(one.await.unwrap().name, other.await.unwrap().name);
}

#[tokio::test]
async fn a_key_is_one_clients_alone() {
    let world = World::new().await;
    world.install("ins_2", "acme", &[]).await;
    try_register(&world, "ins_1", 1).await.unwrap();
    assert!(matches!(try_register(&world, "ins_2", 1).await, Err(ClientError::Keys(_))));
}

#[tokio::test]
async fn two_registrations_at_once_give_one_client() {
    let world = World::new().await;
    let (a, b) = tokio::join!(try_register(&world, "ins_1", 1), try_register(&world, "ins_1", 2));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert_eq!(world.count(Kind::ClientRegistered).await, 1);
}

#[tokio::test]
async fn a_revoked_client_has_nothing_left() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    let entry = world.entry(Kind::ClientRevoked);
    clients::revoke(world.store.as_ref(), party.client.clone(), world.clock.now(), "theft", entry).await.unwrap();
    assert!(world.check(&token).await.is_err());
    assert_eq!(why(world.token(&party, &FORM).await), "invalid_client");
    assert!(clients::find(world.store.as_ref(), party.client.id.as_str()).await.is_err());
}

#[tokio::test]
async fn all_tokens_end_at_once_and_the_client_goes_on() {
    let world = World::new().await;
    let party = world.party().await;
    let token = world.credentials(&party, "kv:read").await.access;
    let code = world.code(&party, "kv:read").await;
    let family = world.redeem(&party, &code).await.unwrap();
    let waits = world.code(&party, "kv:read").await;
    let entry = world.entry(Kind::TokenRevoked);
    let now = world.clock.now();
    clients::end_tokens(world.store.as_ref(), party.client.clone(), now, "in a log", entry).await.unwrap();
    for token in [&token, &family.access] {
        assert!(world.check(token).await.is_err());
    }
    assert_eq!(why(world.refresh(&party, &family.refresh.unwrap()).await), "invalid_grant");
    assert_eq!(why(world.redeem(&party, &waits).await), "invalid_grant");
    world.pass(1);
    let token = world.credentials(&party, "kv:read").await.access;
    assert!(world.check(&token).await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_on_its_way_while_all_were_ended_has_ended_too() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "kv:read").await;
    let family = world.redeem(&party, &code).await.unwrap();
    let ended = world.clock.now();
    world.pass(1);
    // The refresh has read the client before the end is written, and writes after it.
    let late = world.refresh(&party, &family.refresh.unwrap()).await.unwrap();
    let (store, entry) = (world.store.as_ref(), world.entry(Kind::TokenRevoked));
    clients::end_tokens(store, party.client.clone(), ended, "in a log", entry).await.unwrap();
    assert!(world.check(&late.access).await.is_err());
    // What was granted since is good.
    let token = world.credentials(&party, "kv:read").await.access;
    assert!(world.check(&token).await.is_ok());
}

#[tokio::test]
async fn a_key_is_replaced_without_an_outage() {
    let world = World::new().await;
    let party = world.party().await;
    let next = Keys::new(2);
    let entry = || world.entry(Kind::ClientRotated);
    let read = jwk::read(&next.jwk()).unwrap();
    let now = world.clock.now();
    clients::rotate(world.store.as_ref(), party.client.clone(), read.clone(), now, entry()).await.unwrap();
    // A stale version of the client changes nothing.
    let third = jwk::read(&Keys::new(3).jwk()).unwrap();
    let stale = clients::rotate(world.store.as_ref(), party.client.clone(), third, now, entry()).await;
    assert!(matches!(stale, Err(ClientError::Changed)), "{stale:?}");
    assert!(world.token(&party, &FORM).await.is_ok(), "the old key, before the first use of the new one");
    let renewed = Party { client: party.client.clone(), key: next };
    assert!(world.token(&renewed, &FORM).await.is_ok());
    let states: Vec<KeyState> = again(&world, &party).await.client.keys.iter().map(|key| key.state).collect();
    let until = now.plus(std::time::Duration::from_secs(3_600));
    assert_eq!(states, [KeyState::Previous { until }, KeyState::Current]);
    assert!(world.token(&party, &FORM).await.is_ok(), "the old key, in the overlap");
    world.pass(3_600_000);
    assert_eq!(why(world.token(&party, &FORM).await), "invalid_client", "and after it");
    assert!(world.token(&renewed, &FORM).await.is_ok());
    assert_eq!(world.count(Kind::ClientRotated).await, 2);
}

#[tokio::test]
async fn a_stolen_key_is_taken_away_at_once() {
    let world = World::new().await;
    let party = world.party().await;
    let entry = || world.entry(Kind::ClientRotated);
    let store = world.store.as_ref();
    let only = party.client.keys[0].thumbprint.clone();
    assert!(matches!(clients::drop_key(store, party.client.clone(), &only, entry()).await, Err(ClientError::Keys(_))));
    let next = jwk::read(&Keys::new(2).jwk()).unwrap();
    let client = clients::rotate(store, party.client.clone(), next, world.clock.now(), entry()).await.unwrap();
    clients::drop_key(store, client, &only, entry()).await.unwrap();
    assert_eq!(why(world.token(&party, &FORM).await), "invalid_client");
    let renewed = Party { client: party.client.clone(), key: Keys::new(2) };
    assert!(world.token(&renewed, &FORM).await.is_ok());
}
