//! Refresh tokens: the immediate predecessor may be retried once, by the same client, within 10 seconds, and gets the same successor.
//! Anything else that was used before ends the family.

use portcullis_broker::authz::{clients, jwk};
use portcullis_model::{audit::Kind, oauth::Authentication, secret::Secret, time::Clock as _};

use crate::world::{Keys, Party, World, text, why};

/// A family whose first refresh token is given.
async fn family(world: &World, party: &Party) -> Secret {
    let code = world.code(party, "tickets:read").await;
    world.redeem(party, &code).await.unwrap().refresh.unwrap()
}

/// `n` rotations; all tokens of the family, the first one first.
async fn rotated(world: &World, party: &Party, n: usize) -> Vec<Secret> {
    let mut all = vec![family(world, party).await];
    for _ in 0..n {
        // Apart in time, so that no retry is meant.
        world.pass(60_000);
        let next = world.refresh(party, &all[all.len() - 1]).await.unwrap();
        all.push(next.refresh.unwrap());
    }
    all
}

async fn is_over(world: &World, party: &Party, tokens: &[Secret]) {
    for token in tokens {
        assert_eq!(why(world.refresh(party, token).await), "invalid_grant");
    }
    assert_eq!(world.count(Kind::RefreshReused).await, 1, "told once");
}

#[tokio::test]
async fn each_use_gives_another_token() {
    let world = World::new().await;
    let party = world.party().await;
    let all = rotated(&world, &party, 4).await;
    let mut texts: Vec<String> = all.iter().map(text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 5);
    assert!(texts.iter().all(|one| one.starts_with("pcr_")));
    assert_eq!(world.count(Kind::RefreshReused).await, 0);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_once() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let answer = world.refresh(&party, &first).await.unwrap();
    world.pass(10_000);
    let again = world.refresh(&party, &first).await.unwrap();
    assert_eq!(text(&again.refresh.clone().unwrap()), text(&answer.refresh.unwrap()), "the same successor");
    assert_ne!(text(&again.access), text(&answer.access));
    // The successor works, and the family goes on.
    let next = world.refresh(&party, &again.refresh.unwrap()).await.unwrap();
    assert!(world.check(&next.access).await.is_ok());
    assert_eq!(world.count(Kind::RefreshReused).await, 0);
}

#[tokio::test]
async fn where_the_servers_key_was_lost_a_retry_gives_nothing_and_ends_nothing() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    std::fs::remove_file(world.dir().join("oauth.key")).unwrap();
    let world = world.restarted();
    for _ in 0..2 {
        assert_eq!(why(world.refresh(&party, &first).await), "invalid_grant");
    }
    let third = world.refresh(&party, &second).await.unwrap().refresh.unwrap();
    assert_eq!(text(&world.refresh(&party, &second).await.unwrap().refresh.unwrap()), text(&third));
    assert_eq!(world.count(Kind::RefreshReused).await, 0);
}

#[tokio::test]
async fn a_second_retry_ends_the_family() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let second = world.refresh(&party, &first).await.unwrap();
    let retried = world.refresh(&party, &first).await.unwrap();
    assert_eq!(why(world.refresh(&party, &first).await), "invalid_grant");
    is_over(&world, &party, &[second.refresh.unwrap()]).await;
    for access in [second.access, retried.access] {
        assert!(world.check(&access).await.is_err(), "its access tokens have ended too");
    }
}

#[tokio::test]
async fn a_retry_after_ten_seconds_ends_the_family() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    world.pass(10_001);
    assert_eq!(why(world.refresh(&party, &first).await), "invalid_grant");
    is_over(&world, &party, &[second]).await;
}

#[tokio::test]
async fn a_clock_that_went_back_does_not_make_the_time_longer() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    world.pass(-1);
    assert_eq!(why(world.refresh(&party, &first).await), "invalid_grant");
    is_over(&world, &party, &[second]).await;
}

#[tokio::test]
async fn a_predecessor_whose_successor_was_used_is_old() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    // All within the ten seconds.
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    let third = world.refresh(&party, &second).await.unwrap().refresh.unwrap();
    assert_eq!(why(world.refresh(&party, &first).await), "invalid_grant");
    is_over(&world, &party, &[third, second]).await;
}

#[tokio::test]
async fn every_older_generation_ends_the_family() {
    for (rotations, back) in [(2, 2), (3, 2), (3, 3), (5, 2), (5, 4), (5, 5)] {
        let world = World::new().await;
        let party = world.party().await;
        let all = rotated(&world, &party, rotations).await;
        let old = &all[rotations - back];
        assert_eq!(why(world.refresh(&party, old).await), "invalid_grant", "{back} back of {rotations}");
        is_over(&world, &party, &all).await;
    }
}

#[tokio::test]
async fn a_predecessor_is_retried_once_in_each_generation() {
    let world = World::new().await;
    let party = world.party().await;
    let mut present = family(&world, &party).await;
    for _ in 0..4 {
        let next = world.refresh(&party, &present).await.unwrap().refresh.unwrap();
        let again = world.refresh(&party, &present).await.unwrap().refresh.unwrap();
        assert_eq!(text(&next), text(&again));
        present = next;
    }
    assert_eq!(world.count(Kind::RefreshReused).await, 0);
}

#[tokio::test]
async fn another_client_ends_the_family_even_with_the_present_token() {
    let world = World::new().await;
    world.install("ins_2", "globex", &["tickets:read"]).await;
    let party = world.party().await;
    let other = world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await;
    let first = family(&world, &party).await;
    assert_eq!(why(world.refresh(&other, &first).await), "invalid_grant");
    is_over(&world, &party, &[first]).await;
    let told = world.store.entries(0, 1_000).await.unwrap();
    let told = told.iter().map(|one| serde_json::from_slice::<portcullis_model::audit::Entry>(&one.body).unwrap());
    let told = told.rev().find(|one| one.kind == Kind::RefreshReused).unwrap();
    assert_eq!(told.tenant.as_ref().map(|tenant| tenant.as_str()), Some("acme"), "whose grant it was");
    assert_eq!(told.resource.as_deref(), Some("installation:ins_1"));
}

#[tokio::test]
async fn another_client_cannot_retry() {
    let world = World::new().await;
    world.install("ins_2", "acme", &["tickets:read"]).await;
    let party = world.party().await;
    let other = world.register("ins_2", 2, Authentication::PrivateKeyJwt, false).await;
    let first = family(&world, &party).await;
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    assert_eq!(why(world.refresh(&other, &first).await), "invalid_grant");
    is_over(&world, &party, &[second]).await;
}

#[tokio::test]
async fn a_public_clients_token_with_another_key_ends_the_family() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, true).await;
    let first = family(&world, &party).await;
    let thief = Party { client: party.client.clone(), key: Keys::new(9) };
    assert_eq!(why(world.refresh(&thief, &first).await), "invalid_grant");
    is_over(&world, &party, &[first]).await;
}

#[tokio::test]
async fn a_family_outlives_the_rotation_of_its_clients_registered_keys() {
    let world = World::new().await;
    let party = world.register("ins_1", 1, Authentication::Dpop, false).await;
    let first = family(&world, &party).await;
    let next = jwk::read(&Keys::new(2).jwk()).unwrap();
    let entry = world.entry(Kind::ClientRotated);
    clients::rotate(world.store.as_ref(), party.client.clone(), next, world.clock.now(), entry).await.unwrap();
    let renewed = Party { client: party.client.clone(), key: Keys::new(2) };
    let second = world.refresh(&renewed, &first).await.unwrap();
    // The answer was lost, and another of its processes still has the old key.
    let again = world.refresh(&party, &first).await.unwrap();
    assert_eq!(text(&again.refresh.unwrap()), text(&second.refresh.clone().unwrap()));
    world.pass(3_600_000);
    assert!(world.refresh(&renewed, &second.refresh.unwrap()).await.is_ok());
    assert_eq!(world.count(Kind::RefreshReused).await, 0);
}

#[tokio::test]
async fn who_does_not_prove_itself_ends_nothing() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    let thief = Party { client: party.client.clone(), key: Keys::new(9) };
    assert_eq!(why(world.refresh(&thief, &first).await), "invalid_client");
    assert!(world.refresh(&party, &first).await.is_ok());
}

#[tokio::test]
async fn two_at_once_get_the_same_successor_and_three_end_the_family() {
    for at_once in [2usize, 3, 8] {
        let world = std::sync::Arc::new(World::new().await);
        let party = std::sync::Arc::new(world.party().await);
        let first = family(&world, &party).await;
        let tasks: Vec<_> = (0..at_once)
            .map(|_| {
                let (world, party, first) = (world.clone(), party.clone(), first.clone());
                tokio::spawn(async move { world.refresh(&party, &first).await })
            })
            .collect();
        let mut given = Vec::new();
        for task in tasks {
            given.extend(task.await.unwrap().ok().map(|answer| answer.refresh.unwrap()));
        }
        assert_eq!(given.len(), 2, "of {at_once}");
        assert_eq!(text(&given[0]), text(&given[1]));
        let goes_on = world.refresh(&party, &given[0]).await.is_ok();
        assert_eq!(goes_on, at_once == 2);
        assert_eq!(world.count(Kind::RefreshReused).await, usize::from(at_once > 2));
    }
}

#[tokio::test]
async fn a_family_ends_with_its_time_its_client_and_its_installation() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    world
        .change("ins_1", |one| {
            one.state =
                portcullis_model::installation::InstallationState::Suspended { reason: "x".into(), by_platform: false };
        })
        .await;
    assert_eq!(why(world.refresh(&party, &first).await), "unauthorized_client");
    world.change("ins_1", |one| one.state = portcullis_model::installation::InstallationState::Active).await;
    let second = world.refresh(&party, &first).await.unwrap().refresh.unwrap();
    world.pass(30 * 86_400_000);
    assert_eq!(why(world.refresh(&party, &second).await), "invalid_grant");
}

#[tokio::test]
async fn what_was_taken_away_is_not_in_the_next_token() {
    let world = World::new().await;
    let party = world.party().await;
    let first = family(&world, &party).await;
    world.grant("ins_1", &["tickets:read fields=subject", "users:read"]);
    let answer = world.refresh(&party, &first).await.unwrap();
    assert_eq!(answer.scopes, crate::world::scopes(&["tickets:read fields=subject"]));
    world.grant("ins_1", &["users:read"]);
    assert_eq!(why(world.refresh(&party, &answer.refresh.unwrap()).await), "invalid_scope");
}

#[tokio::test]
async fn nothing_that_is_stored_is_a_token() {
    let world = World::new().await;
    let party = world.party().await;
    let code = world.code(&party, "tickets:read").await;
    let answer = world.redeem(&party, &code).await.unwrap();
    let first = answer.refresh.clone().unwrap();
    let next = world.refresh(&party, &first).await.unwrap();
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(world.dir()).unwrap() {
        kept.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |needle: &[u8]| kept.windows(needle.len()).any(|part| part == needle);
    assert!(holds(b"grt_"), "that is where it would be");
    let secrets = [&first, &next.refresh.unwrap(), &answer.access, &next.access, &Secret::new(code.into_bytes())];
    for secret in secrets {
        // Prefix and checksum aside.
        assert!(!holds(&secret.expose()[4..47]), "a token lies in the store");
    }
}
