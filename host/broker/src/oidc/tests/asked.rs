//! How often a provider is asked, whoever asks.

use super::*;

#[tokio::test]
async fn keys_that_cannot_be_read_are_not_asked_for_by_each_logout_token_that_somebody_makes_up() {
    let world = World::new().await;
    world.pages.set("/jwks", 500, "");
    let stranger = KeyPair::generate().unwrap();
    let claims = json!({
        "iss": ISSUER, "aud": world.party.client_id, "iat": NOW, "jti": "j1", "sub": "dana",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let brought = async |key: &KeyPair| world.oidc.logged_out(&world.party, &signed(key, &header(), &claims)).await;
    for _ in 0..5 {
        assert!(matches!(brought(&stranger).await, Err(OidcError::Unfit(_))));
    }
    assert_eq!(world.pages.asked("GET /jwks").len(), 1);
    // One that is back is believed some seconds later, and a failure after that takes nothing away that is fresh.
    let back = json!({ "keys": [jwk(&world.key, "k1")] });
    world.pages.set("/jwks", 200, back);
    assert!(brought(&world.key).await.is_err());
    world.clock.0.fetch_add(5_000, Ordering::Relaxed);
    assert!(brought(&world.key).await.is_ok());
    world.pages.set("/jwks", 500, "");
    world.clock.0.fetch_add(11_000, Ordering::Relaxed);
    let made_up = signed(&stranger, &json!({ "alg": "ES256", "kid": "k9" }), &claims);
    for _ in 0..5 {
        assert!(world.oidc.logged_out(&world.party, &made_up).await.is_err());
        assert!(brought(&world.key).await.is_ok(), "what was read goes on");
    }
    assert_eq!(world.pages.asked("GET /jwks").len(), 3);
}

#[tokio::test]
async fn one_question_serves_all_who_come_while_it_is_asked() {
    let world = World::new().await;
    let claims = json!({
        "iss": ISSUER, "aud": world.party.client_id, "iat": NOW, "jti": "j1", "sub": "dana",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let token = signed(&KeyPair::generate().unwrap(), &header(), &claims);
    let forged = || world.oidc.logged_out(&world.party, &token);
    let (a, b, c, d) = tokio::join!(forged(), forged(), forged(), forged());
    for outcome in [a, b, c, d] {
        assert!(matches!(outcome, Err(OidcError::Unproved(_))), "{outcome:?}");
    }
    assert_eq!((world.pages.asked("GET /.well-known").len(), world.pages.asked("GET /jwks").len()), (1, 1));
    // Nor do failures come one after the other.
    world.pages.set("/jwks", 500, "");
    world.clock.0.fetch_add(3_601_000, Ordering::Relaxed);
    let mut late = claims;
    late["iat"] = json!(NOW + 3_600);
    let token = signed(&world.key, &header(), &late);
    let late = || world.oidc.logged_out(&world.party, &token);
    let (a, b, c) = tokio::join!(late(), late(), late());
    assert!(a.is_err() && b.is_err() && c.is_err());
    assert_eq!(world.pages.asked("GET /jwks").len(), 2);
}

#[tokio::test]
async fn whoever_tries_a_provider_out_sees_what_has_changed_there_and_does_not_load_it() {
    let world = World::new().await;
    for _ in 0..5 {
        world.oidc.check(&world.party).await.unwrap();
    }
    assert_eq!(world.pages.asked("GET /.well-known").len(), 1);
    world.pages.set("/.well-known/openid-configuration", 500, "");
    assert!(world.oidc.check(&world.party).await.is_ok(), "not again so soon");
    world.clock.0.fetch_add(10_000, Ordering::Relaxed);
    for _ in 0..5 {
        assert!(matches!(world.oidc.check(&world.party).await, Err(OidcError::Unfit(_))));
    }
    assert_eq!(world.pages.asked("GET /.well-known").len(), 2, "a failure is remembered as well");
}
