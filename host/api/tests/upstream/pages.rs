//! The pages themselves: what they show, what they are served with, and what another browser or another site gets.

use serde_json::json;

use crate::{
    consents::secret,
    stage::{MOCK, Stage},
};

#[tokio::test]
async fn the_page_says_what_is_asked_and_is_served_closed() {
    let stage = Stage::new(MOCK).await;
    let origin = stage.origin("a<b>\"c", &[], &["read", "<script>"]);
    let link = stage.link(&origin, Some(secret("mock-client-secret"))).await;
    let seen = stage.browse(&link, "look", json!({})).await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    for shown in ["https://mock.example.test", "api.example.test", "<code>read</code>", "dana", "Nothing yet"] {
        assert!(seen.body.contains(shown), "{shown}: {}", seen.body);
    }
    assert!(
        !seen.body.contains("<script>")
            && seen.body.contains("&lt;script&gt;")
            && seen.body.contains("a&lt;b&gt;&quot;c")
    );
    assert!(!seen.body.contains("mock-client-secret"));
    let header = |name: &str| seen.headers.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(
        (header("referrer-policy"), header("cache-control"), header("x-frame-options")),
        ("no-referrer", "no-store", "DENY")
    );
    let cookie = seen.headers["set-cookie"][0].as_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Max-Age="), "{cookie}");
    let style = stage.browse(&format!("{}/connect/style.css", stage.base), "look", json!({})).await;
    assert!(style.status == 200 && style.body.contains("prefers-color-scheme: dark"));
}

#[tokio::test]
async fn another_browser_and_another_site_get_nowhere() {
    let stage = Stage::new(MOCK).await;
    let origin = stage.origin("anybody", &[], &["read"]);
    let client = || Some(secret("mock-client-secret"));
    let link = stage.link(&origin, client()).await;
    let done = stage.browse(&link, "agree", json!({})).await;
    assert!(done.body.contains("Connected"), "{}", done.body);
    // The same link, the same outcome, in another browser.
    let again = stage.browse(&link, "agree", json!({})).await;
    assert!((again.status, again.body.contains("used already")) == (410, true), "{}", again.body);
    let outcome = stage.browse(&done.url, "look", json!({})).await;
    assert_eq!(outcome.status, 403, "{}", outcome.body);
    let mine = stage.browse(&done.url, "look", done.cookies).await;
    assert!(mine.body.contains("Connected"), "reloading does no harm");
    // Answers that nobody asked for.
    for (query, status) in [
        ("", 404),
        ("?code=c", 404),
        ("?code=c&state=s", 404),
        (&format!("?code=c&state={}", "a".repeat(43)), 404),
        ("?code=c&code=d&state=s", 400),
        (&format!("?code={}", "c".repeat(17_000)), 400),
    ] {
        let seen = stage.browse(&format!("{}/connect/callback{query}", stage.base), "look", json!({})).await;
        assert_eq!(seen.status, status, "{query}: {}", seen.body);
        assert!(seen.body.contains("This cannot go on"), "{}", seen.body);
    }
    for path in ["x", &"a".repeat(43), "%ff", "..%2f"] {
        let seen = stage.browse(&format!("{}/connect/{path}", stage.base), "look", json!({})).await;
        assert_eq!(seen.status, 404, "{path}: {}", seen.body);
    }
}
