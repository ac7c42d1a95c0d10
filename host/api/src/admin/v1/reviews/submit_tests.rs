use axum::http::StatusCode;
use portcullis_model::release::ReleaseStore as _;
use serde_json::json;

use super::{testing::World, *};
use crate::admin::testing::{self as common, packed};

#[tokio::test]
async fn a_release_is_handed_in_once_by_whoever_may_and_a_rehearsal_keeps_nothing() {
    let world = World::new().await;
    let (dana, path) = (common::dana(), "/reviews");
    let (next, before) = (packed(&world.publisher, 2), world.written().await);
    let tried = world.send(&dana, "/reviews?dry_run=true", next.clone()).await.body;
    assert_eq!((&tried["dry_run"], &tried["review"]["state"]), (&json!(true), &json!("submitted")), "{tried}");
    let strangers = packed(&world.eve, 2);
    for (path, bundle, status) in [
        ("/reviews?dry_run=true", strangers.clone(), StatusCode::UNPROCESSABLE_ENTITY),
        (path, packed(&world.publisher, 1), StatusCode::CONFLICT),
        (path, b"no bundle".to_vec(), StatusCode::BAD_REQUEST),
    ] {
        let refused = world.send(&dana, path, bundle).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    let admin = world.send(&common::of("acme"), path, next.clone()).await;
    assert_eq!(admin.status, StatusCode::FORBIDDEN, "{}", admin.body);
    let count = async || world.store.submissions().await.unwrap().len();
    assert_eq!((world.written().await, count().await), (before, 1), "nothing was done");
    assert_eq!(world.send(&dana, path, strangers).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((world.written().await, count().await), (before + 1, 1), "that it was refused");
    let submitted = world.send(&dana, path, next.clone()).await;
    assert_eq!((submitted.status, &submitted.body["review"]["number"]), (StatusCode::OK, &json!(2)));
    assert_eq!((world.written().await, count().await), (before + 2, 2), "{}", submitted.body);
    let all = world.store.submissions().await.unwrap();
    let kept = all.iter().find(|one| one.number == 2).unwrap().release();
    assert!(world.store.release(&kept).await.unwrap().is_some());
    assert_eq!(world.send(&dana, path, next).await.status, StatusCode::CONFLICT, "once");
}
