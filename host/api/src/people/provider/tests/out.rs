//! What it says is over.

use super::*;

impl Stage {
    /// The form that the provider sends when somebody signs out there of their session of this number.
    async fn signs_out(&self, who: &str, which: usize) -> String {
        let settings = json!({ "ca": self.ca, "port": self.port, "who": who, "which": which });
        let output = script("out.mjs", &settings, self.dir.path()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn told(&self, tenant: &str, media: &str, form: &str) -> (StatusCode, String) {
        let request = Request::builder().method("POST").uri(format!("/signin/provider/{tenant}/logout"));
        let mut request = request.header(header::CONTENT_TYPE, media).body(Body::from(form.to_owned())).unwrap();
        request.extensions_mut().insert(Client("192.0.2.9".parse().unwrap()));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
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
