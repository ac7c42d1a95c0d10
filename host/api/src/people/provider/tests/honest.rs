//! What people do.

use super::*;

#[tokio::test]
async fn somebody_joins_and_signs_in_by_each_proof_of_the_client() {
    let stage = Stage::new().await;
    let joined = stage.joins("dana@acme.example", dana()).await;
    assert_eq!(
        (joined.status, &joined.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/console/account".parse().unwrap()),
        "{}",
        joined.text
    );
    let who = stage.session(&joined.cookies()).await.json();
    assert_eq!((&who["email"], &who["roles"][0]["tenant"]), (&json!("dana@acme.example"), &json!("acme")));
    let url = stage.begin().await.0;
    let asked = query(&url);
    let names: Vec<&str> = asked.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "acr_values",
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "max_age",
            "nonce",
            "redirect_uri",
            "response_type",
            "scope",
            "state"
        ]
    );
    assert_eq!((asked["redirect_uri"].as_str(), asked["scope"].as_str()), (BACK, "openid"));
    for client in ["basic", "public"] {
        stage.set(|provider| provider.client_id = client.into()).await;
        let back = stage.signs_in(dana()).await;
        assert_eq!(
            (back.status, &back.headers[header::LOCATION]),
            (StatusCode::SEE_OTHER, &"/console".parse().unwrap()),
            "{client}: {}",
            back.text
        );
        let who = stage.session(&back.cookies()).await.json();
        assert_eq!(who["second-factor"], Value::Null, "{client}");
        let log: Vec<String> =
            stage.store.entries(0, 500).await.unwrap().iter().map(|entry| format!("{entry:?}")).collect();
        assert!(!log.join("").contains(&back.cookies()[0]), "nor is a token in the log");
    }
}

#[tokio::test]
async fn who_is_not_invited_gets_no_account_whatever_address_the_provider_says() {
    let stage = Stage::new().await;
    // The provider says 'ana@acme.example', verified, of everybody.
    stage.native("ana@acme.example").await;
    let back = stage.signs_in(There { login: "eve", ..dana() }).await;
    not_let_in(&back);
    assert!(back.text.contains("no account here is connected"), "{}", back.text);
    // Not by the name that the owner's account has either.
    let back = stage.signs_in(There { login: "ana@acme.example", ..dana() }).await;
    not_let_in(&back);
}

#[tokio::test]
async fn somebody_binds_it_in_a_session_and_steps_up_by_it_in_one_of_its_own() {
    let stage = Stage::new().await;
    let ana = stage.native("ana@acme.example").await;
    let cookies = vec![format!("__Host-portcullis-session={}", ana.token.as_str())];
    let without = stage.ask("/signin/provider/bind", Some(json!({ "tenant": "acme" })), &cookies, None).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN, "another page binds nothing");
    let begun = stage.ask("/signin/provider/bind", Some(json!({ "tenant": "acme" })), &cookies, Some(&ana.csrf)).await;
    let back = stage.there(begun.json()["url"].as_str().unwrap(), dana()).await;
    // The browser that began it, but nobody is signed in there any more.
    let parts = begun.cookies();
    not_let_in(&stage.ask(&back, None, &parts, None).await);
    let begun = stage.ask("/signin/provider/bind", Some(json!({ "tenant": "acme" })), &cookies, Some(&ana.csrf)).await;
    let back = stage.there(begun.json()["url"].as_str().unwrap(), dana()).await;
    let both = [cookies.clone(), begun.cookies()].concat();
    let bound = stage.ask(&back, None, &both, None).await;
    assert_eq!(bound.status, StatusCode::SEE_OTHER, "{}", bound.text);

    let strong = There { amr: "pwd mfa", ..dana() };
    let back = stage.signs_in(dana()).await;
    let session = back.cookies();
    let who = stage.session(&session).await.json();
    assert_eq!((&who["person"], &who["second-factor"]), (&json!(ana.session.person), &Value::Null));
    let csrf = who["csrf"].as_str().unwrap();
    let begun = stage.ask("/signin/provider/step-up", Some(json!({})), &session, Some(csrf)).await;
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(query(&url)["max_age"], "0", "there anew");
    let both = [session.clone(), begun.cookies()].concat();
    let stepped = stage.ask(&stage.there(&url, strong).await, None, &both, None).await;
    assert_eq!(stepped.status, StatusCode::SEE_OTHER, "{}", stepped.text);
    let who = stage.session(&stepped.cookies()).await.json();
    assert!(who["second-factor"].is_string() || who["second-factor"].is_number(), "{who}");
    assert_eq!(stage.session(&session).await.status, StatusCode::UNAUTHORIZED, "the token before is nobody's");
    let native = stage.ask("/signin/provider/step-up", Some(json!({})), &cookies, Some(&ana.csrf)).await;
    assert_eq!(native.status, StatusCode::NOT_FOUND, "a session of the host's own is not stepped up by it");
}

#[tokio::test]
async fn a_tenant_that_demands_a_second_factor_lets_nobody_in_without_the_providers_word_for_one() {
    let stage = Stage::new().await;
    assert_eq!(stage.joins("dana@acme.example", dana()).await.status, StatusCode::SEE_OTHER);
    stage.set(|provider| provider.needs_mfa = true).await;
    not_let_in(&stage.signs_in(dana()).await);
    not_let_in(&stage.signs_in(There { amr: "pwd otp", acr: "urn:one", ..dana() }).await);
    for strong in [There { amr: "pwd mfa", ..dana() }, There { acr: "urn:two", ..dana() }] {
        let back = stage.signs_in(strong).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
        let who = stage.session(&back.cookies()).await.json();
        assert_ne!(who["second-factor"], Value::Null);
    }
}
