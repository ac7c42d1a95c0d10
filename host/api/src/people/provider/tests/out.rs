//! What it says is over.

use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::*;
use crate::peers::Known;

impl Stage {
    /// The form that the provider sends when somebody signs out there of their session of this number.
    async fn signs_out(&self, who: &str, which: usize) -> String {
        let settings = json!({ "ca": self.ca, "port": self.port, "who": who, "which": which });
        let output = script("out.mjs", &settings, self.dir.path()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn brings(&self, tenant: &str, media: &str, form: &str) -> Response {
        let request = Request::builder().method("POST").uri(format!("/signin/provider/{tenant}/logout"));
        let mut request = request.header(header::CONTENT_TYPE, media).body(Body::from(form.to_owned())).unwrap();
        request.extensions_mut().insert(Client("192.0.2.9".parse().unwrap()));
        self.app.clone().oneshot(request).await.unwrap()
    }

    async fn told(&self, tenant: &str, media: &str, form: &str) -> (StatusCode, String) {
        let (head, body) = self.brings(tenant, media, form).await.into_parts();
        assert_eq!(head.headers[header::CACHE_CONTROL], "no-store");
        (head.status, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn who_signs_out_there_is_signed_out_here_of_that_session_and_by_nobody_else() {
    let stage = Stage::new().await;
    assert_eq!(stage.joins("dana@acme.example", dana()).await.status, StatusCode::SEE_OTHER);
    let (one, two) = (stage.signs_in(dana()).await.cookies(), stage.signs_in(dana()).await.cookies());
    let is_in = async |cookies: &[String]| stage.session(cookies).await.status == StatusCode::OK;
    assert!(is_in(&one).await && is_in(&two).await);
    // The first of them is the one that joined.
    let form = stage.signs_out("dana", 1).await;
    assert!(form.starts_with("logout_token="), "{form}");
    let refused = (StatusCode::BAD_REQUEST, stage.told("nobody", FORM, &form).await.1);
    // A letter of what is signed.
    let at = form.find('.').unwrap() + 30;
    let letter = if &form[at..=at] == "A" { "B" } else { "A" };
    let changed = format!("{}{letter}{}", &form[..at], &form[at + 1..]);
    for (tenant, media, form) in [
        ("nobody", FORM, form.as_str()),
        ("A B", FORM, form.as_str()),
        ("acme", "application/json", form.as_str()),
        ("acme", FORM, ""),
        ("acme", FORM, "logout_token=x.y.z"),
        ("acme", FORM, changed.as_str()),
        ("acme", FORM, &format!("{form}&{form}")),
    ] {
        let path = tenant.replace(' ', "%20");
        assert_eq!(stage.told(&path, media, form).await, refused, "{tenant} {media} {form}");
    }
    assert!(is_in(&one).await, "nothing of that ended anything");
    assert_eq!(stage.told("acme", FORM, &form).await, (StatusCode::OK, String::new()));
    assert!(!is_in(&one).await && is_in(&two).await, "that session, and no other");
    assert_eq!(stage.told("acme", FORM, &form).await, refused, "once");
    let late = stage.signs_out("dana", 2).await;
    stage.clock.0.fetch_add(10 * 60_000, Ordering::Relaxed);
    assert_eq!(stage.told("acme", FORM, &late).await, refused, "too late");
    assert!(is_in(&two).await);
}

#[tokio::test]
async fn a_word_that_cannot_be_checked_counts_against_whoever_brings_it() {
    let stage = Stage::new().await;
    let issuer = "https://nobody.invalid";
    stage.set(|provider| provider.issuer = issuer.into()).await;
    let claims = json!({
        "iss": issuer, "aud": "basic", "iat": stage.clock.now().0 / 1_000, "jti": "j1", "sub": "dana",
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    let part = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = part(json!({ "alg": "ES256", "kid": "k1" }).to_string());
    let form = format!("logout_token={header}.{}.{}", part(claims.to_string()), part("x".repeat(64)));
    let answer = stage.brings("acme", FORM, &form).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "the provider may say it again");
    assert_eq!(answer.extensions().get::<Known>(), Some(&Known::Refused("logout")));
}
