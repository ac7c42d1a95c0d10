use axum::http::{Method, StatusCode};
use portcullis_model::people::{Caller, FactorKind, Principal};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

use super::super::posture::tests::{host, somebody};

fn proposed(tenant: &str, host: &str) -> Value {
    json!({
        "duty": "DAT-5", "about": { "of": "host", "tenant": tenant, "host": host },
        "reason": "the old switchboard has no TLS", "until": "2027-06-30"
    })
}

#[tokio::test]
async fn a_risk_counts_when_somebody_else_has_approved_it_with_two_factors() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    let person = |name: &str, factors: &[FactorKind]| operator.as_caller(somebody(name, "acme", factors));
    let (dana, erin) = (person("dana", &[FactorKind::Passkey]), person("erin", &[FactorKind::Passkey]));
    let made = dana.ask(Method::POST, "/risks", None, Some(&proposed("acme", "pbx.example"))).await;
    assert_eq!((made.status, &made.body["standing"]), (StatusCode::CREATED, &json!("proposed")), "{}", made.body);
    assert!(made.body["switches"].as_str().unwrap().contains("without TLS"), "{}", made.body);
    let approve =
        async |who: &crate::admin::Local| who.ask(Method::POST, "/risks/1/approve", None, Some(&json!({}))).await;
    let program = operator.as_caller(Caller {
        principal: Principal::Automation("cli_1".parse().unwrap()),
        ..somebody("dana", "acme", &[FactorKind::Passkey])
    });
    let word = program.ask(Method::POST, "/risks", None, Some(&proposed("acme", "other.example"))).await;
    assert_eq!(word.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", word.body);
    assert!(word.body["detail"].as_str().unwrap().contains("a person's word"), "{}", word.body);
    let own = approve(&dana).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", own.body);
    let one_factor = approve(&person("erin", &[FactorKind::Totp])).await;
    assert!(one_factor.body["detail"].as_str().unwrap().contains("second factor"), "{}", one_factor.body);
    let approved = approve(&erin).await;
    assert_eq!(
        (approved.status, &approved.body["standing"]),
        (StatusCode::OK, &json!("accepted")),
        "{}",
        approved.body
    );
    assert_eq!(approved.body["risk"]["approved"]["party"], "subscriber");
    assert_eq!(approve(&erin).await.status, StatusCode::UNPROCESSABLE_ENTITY, "it is accepted already");
    let back = json!({ "reason": "the switchboard was replaced" });
    let over = dana.ask(Method::POST, "/risks/1/withdraw", None, Some(&back)).await;
    assert_eq!(over.body["standing"], "withdrawn", "{}", over.body);
}

#[tokio::test]
async fn risks_are_listed_the_newest_first_and_nobody_sees_or_changes_another_tenants() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    for tenant in ["acme", "globex", "initech"] {
        let made = operator.ask(Method::POST, "/risks", None, Some(&proposed(tenant, "pbx.example"))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    let none = operator.ask(Method::POST, "/risks", None, Some(&proposed("acme", "elsewhere.example"))).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", none.body);
    let numbers = |body: &Value| -> Vec<u64> {
        body["items"].as_array().unwrap().iter().map(|one| one["risk"]["number"].as_u64().unwrap()).collect()
    };
    let all = operator.ask(Method::GET, "/risks?limit=2", None, None).await;
    assert_eq!(numbers(&all.body), [3, 2]);
    let next = all.body["next"].as_str().unwrap().strip_prefix("/admin/v1").unwrap().to_owned();
    assert_eq!(numbers(&operator.ask(Method::GET, &next, None, None).await.body), [1]);
    let erin = operator.as_caller(somebody("erin", "acme", &[FactorKind::Passkey]));
    assert_eq!(numbers(&erin.ask(Method::GET, "/risks", None, None).await.body), [1]);
    assert_eq!(erin.ask(Method::GET, "/risks/1", None, None).await.body["risk"]["number"], 1);
    assert_eq!(erin.ask(Method::GET, "/risks/2", None, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(erin.ask(Method::GET, "/risks?tenant=globex", None, None).await.status, StatusCode::NOT_FOUND);
    for (path, body) in [
        ("/risks/2/approve", json!({})),
        ("/risks/2/withdraw", json!({ "reason": "it is not mine to take back" })),
        ("/risks/9/approve", json!({})),
        ("/risks", proposed("globex", "pbx.example")),
    ] {
        let refused = erin.ask(Method::POST, path, None, Some(&body)).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}: {}", refused.body);
    }
}
