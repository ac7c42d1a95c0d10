use axum::http::{Method, StatusCode};
use portcullis_model::{
    call::Call,
    id::Digest,
    invoke::{CallEnd, CallReport, PluginLogs as _, Usage},
    limits::Limits,
    time::Timestamp,
};

use super::tests::Desk;
use crate::admin::testing;

fn wrote(installation: &str, tenant: &str, lines: &[&str]) -> CallReport {
    let call = Call::new(
        "call_1".parse().unwrap(),
        tenant.parse().unwrap(),
        installation.parse().unwrap(),
        "com.example.a".parse().unwrap(),
        Digest::of(b"component"),
        "zen/1".to_owned(),
        1,
        Limits::default(),
    );
    let log = lines.iter().map(|line| ("info", (*line).to_owned())).collect();
    CallReport { call: std::sync::Arc::new(call), end: CallEnd::Ok, usage: Usage::default(), log, answer: None }
}

#[tokio::test]
async fn what_an_installation_wrote_is_read_from_its_newest_line_back() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 2).await;
    desk.store.keep(&wrote("ins_0", "acme", &["first", "second", "third"]), Timestamp(1));
    desk.store.keep(&wrote("ins_1", "globex", &["another's"]), Timestamp(2));
    let said = |body: &serde_json::Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap().iter();
        items.map(|one| one["message"].as_str().unwrap().to_owned()).collect()
    };
    // Lines are handed in and written a little later.
    let mut page = desk.get("/installations/ins_0/log?limit=2").await;
    for _ in 0..500 {
        if said(&page.body).len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        page = desk.get("/installations/ins_0/log?limit=2").await;
    }
    assert_eq!((page.status, said(&page.body)), (StatusCode::OK, vec!["third".to_owned(), "second".to_owned()]));
    let next = page.body["next"].as_str().unwrap().strip_prefix("/admin/v1").unwrap();
    let last = desk.get(next).await;
    assert_eq!((said(&last.body), last.body.get("next")), (vec!["first".to_owned()], None));
    assert_eq!(last.body["items"][0]["call"], "call_1");
    assert_eq!(desk.get("/installations/ins_9/log").await.status, StatusCode::NOT_FOUND);
    let stranger = desk.local.as_caller(testing::of("globex"));
    let refused = stranger.ask(Method::GET, "/installations/ins_0/log", None, None).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "another tenant's: {}", refused.body);
}
