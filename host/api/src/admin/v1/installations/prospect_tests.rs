//! What an installation would mean, out of a release's bundle.

use axum::http::{Method, StatusCode};
use portcullis_model::{
    people::{Caller, Reach},
    release::Shelf as _,
};
use portcullis_packages::keys::SecretKey;
use serde_json::json;

use super::{tests::Desk, *};
use crate::admin::{LocalAnswer, testing, v1::people::tests::Counting};

const IN_ACME: &str = "/installations/plan?tenant=acme";

fn bundle() -> Vec<u8> {
    testing::packed(&SecretKey::generate(&Counting::default()), 1)
}

/// An admin of the platform and of acme.
fn of_both() -> Caller {
    let mut both = testing::of("acme");
    if let (Reach::Holdings(all), Reach::Holdings(more)) = (&mut both.reach, testing::of_platform().reach) {
        all.extend(more);
    }
    both
}

impl Desk {
    async fn planned(&self, by: Caller, path: &str, bytes: Vec<u8>) -> LocalAnswer {
        self.local.as_caller(by).send(path, "application/octet-stream", bytes).await
    }
}

#[tokio::test]
async fn what_is_not_in_the_registry_is_planned_and_nothing_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 1).await;
    let shown = desk.planned(testing::dana(), IN_ACME, bundle()).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    let words = shown.body["words"].as_str().unwrap();
    assert!(words.starts_with("Quiet 1.0.0 (release 1) by com.example\n"), "{words}");
    assert_eq!((&shown.body["plan"]["plugin"], &shown.body["vetoes"]), (&json!("com.example.quiet"), &json!([])));
    let missing = shown.body["plan"]["missing"][0].as_str().unwrap();
    assert!(missing.starts_with("trust: ") && words.contains(missing), "{}", shown.body);
    let trusting = desk.planned(testing::dana(), &format!("{IN_ACME}&trusting=true"), bundle()).await;
    assert_eq!(trusting.body["plan"]["missing"], json!([]), "{}", trusting.body);
    let kept = (desk.store.all_releases().await.unwrap().len(), desk.store.entry_count().await.unwrap());
    assert_eq!(kept, (0, 1), "nothing but the installation that was there");
}

#[tokio::test]
async fn it_takes_the_right_on_the_platform_and_in_the_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::under(dir.path(), 0, Arc::new(testing::Own)).await;
    for (by, status) in [
        (testing::of("acme"), StatusCode::FORBIDDEN),
        (testing::of_platform(), StatusCode::NOT_FOUND),
        (of_both(), StatusCode::OK),
    ] {
        let answer = desk.planned(by, IN_ACME, bundle()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let elsewhere = desk.planned(of_both(), "/installations/plan?tenant=globex", bundle()).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "{}", elsewhere.body);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::open(dir.path(), 0).await;
    for (path, bytes, says) in [
        ("/installations/plan", bundle(), "'tenant' is missing"),
        ("/installations/plan?tenant=acme&grant=Log%20write", bundle(), "Log"),
        ("/installations/plan?tenant=acme&trusting=1", bundle(), "true or false"),
        (IN_ACME, b"no bundle".to_vec(), "no bundle of a release"),
    ] {
        let wrong = desk.planned(testing::dana(), path, bytes).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{path}: {}", wrong.body);
        assert!(wrong.body["detail"].as_str().unwrap().contains(says), "{path}: {}", wrong.body);
    }
    let json = desk.local.ask(Method::POST, IN_ACME, None, Some(&json!({}))).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", json.body);
}
