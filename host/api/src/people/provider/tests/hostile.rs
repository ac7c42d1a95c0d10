//! What others do to them.

use super::*;

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_within_its_time() {
    let stage = Stage::new().await;
    assert_eq!(stage.joins("dana@acme.example", dana()).await.status, StatusCode::SEE_OTHER);
    // Login CSRF: a stranger's answer, brought to somebody else's browser; with a flow of its own under way, and without.
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    not_let_in(&stage.ask(&back, None, &[], None).await);
    not_let_in(&stage.ask(&back, None, &cookies, None).await);
    let (url, _) = stage.begin().await;
    let (_, others) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    not_let_in(&stage.ask(&back, None, &others, None).await);
    // Replay.
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    assert_eq!(stage.ask(&back, None, &cookies, None).await.status, StatusCode::SEE_OTHER);
    not_let_in(&stage.ask(&back, None, &cookies, None).await);
    // A code that was used, or is somebody else's, under a fresh state: the provider sees another verifier.
    let (url, cookies) = stage.begin().await;
    let fresh = with(&back, "state", Some(&query(&url)["state"]));
    not_let_in(&stage.ask(&fresh, None, &cookies, None).await);
    let stolen = {
        let (url, _) = stage.begin().await;
        stage.there(&url, dana()).await
    };
    let (url, cookies) = stage.begin().await;
    not_let_in(&stage.ask(&with(&stolen, "state", Some(&query(&url)["state"])), None, &cookies, None).await);
    // Without a state, with a made-up one, with two.
    for state in [None, Some("made-up")] {
        let (url, cookies) = stage.begin().await;
        let back = stage.there(&url, dana()).await;
        not_let_in(&stage.ask(&with(&back, "state", state), None, &cookies, None).await);
    }
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    not_let_in(&stage.ask(&format!("{back}&code=x"), None, &cookies, None).await);
    // Too late.
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    stage.clock.0.fetch_add(10 * 60_000, Ordering::Relaxed);
    not_let_in(&stage.ask(&back, None, &cookies, None).await);
}

#[tokio::test]
async fn what_one_provider_sends_for_another_is_refused() {
    let stage = Stage::new().await;
    assert_eq!(stage.joins("dana@acme.example", dana()).await.status, StatusCode::SEE_OTHER);
    for iss in [Some("https://evil.example"), Some("https://id.example.test/"), None] {
        let (url, cookies) = stage.begin().await;
        let back = stage.there(&url, dana()).await;
        not_let_in(&stage.ask(&with(&back, "iss", iss), None, &cookies, None).await);
    }
    // At the address of another tenant.
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    not_let_in(&stage.ask(&back.replace("/acme/", "/other/"), None, &cookies, None).await);
    // Its tenant took another one while somebody was there.
    let (url, cookies) = stage.begin().await;
    let back = stage.there(&url, dana()).await;
    stage.set(|provider| provider.issuer = "https://other.example.test".into()).await;
    not_let_in(&stage.ask(&back, None, &cookies, None).await);
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_and_nothing_of_a_request_is_shown() {
    let stage = Stage::new().await;
    assert_eq!(stage.joins("dana@acme.example", dana()).await.status, StatusCode::SEE_OTHER);
    let (url, cookies) = stage.begin().await;
    let back =
        format!("{}&next=https://evil.example&redirect_uri=https://evil.example", stage.there(&url, dana()).await);
    let answer = stage.ask(&back, None, &cookies, None).await;
    assert_eq!(answer.headers[header::LOCATION], "/console");
    let extra = json!({ "tenant": "acme", "next": "https://evil.example" });
    assert_eq!(stage.ask("/signin/provider/begin", Some(extra), &[], None).await.status, StatusCode::BAD_REQUEST);
    let (url, cookies) = stage.begin().await;
    let denied = stage.there(&url, There { deny: "yes", ..dana() }).await;
    assert!(denied.contains("script"), "the provider's words: {denied}");
    let answer = stage.ask(&denied, None, &cookies, None).await;
    not_let_in(&answer);
    assert!(!answer.text.contains("script") && !answer.text.contains("access_denied"), "{}", answer.text);
    assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
    assert!(answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    // Whether there is such a tenant is not said.
    let [known, unknown, wrong] = ["other", "nobody", "A B"].map(|tenant| json!({ "tenant": tenant }));
    let mut said = Vec::new();
    for body in [known, unknown, wrong] {
        let answer = stage.ask("/signin/provider/begin", Some(body), &[], None).await;
        said.push((answer.status, answer.text));
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
}

#[tokio::test]
async fn the_verifier_and_the_nonce_are_this_sign_ins_own() {
    let stage = Stage::new().await;
    let (first, second) = (query(&stage.begin().await.0), query(&stage.begin().await.0));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(first[name], second[name], "{name}");
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&first[name]).unwrap().len(), 32, "{name}");
    }
    assert_ne!(first["state"], Digest::of(b"").hex());
}
