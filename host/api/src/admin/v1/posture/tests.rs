use axum::http::{Method, StatusCode};
use portcullis_model::{
    error::StoreError,
    id::Digest,
    people::{Action, BuiltIn, Decide, Holding, Proof, Reach, Refusal, Resource},
};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::{testing::Still, *};
use crate::admin::{
    Local, Routes, testing,
    v1::{attestations, profiles},
};

/// Lets everybody act in the tenants where they hold a role; the second factor is looked at elsewhere.
pub struct Holders;

#[async_trait::async_trait]
impl Decide for Holders {
    async fn decide(
        &self,
        caller: &Caller,
        _: &Action,
        resource: &Resource,
    ) -> Result<Result<(), Refusal>, StoreError> {
        use portcullis_model::people::{Needs, Why};
        let Reach::Holdings(holdings) = &caller.reach else { return Ok(Ok(())) };
        let no = Refusal { rule: Why::NoRole, needs: Needs::Role { one_of: Vec::new() }, who: String::new() };
        Ok(if holdings.iter().any(|holding| holding.tenant == resource.tenant) { Ok(()) } else { Err(no) })
    }
}

/// Somebody with a role in a tenant, who proved these in their session.
pub fn somebody(name: &str, tenant: &str, factors: &[FactorKind]) -> Caller {
    let role = BuiltIn::Owner.name().parse().unwrap();
    let tenant = Some(tenant.parse().unwrap());
    Caller {
        principal: Principal::Person(format!("per_{name}").parse().unwrap()),
        actor: Actor::Person { name: name.to_owned() },
        reach: Reach::Holdings(vec![Holding { tenant, role, until: None, support: None, break_glass: false }]),
        factors: factors.iter().map(|kind| Proof { kind: *kind, at: testing::NOW }).collect(),
        ..testing::dana()
    }
}

/// A host with one installation in `acme`, as the operator asks it.
pub fn host(store: &SqliteStore) -> (Local, Arc<Ports>) {
    let duties = Arc::new(store.clone());
    let installed = Some(("ins_1".parse().unwrap(), "acme".parse().unwrap()));
    let look = Arc::new(Still { installed, ..Still::of(duties.clone(), testing::NOW) });
    let ports = Arc::new(Ports { look, duties, clock: Arc::new(testing::Fixed) });
    let routes = Routes::new(testing::frame_with(store, b"operator", Arc::new(Holders)))
        .mount(operations(), ports.clone())
        .mount(profiles::operations(), ports.clone())
        .mount(super::super::duties::operations(), ports.clone())
        .mount(super::super::risks::operations(), ports.clone())
        .mount(attestations::operations(), ports.clone());
    (Local::new(routes.router(), testing::dana()), ports)
}

#[tokio::test]
async fn a_profile_is_tried_out_turned_on_and_off_and_each_posture_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    let before = operator.ask(Method::GET, "/posture", None, None).await;
    assert_eq!((before.status, &before.body["tenant"]), (StatusCode::OK, &json!("acme")), "{}", before.body);
    let sections = |body: &Value| body["profiles"].as_array().unwrap().len();
    assert_eq!(sections(&before.body), 1);

    let plan = operator.ask(Method::GET, "/tenants/acme/profiles/healthcare/plan", None, None).await;
    assert_eq!(plan.body["changes"][0]["what"], "something by 'healthcare', on: true", "{}", plan.body);
    assert_eq!(plan.body["before"], before.body["counts"]);
    let open = |body: &Value| body["open"].as_u64().unwrap();
    assert!(open(&plan.body["after"]) > open(&plan.body["before"]), "{}", plan.body);
    let path = "/tenants/acme/profiles/healthcare";
    let put = async |local: &Local, query: &str, body: Value| {
        local.ask(Method::PUT, &format!("{path}{query}"), None, Some(&body)).await
    };
    let tried = put(&operator, "?dry_run=true", json!({ "on": true })).await;
    assert_eq!((tried.status, &tried.body["after"]), (StatusCode::OK, &plan.body["after"]));
    assert_eq!(store.entry_count().await.unwrap(), 0, "a rehearsal writes nothing");

    let short = put(&operator, "", json!({ "on": true, "reason": "why" })).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", short.body);
    let reason = "our tickets hold data about health";
    let on = put(&operator, "", json!({ "on": true, "reason": reason })).await;
    assert_eq!((on.status, &on.body["already"]), (StatusCode::OK, &json!(false)), "{}", on.body);
    let again = put(&operator, "", json!({ "on": true, "reason": reason })).await;
    assert_eq!(again.body["already"], true);
    let after = operator.ask(Method::GET, "/posture?tenant=acme&profile=healthcare", None, None).await;
    assert_eq!((&after.body["counts"], sections(&after.body)), (&plan.body["after"], 1), "as it was said");
    let listed = operator.ask(Method::GET, "/profiles?tenant=acme", None, None).await;
    assert_eq!(listed.body["items"][1]["on"][0]["reason"], reason, "{}", listed.body);

    // To turn one off widens what plugins may do: who is asked for factors shows two.
    let owner = |factors: &[FactorKind]| operator.as_caller(somebody("erin", "acme", factors));
    let off = json!({ "on": false, "reason": "no such data any more" });
    assert_eq!(put(&owner(&[]), "", off.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(&owner(&[FactorKind::Passkey]), "", off).await.body["already"], false);
    assert_eq!(store.entry_count().await.unwrap(), 2, "on, and off");
    for path in ["/tenants/acme/profiles/nonesuch/plan", "/installations/ins_2/sheet"] {
        assert_eq!(operator.ask(Method::GET, path, None, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let always = operator.ask(Method::GET, "/tenants/acme/profiles/baseline/plan", None, None).await;
    assert_eq!(always.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_is_said_counts_for_its_party_and_can_be_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    let erin = operator.as_caller(somebody("erin", "acme", &[FactorKind::Passkey]));
    let open = async |duty: &str| {
        let open = erin.ask(Method::GET, "/duties/open?party=subscriber", None, None).await;
        let all = open.body["open"].as_array().unwrap_or_else(|| panic!("{}", open.body)).clone();
        all.iter().filter(|one| one["duties"].as_array().unwrap().contains(&json!(duty))).count()
    };
    assert_eq!(open("ACC-8").await, 1);
    let say = async |local: &Local, duty: &str, tenant: Option<&str>| {
        let body = json!({ "duty": duty, "tenant": tenant, "statement": "all lists were looked through" });
        local.ask(Method::POST, "/attestations", None, Some(&body)).await
    };
    let said = say(&erin, "ACC-8", Some("acme")).await;
    assert_eq!((said.status, &said.body["counts"]), (StatusCode::CREATED, &json!(true)), "{}", said.body);
    assert_eq!(said.body["attestation"]["party"], "subscriber");
    assert_eq!(open("ACC-8").await, 0);
    // Another party's word, and what nobody's word makes so.
    for (duty, tenant, status) in [
        ("INT-11", Some("acme"), StatusCode::UNPROCESSABLE_ENTITY),
        ("INT-3", Some("acme"), StatusCode::UNPROCESSABLE_ENTITY),
        ("ACC-8", Some("globex"), StatusCode::NOT_FOUND),
    ] {
        let refused = say(&erin, duty, tenant).await;
        assert_eq!(refused.status, status, "{duty}: {}", refused.body);
    }
    assert_eq!(say(&operator, "ACC-8", None).await.status, StatusCode::BAD_REQUEST, "a subscriber is a tenant");
    let program = Caller {
        principal: Principal::Automation("cli_1".parse().unwrap()),
        ..somebody("erin", "acme", &[FactorKind::Passkey])
    };
    let program = operator.as_caller(program);
    let by_program = say(&program, "MON-6", Some("acme")).await;
    assert_eq!(by_program.status, StatusCode::UNPROCESSABLE_ENTITY, "nobody's word: {}", by_program.body);
    let of_host = say(&operator, "INC-4", None).await;
    assert_eq!(of_host.body["attestation"]["party"], "platform", "{}", of_host.body);
    let listed = erin.ask(Method::GET, "/attestations", None, None).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 2, "the own, and the whole host's: {}", listed.body);
    let other = operator.as_caller(somebody("mal", "globex", &[FactorKind::Passkey]));
    let back = json!({ "reason": "it was said too early" });
    assert_eq!(
        other.ask(Method::POST, "/attestations/1/withdraw", None, Some(&back)).await.status,
        StatusCode::NOT_FOUND
    );
    let by_program = program.ask(Method::POST, "/attestations/1/withdraw", None, Some(&back)).await;
    assert_eq!(by_program.status, StatusCode::UNPROCESSABLE_ENTITY, "nor taken back: {}", by_program.body);
    assert_eq!(open("ACC-8").await, 0);
    let taken = erin.ask(Method::POST, "/attestations/1/withdraw", None, Some(&back)).await;
    assert_eq!((taken.status, &taken.body["counts"]), (StatusCode::OK, &json!(false)), "{}", taken.body);
    assert_eq!(open("ACC-8").await, 1);
}

#[tokio::test]
async fn only_the_person_at_the_terminal_speaks_by_another_name_and_the_account_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    let say = async |local: &Local| {
        let body = json!({ "duty": "ACC-8", "tenant": "acme", "statement": "all lists were looked through", "party": "subscriber" });
        local.ask(Method::POST, "/attestations", None, Some(&body)).await.body["attestation"]["by"].clone()
    };
    let page = operator.ask(Method::GET, "/posture.html", None, None).await;
    assert!(page.body.as_str().unwrap_or_default().starts_with("<!doctype html>"), "as text: {}", page.body);
    let other = Some("Dana Example".to_owned());
    assert_eq!(say(&operator.as_caller(testing::dana().known_as(other.clone()))).await, "Dana Example");
    let entry = store.entries(0, 1).await.unwrap()[0].read().unwrap();
    assert_eq!(entry.actor, Actor::Person { name: "dana".into() });
    let erin = somebody("erin", "acme", &[FactorKind::Passkey]).known_as(other.clone());
    assert_eq!(say(&operator.as_caller(erin)).await, "erin", "who signed in is who they are");
    let far = Caller { address: Some(std::net::Ipv4Addr::LOCALHOST.into()), ..testing::dana() };
    assert_eq!(
        say(&operator.as_caller(far.known_as(other))).await,
        "dana",
        "whoever has the token is not at the terminal"
    );
}

#[tokio::test]
async fn the_page_alone_is_html_that_runs_nothing_and_only_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let (operator, _) = host(&store);
    assert_eq!(operator.ask(Method::GET, "/posture.html", None, None).await.status, StatusCode::OK);
    let release = format!("/releases/{}/{}", Digest::of(b"component"), Digest::of(b"manifest"));
    let erin = operator.as_caller(somebody("erin", "acme", &[]));
    for path in
        [format!("{release}/sheet.html?tenant=acme"), format!("{release}/sheet.html"), "/duties/open.html".into()]
    {
        assert_eq!(erin.ask(Method::GET, &path, None, None).await.status, StatusCode::OK, "{path}");
    }
    let before = erin.ask(Method::GET, &format!("{release}/sheet"), None, None).await;
    assert_eq!((before.status, &before.body["sheet"]["tenant"]), (StatusCode::OK, &json!("acme")), "{}", before.body);
    assert_eq!(before.body["sheet"]["installation"], serde_json::Value::Null);
    let other = format!("/releases/{}/{}/sheet", Digest::of(b"other"), Digest::of(b"manifest"));
    assert_eq!(erin.ask(Method::GET, &other, None, None).await.status, StatusCode::NOT_FOUND);
    let mal = operator.as_caller(somebody("mal", "globex", &[]));
    let of_acme = format!("{release}/sheet?tenant=acme");
    for path in [
        "/posture.html?tenant=acme",
        "/posture?tenant=acme",
        "/installations/ins_1/sheet",
        "/installations/ins_1/sheet.html",
        "/duties/open.html?tenant=acme",
        &of_acme,
    ] {
        assert_eq!(mal.ask(Method::GET, path, None, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
