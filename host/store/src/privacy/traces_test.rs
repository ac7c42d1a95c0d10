//! Where a person was left behind: answers kept for repetitions, records, names of events, other requests, late lines.

use portcullis_model::{
    audit::{Actor, ERASED, Kind},
    call::Call,
    connection::ConnectionKey,
    consent::ConsentStore as _,
    duty::{Attestation, DutyStore as _, Party, Risk, RiskAbout},
    freeze::{Extent, Freeze},
    id::Digest,
    idempotency::{Kept, Keyed, Known, Repeats as _},
    incident::{IncidentStore as _, Note},
    invoke::{CallEnd, CallReport, PluginLogs as _, Usage},
    limits::Limits,
    privacy::{Finder, HeldCopies},
    queue::Queue as _,
    rotation::{Act, Mode, RotationStore as _},
};

use super::{
    tests::{HOLD, MARK, answered, asks, holds, install, parts, request, sweep},
    *,
};
use crate::testing::{entry, event, store};

fn of_acme(kind: Kind) -> Entry {
    Entry { tenant: Some("acme".parse().unwrap()), ..entry(kind) }
}

async fn begun(store: &SqliteStore, id: &str, of: &[&str]) -> PrivacyRequest {
    let request = request(id, PrivacyKind::Erase);
    let about = of_acme(Kind::PrivacyRequested).with_personal("user", "9010092");
    store.open_request(request.clone(), parts(of), None, about).await.unwrap();
    request
}

async fn swept(store: &SqliteStore, request: &PrivacyRequest) -> HeldCopies {
    store.sweep(sweep(request, Some(asks(request)))).await.unwrap().unwrap()
}

async fn closed(store: &SqliteStore, request: &PrivacyRequest) {
    let closing = Closing {
        id: request.id.clone(),
        tenant: request.tenant.clone(),
        at: Timestamp(9),
        entry: of_acme(Kind::PrivacyClosed),
    };
    assert!(store.close_request(closing).await.unwrap());
}

fn keyed(tenant: Option<&str>, key: &str) -> Keyed {
    let tenant = tenant.map(|tenant| tenant.parse().unwrap());
    let of = |text: &str| Digest::of(text.as_bytes());
    Keyed { caller: "operator".into(), tenant, key: of(key), request: of("r"), at: Timestamp(1) }
}

#[tokio::test]
async fn answers_of_this_tenant_are_emptied_those_that_are_but_an_id_too_and_no_others() {
    let (_dir, store) = store();
    let by_mail = format!("{{\"mail\":\"{MARK}\"}}");
    let cases = [
        (Some("acme"), "mail", by_mail.as_str(), "[]"),
        (Some("acme"), "id", r#"{"id":"9010092"}"#, "[]"),
        (Some("acme"), "number", r#"{"id":9010092}"#, "[]"),
        (Some("acme"), "place", "{}", r#"[["location","/admin/v1/people/9010092"]]"#),
        (Some("acme"), "bob", r#"{"id":"9010093","mail":"bob@example.com"}"#, "[]"),
        (Some("other"), "theirs", by_mail.as_str(), "[]"),
        (Some("other"), "their-id", r#"{"id":"9010092"}"#, "[]"),
        (None, "nobodys", by_mail.as_str(), "[]"),
    ];
    for (tenant, key, body, headers) in cases {
        assert_eq!(store.begin(keyed(tenant, key)).await.unwrap(), Known::New);
        let headers = serde_json::from_str(headers).unwrap();
        let kept = Kept { status: 201, headers, body: Some(body.to_owned()) };
        store.end(keyed(tenant, key), Some(kept)).await.unwrap();
    }
    let request = begun(&store, "dsr_1", &[]).await;
    assert_eq!(swept(&store, &request).await.tenant["answers"], 4);
    for (tenant, key, body, _) in cases {
        let Known::Answered(kept) = store.begin(keyed(tenant, key)).await.unwrap() else { panic!("{key}") };
        let is_theirs = tenant == Some("acme") && key != "bob";
        assert_eq!(kept.body.as_deref(), (!is_theirs).then_some(body), "{key}");
        assert_eq!((kept.status, kept.headers.is_empty()), (201, true), "{key}");
    }
    let short = Finder::new(&Identity { user: "7".into(), names: vec![], emails: vec![], phones: vec![] });
    assert!(short.in_answer(&serde_json::json!({ "id": "7" })) && !short.in_answer(&serde_json::json!({ "id": "77" })));
    assert!(!short.in_id("7") && short.in_id("user:7"), "an event's id of one digit is nobody's");
}

/// A record of each sort that people write into, of a tenant.
async fn write_records(store: &SqliteStore, tenant: &str, n: u64) {
    let (whose, text) = (tenant.parse::<TenantId>().unwrap(), format!("asked for by {MARK}"));
    let duty = "DAT-9".parse().unwrap();
    let attestation = Attestation {
        number: 0,
        duty,
        tenant: Some(whose.clone()),
        party: Party::Subscriber,
        by: "Ada Of The Tests".into(),
        statement: text.clone(),
        since: Timestamp(0),
        until: Timestamp(9),
    };
    store.attest(attestation, entry(Kind::HostStarted)).await.unwrap();
    let risk = Risk {
        number: 0,
        duty: "DAT-5".parse().unwrap(),
        about: RiskAbout::Host { tenant: whose.clone(), host: "a.example".into() },
        reason: text.clone(),
        by: "bob".into(),
        actor: None,
        since: Timestamp(0),
        until: Timestamp(9),
        approved: None,
        ended: None,
    };
    store.propose(risk, entry(Kind::HostStarted)).await.unwrap();
    let act = Act {
        id: format!("rot_{n}").parse().unwrap(),
        mode: Mode::Emergency,
        extent: Extent::Tenant(whose.clone()),
        reason: text.clone(),
        by: "bob".into(),
        started: Timestamp(1),
        freeze: None,
        reached: None,
        overlap: 0,
        listed: false,
        ended: None,
    };
    let connection = ConnectionKey { tenant: whose.clone(), installation: "ins_1".parse().unwrap(), name: "c".into() };
    let freeze = Freeze {
        number: 0,
        extent: Extent::Connection(connection),
        reason: text.clone(),
        by: "bob".into(),
        since: Timestamp(1),
        act: None,
        incident: None,
        platform: false,
    };
    store.begin_act(act, Some(freeze), vec![]).await.unwrap();
    let mut incident: portcullis_model::incident::Incident = serde_json::from_value(serde_json::json!({
        "id": format!("inc_{n}"), "title": "t", "severity": "low", "origin": "hand", "personal-data": false,
        "subject": { "about": { "plugin": "com.example.plugin" }, "tenant": tenant },
        "opened": "1970-01-01T00:00:00.001Z", "by": "bob", "tell": [], "revision": 1,
    }))
    .unwrap_or_else(|error| panic!("{error}"));
    incident.notes.push(Note { by: "bob".into(), at: Timestamp(2), text: text.clone() });
    store.open_incident(incident, entry(Kind::IncidentOpened)).await.unwrap();
    let consent = crate::consents::tests::of(&portcullis_model::installation::Installation {
        tenant: whose,
        ..crate::testing::installation(&format!("ins_{n}"))
    });
    let consent = portcullis_model::consent::Consent { asked_by: Actor::Person { name: MARK.into() }, ..consent };
    assert!(store.put_consent(consent, None, entry(Kind::ConsentAsked)).await.unwrap());
}

#[tokio::test]
async fn what_people_wrote_into_records_goes_and_the_records_stay() {
    let (dir, store) = store();
    write_records(&store, "acme", 1).await;
    let request = begun(&store, "dsr_1", &[]).await;
    let held = swept(&store, &request).await;
    for sort in ["attestations", "risks", "rotations", "freezes", "incidents", "consents"] {
        assert_eq!(held.tenant.get(sort), Some(&1), "{sort}: {held:?}");
    }
    let state = store.duty_state().await.unwrap();
    assert_eq!((state.attestations[0].statement.as_str(), state.attestations[0].by.as_str()), (ERASED, ERASED));
    assert_eq!((state.risks[0].reason.as_str(), state.risks[0].by.as_str()), (ERASED, "bob"));
    assert_eq!(store.acts().await.unwrap()[0].reason, ERASED);
    assert_eq!(store.incidents().await.unwrap()[0].notes[0].text, ERASED);
    assert_eq!(store.open_consents().await.unwrap()[0].asked_by, Actor::Person { name: ERASED.into() });
    closed(&store, &request).await;
    store.sweep(sweep(&request, None)).await.unwrap().unwrap();
    assert!(store.forget_request(request.id, of_acme(Kind::PrivacyForgotten)).await.unwrap());
    assert_eq!(holds(dir.path(), MARK), Vec::<std::path::PathBuf>::new());
    // The same of another tenant's is not touched.
    write_records(&store, "other", 2).await;
    let again = begun(&store, "dsr_2", &[]).await;
    assert_eq!(swept(&store, &again).await.tenant.get("risks"), None);
    assert_ne!(store.duty_state().await.unwrap().risks[1].reason, ERASED);
}

#[tokio::test]
async fn an_event_that_came_under_the_persons_name_gets_another() {
    let (dir, store) = store();
    install(&store, "a", "acme").await;
    let mut done = event(&format!("mail-of-{MARK}"));
    done.source = "/hooks/users/9010092".into();
    let waits = event("user:9010092");
    for event in [done, waits] {
        let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
        store.ingest(event, vec!["a".parse().unwrap()], new, old).await.unwrap();
    }
    let lease = store.lease(1, 1, Timestamp(0), HOLD).await.unwrap().pop().unwrap();
    store.settle(lease.delivery, Verdict::Done, vec![]).await.unwrap();
    let empty = |conn: &Writing| conn.execute("UPDATE events SET body = '' WHERE number = 1", []).map_err(failed);
    store.db.write(empty).await.unwrap();
    let request = begun(&store, "dsr_1", &[]).await;
    assert_eq!(swept(&store, &request).await.tenant["event-names"], 2);
    let left = store.lease(9, 9, Timestamp(0), HOLD).await.unwrap();
    assert_eq!(left.iter().map(|lease| lease.event.id.as_str()).collect::<Vec<_>>(), [ERASED]);
    closed(&store, &request).await;
    store.sweep(sweep(&request, None)).await.unwrap().unwrap();
    assert!(store.forget_request(request.id, of_acme(Kind::PrivacyForgotten)).await.unwrap());
    for mark in [MARK, "9010092"] {
        assert_eq!(holds(dir.path(), mark), Vec::<std::path::PathBuf>::new(), "{mark}");
    }
}

#[tokio::test]
async fn what_was_gathered_for_the_same_person_is_emptied_before_the_end_and_says_so() {
    let (dir, store) = store();
    install(&store, "a", "acme").await;
    install(&store, "b", "acme").await;
    let access = request("dsr_access", PrivacyKind::Access);
    store
        .open_request(access.clone(), parts(&["a", "b"]), Some(asks(&access)), of_acme(Kind::PrivacyRequested))
        .await
        .unwrap();
    let leases = store.lease(1, 1, Timestamp(0), HOLD).await.unwrap();
    store.settle(leases[0].delivery, answered(3), vec![]).await.unwrap();
    let mut bobs = request("dsr_bob", PrivacyKind::Access);
    bobs.who = Some(Identity { user: "12345".into(), names: vec![], emails: vec![], phones: vec![] });
    store.open_request(bobs.clone(), parts(&["a"]), Some(asks(&bobs)), of_acme(Kind::PrivacyRequested)).await.unwrap();
    let erase = begun(&store, "dsr_1", &[]).await;
    swept(&store, &erase).await;
    let still = store.request(access.id.clone()).await.unwrap().unwrap();
    assert_eq!((still.stage, still.who.is_some()), (Stage::Asking, true), "it can be handed over until the end");
    closed(&store, &erase).await;
    let last = store.sweep(sweep(&erase, None)).await.unwrap().unwrap();
    assert_eq!(last.tenant["requests"], 1);
    assert!(store.forget_request(erase.id.clone(), of_acme(Kind::PrivacyForgotten)).await.unwrap());
    let emptied = store.request(access.id.clone()).await.unwrap().unwrap();
    assert_eq!((emptied.stage, &emptied.who, &emptied.emptied_by), (Stage::Forgotten, &None, &Some(erase.id)));
    assert!(emptied.parts.iter().all(|part| !matches!(&part.state, PartState::Done { data: Some(_), .. })));
    assert!(emptied.is_through(), "nobody is asked for it any more: {:?}", emptied.parts);
    let told = store.entries(0, 100).await.unwrap();
    let told = told.iter().map(|one| one.read().unwrap()).find(|one| one.detail.contains_key("emptied-by")).unwrap();
    assert_eq!((told.kind, told.resource.as_deref()), (Kind::PrivacyForgotten, Some("privacy:dsr_access")));
    let bobs = store.request(bobs.id).await.unwrap().unwrap();
    assert_eq!((bobs.stage, bobs.who.is_some()), (Stage::Asking, true), "another person's goes on");
    drop(leases);
    // What another's request is asked with names the person of these tests, by what they are asked with: bob's waits.
    let events = |conn: &Writing| {
        conn.execute("DELETE FROM deliveries WHERE event IN (SELECT number FROM events WHERE id = 'dsr_bob')", [])
            .and_then(|_| conn.execute("UPDATE events SET body = '' WHERE id = 'dsr_bob'", []))
            .map_err(failed)
    };
    store.db.write(events).await.unwrap();
    store.emptied().await;
    assert_eq!(holds(dir.path(), MARK), Vec::<std::path::PathBuf>::new());
}

fn wrote(event: &str, text: &str) -> CallReport {
    let call = Call::new(
        "call_1".parse().unwrap(),
        "acme".parse().unwrap(),
        "a".parse().unwrap(),
        "com.example.plugin".parse().unwrap(),
        Digest::of(b"component"),
        event.to_owned(),
        1,
        Limits::default(),
    );
    let log = vec![("info", text.to_owned())];
    CallReport { call: std::sync::Arc::new(call), end: CallEnd::Ok, usage: Usage::default(), log, answer: None }
}

async fn lines(store: &SqliteStore) -> Vec<String> {
    store.log_lines(None, 10).await.unwrap().into_iter().map(|line| line.message).collect()
}

#[tokio::test]
async fn what_plugins_write_while_they_answer_goes_when_the_last_has_and_what_comes_later_is_not_kept() {
    let (dir, store) = store();
    install(&store, "a", "acme").await;
    let request = begun(&store, "dsr_1", &["a"]).await;
    swept(&store, &request).await;
    let lease = store.lease(1, 1, Timestamp(0), HOLD).await.unwrap().pop().unwrap();
    let settled = Sweep { at: Stage::Asking, ask: None, ..sweep(&request, None) };
    store.keep(&wrote("privacy/dsr_1", &format!("erasing {MARK}")), Timestamp(1));
    store
        .settle(lease.delivery, Verdict::Answered { at: Timestamp(2), answer: PrivacyAnswer::NothingHeld }, vec![])
        .await
        .unwrap();
    let through = store.request(request.id.clone()).await.unwrap().unwrap();
    assert!(through.is_through() && !through.settled);
    assert_eq!(store.sweep(settled.clone()).await.unwrap().unwrap().installations["a"]["log-lines"], 1);
    assert_eq!(store.sweep(settled).await.unwrap(), None, "once");
    assert!(store.request(request.id.clone()).await.unwrap().unwrap().settled);
    // Handed in, and not written when the last look begins.
    store.keep(&wrote("zen/1", &format!("met {MARK}")), Timestamp(3));
    closed(&store, &request).await;
    store.sweep(sweep(&request, None)).await.unwrap().unwrap();
    assert!(store.forget_request(request.id.clone(), of_acme(Kind::PrivacyForgotten)).await.unwrap());
    store.keep(&wrote("privacy/dsr_1", &format!("late, of {MARK}")), Timestamp(4));
    store.keep(&wrote("zen/2", "met bob"), Timestamp(4));
    store.db.write(|_| Ok(())).await.unwrap();
    tokio::time::timeout(HOLD, async {
        while lines(&store).await.len() < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(lines(&store).await, [ERASED, ERASED, ERASED, "met bob"]);
    store.emptied().await;
    assert_eq!(holds(dir.path(), MARK), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn the_last_look_waits_for_what_was_under_way() {
    let (_dir, store) = store();
    install(&store, "a", "acme").await;
    let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
    store.ingest(event("1"), vec!["a".parse().unwrap()], new, old).await.unwrap();
    let lease = store.lease(1, 1, Timestamp(0), HOLD).await.unwrap().pop().unwrap();
    let request = begun(&store, "dsr_1", &[]).await;
    swept(&store, &request).await;
    closed(&store, &request).await;
    let awaits = store.request(request.id).await.unwrap().unwrap().awaits;
    assert_eq!(awaits, [lease.delivery]);
    assert!(store.still_under_way(awaits.clone(), Timestamp(1)).await.unwrap());
    let over = Timestamp(0).plus(HOLD);
    assert!(!store.still_under_way(awaits.clone(), over).await.unwrap(), "a worker that died is not waited for");
    store.settle(lease.delivery, Verdict::Done, vec![]).await.unwrap();
    assert!(!store.still_under_way(awaits, Timestamp(1)).await.unwrap());
}
