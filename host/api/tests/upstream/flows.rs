//! Each flow, from start to end.

use portcullis_broker::issue::{Credential, IssueError, Issuer as _, Revoked};
use portcullis_model::secret::Secret;
use serde_json::json;

use crate::{
    consents::secret,
    stage::{MOCK, OIDC, Stage},
};

const SCOPES: [&str; 3] = ["openid", "offline_access", "read"];

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// Consents in the browser, renews, reuses an old refresh token, consents anew, revokes.
async fn whole(stage: &Stage, client: &str, more: &[(&str, &str)], proof: Option<Secret>) {
    let origin = stage.origin(client, more, &SCOPES);
    let seen = stage.browse(&stage.link(&origin, proof.clone()).await, "agree", json!({})).await;
    assert!(seen.body.contains("<h1 class=\"good\">Connected</h1>"), "{client}: {} {}", seen.trail, seen.body);
    assert!(seen.url.contains("/connect/outcome/con_"), "neither code nor state stays in the address: {}", seen.url);
    let (_, first) = stage.stored().unwrap();
    let (access, refresh) = (first.access.clone().unwrap(), first.refresh.clone().unwrap());
    for page in [&seen.body, &seen.trail, &stage.office.log()] {
        assert!(!page.contains(&text(&access)) && !page.contains(&text(&refresh)), "{client}: a token is shown");
    }
    assert!(stage.office.safe.held.lock().unwrap().is_empty());
    assert_eq!(first.client.as_ref().map(text), proof.as_ref().map(text), "the client's secret is kept for renewals");

    let issuer = &stage.office.upstream;
    let second = issuer.renew(&origin, &first).await.unwrap();
    assert_ne!(text(&second.access), text(&access));
    assert_eq!(second.lifetime.map(|lifetime| lifetime.as_secs()), Some(300));
    let rotated = second.refresh.clone().unwrap();
    assert_ne!(text(&rotated), text(&refresh), "refresh tokens rotate");
    let gone = issuer.renew(&origin, &first).await.unwrap_err();
    assert!(matches!(&gone, IssueError::GrantGone(why) if why.contains("invalid_grant")), "{gone:?}");
    assert!(!gone.to_string().contains(&text(&refresh)));

    // By a second consent, with the client's secret that is known already.
    let seen = stage.browse(&stage.link(&origin, None).await, "agree", json!({})).await;
    assert!(seen.body.contains("Connected"), "{client}: {} {}", seen.trail, seen.body);
    let (_, third) = stage.stored().unwrap();
    assert_eq!(issuer.revoke(&origin, &third).await, Ok(Revoked::Confirmed));
    assert!(matches!(issuer.renew(&origin, &third).await, Err(IssueError::GrantGone(_))), "{client}: revoked");
    assert_eq!(issuer.revoke(&origin, &third).await, Ok(Revoked::Confirmed), "what is gone is revoked");
}

#[tokio::test]
async fn oidc_provider_code_with_pkce_refresh_rotation_and_revocation_by_each_proof() {
    let stage = Stage::new(OIDC).await;
    let issuer = ("issuer", "https://id.example.test");
    whole(&stage, "browser-basic", &[issuer], Some(secret("basic-client-secret-0123456789"))).await;
    whole(&stage, "browser-post", &[issuer, ("client-auth", "post")], Some(secret("post-client-secret-0123456789ab")))
        .await;
    whole(&stage, "browser-public", &[issuer, ("client-auth", "none")], None).await;
    let by_key = [issuer, ("client-auth", "private-key-jwt"), ("key-id", "k1")];
    whole(&stage, "browser-key", &by_key, Some(stage.client_key.clone())).await;
}

#[tokio::test]
async fn oidc_provider_client_credentials_by_secret_and_by_key() {
    let stage = Stage::new(OIDC).await;
    let upstream = &stage.office.upstream;
    let with = |client: Secret| Credential { client: Some(client), ..Credential::default() };
    let by_secret = stage.service("service", &[], &["read"]);
    let proof = with(secret("service-client-secret-0123456789"));
    let issued = upstream.renew(&by_secret, &proof).await.unwrap();
    assert_eq!((issued.refresh.is_none(), issued.scopes), (true, Some(vec!["read".to_owned()])));
    let both = Credential { access: Some(issued.access), ..proof };
    assert_eq!(upstream.revoke(&by_secret, &both).await, Ok(Revoked::Confirmed));
    // For the token endpoint, and for the issuer, with and without the key's id.
    let by_key = ("client-auth", "private-key-jwt");
    for more in [&[by_key][..], &[by_key, ("key-id", "k1")], &[by_key, ("issuer", "https://id.example.test")]] {
        let origin = stage.service("service-key", more, &["read"]);
        assert!(upstream.renew(&origin, &with(stage.client_key.clone())).await.is_ok(), "{more:?}");
        let other = secret(&rcgen::KeyPair::generate().unwrap().serialize_pem());
        let refused = upstream.renew(&origin, &with(other)).await.unwrap_err();
        assert!(matches!(&refused, IssueError::Refused(why) if why.contains("invalid_client")), "{refused:?}");
    }
    let refused = upstream.renew(&by_secret, &with(secret("some-other-secret"))).await.unwrap_err();
    assert!(matches!(&refused, IssueError::Refused(why) if why.contains("invalid_client")), "{refused:?}");
    let scope = stage.service("service", &[], &["write"]);
    let refused = upstream.renew(&scope, &with(secret("service-client-secret-0123456789"))).await.unwrap_err();
    assert!(matches!(&refused, IssueError::Refused(why) if why.contains("invalid_scope")), "{refused:?}");
}

#[tokio::test]
async fn oidc_provider_a_person_who_denies_and_a_provider_of_another_name() {
    let stage = Stage::new(OIDC).await;
    let client = || Some(secret("basic-client-secret-0123456789"));
    let origin = stage.origin("browser-basic", &[("issuer", "https://id.example.test")], &SCOPES);
    let seen = stage.browse(&stage.link(&origin, client()).await, "deny", json!({})).await;
    assert!(seen.body.contains("Not connected: consent was refused"), "{} {}", seen.trail, seen.body);
    assert!(stage.stored().is_none());
    let other = stage.origin("browser-basic", &[("issuer", "https://other.example.test")], &SCOPES);
    let seen = stage.browse(&stage.link(&other, client()).await, "agree", json!({})).await;
    assert!(seen.body.contains("from another provider than was asked"), "{} {}", seen.trail, seen.body);
    assert!(stage.stored().is_none());
    // A name that is not known must lie where the browser was sent; this one does.
    let unnamed = stage.origin("browser-basic", &[], &SCOPES);
    let seen = stage.browse(&stage.link(&unnamed, client()).await, "agree", json!({})).await;
    assert!(seen.body.contains("Connected"), "{} {}", seen.trail, seen.body);
}

#[tokio::test]
async fn oidc_provider_a_credential_that_cannot_be_stored_is_revoked() {
    let stage = Stage::new(OIDC).await;
    let origin = stage.origin("browser-basic", &[], &SCOPES);
    let link = stage.link(&origin, Some(secret("basic-client-secret-0123456789"))).await;
    stage.office.safe.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let seen = stage.browse(&link, "agree", json!({})).await;
    assert!(
        seen.body.contains("could not be stored (the disk is full); it was revoked"),
        "{} {}",
        seen.trail,
        seen.body
    );
}

#[tokio::test]
async fn oauth2_mock_server_code_refresh_client_credentials_and_revocation() {
    let stage = Stage::new(MOCK).await;
    let client = secret("mock-client-secret");
    let origin = stage.origin("anybody", &[], &["read"]);
    let seen = stage.browse(&stage.link(&origin, Some(client.clone())).await, "agree", json!({})).await;
    assert!(seen.body.contains("Connected"), "{} {}", seen.trail, seen.body);
    let (_, credential) = stage.stored().unwrap();
    let upstream = &stage.office.upstream;
    let renewed = upstream.renew(&origin, &credential).await.unwrap();
    assert_eq!(renewed.lifetime.map(|lifetime| lifetime.as_secs()), Some(3_600));
    assert_eq!(upstream.revoke(&origin, &credential).await, Ok(Revoked::Confirmed));
    let service = stage.service("anybody", &[], &["read"]);
    let proof = Credential { client: Some(client), ..Credential::default() };
    assert!(upstream.renew(&service, &proof).await.unwrap().refresh.is_none());
}

#[tokio::test]
async fn a_provider_that_is_not_there_was_not_reached() {
    let stage = Stage::new(MOCK).await;
    let mut origin = stage.service("anybody", &[], &[]);
    origin.settings.insert("token-url".into(), "https://nobody.example.invalid/token".into());
    let proof = Credential { client: Some(secret("mock-client-secret")), ..Credential::default() };
    let error = stage.office.upstream.renew(&origin, &proof).await.unwrap_err();
    assert!(matches!(error, IssueError::NotReached { .. }), "{error:?}");
}
