//! What the host's own API tells, for the operator alone.

use portcullis_e2e::Request;
use portcullis_model::audit::Kind;
use serde_json::json;

use crate::reader;

#[tokio::test(flavor = "multi_thread")]
async fn an_act_is_explained_to_the_operator_and_to_nobody_else() {
    let lab = portcullis_e2e::Lab::new().await;
    lab.seed(portcullis_e2e::TENANT).await;
    let guest = lab.install(&reader()).await;
    lab.call(&guest, json!({ "fields": ["description"] })).await;
    let id = lab.entries_of(Kind::ActDenied).await[0].text("id").unwrap().to_owned();
    let running = lab.run().await;
    let token = std::fs::read_to_string(lab.host.home.operator_token()).unwrap();
    let ask = |id: &str, token: &str| {
        Request::get(format!("/admin/v1/acts/{id}")).header("authorization", format!("Bearer {token}"))
    };

    let answer = ask(&id, token.trim()).send(running.address).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.json()["id"], &answer.json()["refused"]["layer"]), (&json!(id), &json!("manifest")));

    for wrong in ["", "x", &token.trim()[1..], &token.trim().to_uppercase()] {
        let answer = ask(&id, wrong).send(running.address).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        assert_eq!(answer.json()["type"], "https://portcullis.dev/problems/not-operator");
    }
    let answer = Request::get(format!("/admin/v1/acts/{id}")).send(running.address).await;
    assert_eq!(answer.status, 401);
    for unknown in ["call_0.1", "..", "%ff", "a%20b"] {
        assert_eq!(ask(unknown, token.trim()).send(running.address).await.status, 404, "{unknown}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_inspected_for_the_operator_and_for_nobody_else() {
    let lab = portcullis_e2e::Lab::new().await;
    let guest = lab.install(&reader()).await;
    let running = lab.run().await;
    let token = std::fs::read_to_string(lab.host.home.operator_token()).unwrap();
    let ask = |digest: &str| Request::get(format!("/admin/v1/components/{digest}/inspection"));
    let answer = ask(&guest.release.to_string())
        .header("authorization", format!("Bearer {}", token.trim()))
        .send(running.address)
        .await;
    assert_eq!(answer.status, 200);
    let said = answer.json();
    assert_eq!(said[0]["manifest-digest"], guest.manifest.to_string());
    let imports = said[0]["found"]["inspection"]["imports"].as_array().unwrap();
    assert!(imports.iter().any(|import| import["name"] == "portcullis:plugin/tickets@0.1.0"), "{imports:?}");
    assert!(said[0]["found"]["authority"].is_object() && said[0]["found"]["plan"]["scopes"].is_array());

    assert_eq!(ask(&guest.release.to_string()).send(running.address).await.status, 401);
    for unknown in [format!("sha256:{}", "0".repeat(64)), "sha256:00".into(), "x".into()] {
        let answer =
            ask(&unknown).header("authorization", format!("Bearer {}", token.trim())).send(running.address).await;
        assert_eq!(answer.status, 404, "{unknown}");
    }
    running.stop().await;
}
