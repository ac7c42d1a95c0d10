use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, Kind, Recorder as _},
    installation::{Installation, InstallationState, InstallationStore as _},
    privacy::{Finders, ORIGIN, PrivacyAsk, event_kind},
    queue::{DeliveryState, Queue as _, Retried},
};

use super::*;
use crate::testing::{entry, event, installation, store};

pub(super) const MARK: &str = "ada-of-the-tests@example.com";
pub(super) const HOLD: std::time::Duration = std::time::Duration::from_secs(30);

pub(super) fn who() -> Identity {
    Identity {
        user: "9010092".into(),
        names: vec!["Ada Of The Tests".into()],
        emails: vec![MARK.into()],
        phones: vec![],
    }
}

pub(super) fn request(id: &str, kind: PrivacyKind) -> PrivacyRequest {
    PrivacyRequest {
        id: id.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        kind,
        who: Some(who()),
        correction: None,
        opened: Timestamp(1),
        deadline: Timestamp(1_000),
        stage: Stage::Begun,
        closed: None,
        overdue: false,
        entry: 0,
        erased: None,
        emptied_by: None,
        settled: false,
        awaits: Vec::new(),
        parts: Vec::new(),
    }
}

pub(super) fn asks(request: &PrivacyRequest) -> Event {
    let ask = PrivacyAsk { kind: request.kind, who: who(), deadline: request.deadline, correction: None };
    Event {
        tenant: request.tenant.clone(),
        origin: ORIGIN.parse().unwrap(),
        kind: event_kind(request.kind),
        source: "/privacy".into(),
        subject: None,
        form: EventForm::Privacy,
        data: serde_json::to_value(ask).unwrap(),
        ..event(request.id.as_str())
    }
}

pub(super) fn parts(ids: &[&str]) -> Vec<NewPart> {
    let part = |id: &&str| NewPart {
        installation: id.parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        state: PartState::Waiting,
    };
    ids.iter().map(part).collect()
}

pub(super) async fn install(store: &SqliteStore, id: &str, tenant: &str) -> Installation {
    let one = Installation { tenant: tenant.parse().unwrap(), ..installation(id) };
    assert!(store.put_installation(one.clone(), None, entry(Kind::PluginInstalled)).await.unwrap());
    one
}

async fn opened(store: &SqliteStore, kind: PrivacyKind, of: &[&str]) -> PrivacyRequest {
    let request = request("dsr_1", kind);
    let about = entry(Kind::PrivacyRequested).with_personal("user", "9010092");
    store.open_request(request.clone(), parts(of), Some(asks(&request)), about).await.unwrap();
    store.request(request.id).await.unwrap().unwrap()
}

pub(super) fn answered(records: u32) -> Verdict {
    let answer = PrivacyAnswer::Done { records, data: Some(format!("{{\"of\":\"{MARK}\"}}")), note: None };
    Verdict::Answered { at: Timestamp(9), answer }
}

pub(super) fn holds(dir: &std::path::Path, mark: &str) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let lower = |bytes: Vec<u8>| bytes.to_ascii_lowercase();
    files
        .filter(|path| lower(std::fs::read(path).unwrap()).windows(mark.len()).any(|at| at == mark.as_bytes()))
        .collect()
}

#[tokio::test]
async fn a_part_is_answered_once_however_often_it_is_asked() {
    let (_dir, store) = store();
    install(&store, "a", "acme").await;
    install(&store, "b", "acme").await;
    let request = opened(&store, PrivacyKind::Access, &["a", "b"]).await;
    assert_eq!((request.stage, request.is_through()), (Stage::Asking, false));
    let first = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap();
    assert_eq!(first.iter().map(|one| (one.attempt, one.asked)).collect::<Vec<_>>(), [(1, 0), (1, 0)]);
    // The host dies between the answer and the settling: it is asked again.
    assert_eq!(store.recover().await.unwrap(), 2);
    let again = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap();
    assert_eq!((again.len(), again[0].tries()), (2, 2));
    store.settle(again[0].delivery, answered(3), vec![entry(Kind::PrivacyAnswered)]).await.unwrap();
    // The first worker was only slow.
    store.settle(first[0].delivery, answered(4), vec![]).await.unwrap();
    let request = store.request(request.id).await.unwrap().unwrap();
    let data = Some(format!("{{\"of\":\"{MARK}\"}}"));
    assert_eq!(request.parts.len(), 2);
    assert_eq!(request.parts[0].state, PartState::Done { records: 3, note: None, data });
    assert_eq!((&request.parts[1].state, request.is_through()), (&PartState::Waiting, false));
    let listed = store.requests(Some("acme".parse().unwrap())).await.unwrap();
    assert_eq!(listed[0].parts[0].state, PartState::Done { records: 3, note: None, data: None }, "no list has data");
    assert!(store.requests(Some("other".parse().unwrap())).await.unwrap().is_empty());
}

#[tokio::test]
async fn later_is_counted_apart_from_crashes_and_ends_when_it_is_answered() {
    let (_dir, store) = store();
    install(&store, "a", "acme").await;
    let request = opened(&store, PrivacyKind::Erase, &["a"]).await;
    for n in 0..100 {
        let lease = store.lease(10, 10, Timestamp(n * 10), HOLD).await.unwrap().pop().unwrap();
        assert_eq!((lease.attempt, lease.asked, lease.tries()), (1, n as u32, n as u32 + 1));
        let error = (n % 2 == 0).then(|| "busy".to_owned());
        store.settle(lease.delivery, Verdict::Later { at: Timestamp(n * 10 + 10), error }, vec![]).await.unwrap();
        assert!(store.lease(10, 10, Timestamp(n * 10 + 9), HOLD).await.unwrap().is_empty());
    }
    let part = store.request(request.id.clone()).await.unwrap().unwrap().parts.pop().unwrap();
    assert_eq!((part.state, part.tries, part.problem.as_deref()), (PartState::Waiting, 100, Some("busy")));
    let lease = store.lease(10, 10, Timestamp(5_000), HOLD).await.unwrap().pop().unwrap();
    let failed = Verdict::Unanswered { at: Timestamp(5_000), error: "broken".into() };
    store.settle(lease.delivery, failed, vec![]).await.unwrap();
    let request = store.request(request.id).await.unwrap().unwrap();
    assert_eq!(request.parts[0].state, PartState::Failed { error: "broken".into() });
    assert!(request.is_through() && request.unproven().count() == 1);
    assert_eq!(store.deliveries(1).await.unwrap()[0].state, DeliveryState::Dead);
}

#[tokio::test]
async fn a_suspended_part_waits_and_one_that_goes_away_does_not() {
    let (_dir, store) = store();
    for id in ["a", "b"] {
        let one = install(&store, id, "acme").await;
        let state = InstallationState::Suspended { reason: "test".into(), by_platform: false };
        let changed = Installation { state, generation: 2, ..one };
        assert!(store.put_installation(changed, Some(1), entry(Kind::PluginSuspended)).await.unwrap());
    }
    let request = opened(&store, PrivacyKind::Erase, &["a", "b"]).await;
    assert!(request.parts.iter().all(|part| part.suspended && part.state == PartState::Waiting));
    assert!(store.lease(10, 10, Timestamp(0), HOLD).await.unwrap().is_empty());
    let dead = |conn: &Writing| {
        conn.execute("UPDATE deliveries SET state = 3, error = 'gone' WHERE installation = 'a'", []).map_err(failed)?;
        conn.execute("DELETE FROM deliveries WHERE installation = 'b'", []).map_err(failed)
    };
    store.db.write(dead).await.unwrap();
    let request = store.request(request.id).await.unwrap().unwrap();
    assert!(request.is_through(), "{:?}", request.parts);
    assert_eq!(request.parts[0].state, PartState::Failed { error: "gone".into() });
}

/// All that the host keeps, of this tenant, with the person in it.
async fn fill(store: &SqliteStore, tenant: &'static str, ids: [&'static str; 2]) {
    for id in ids {
        install(store, id, tenant).await;
    }
    let mut mentioning = event(&format!("{tenant}-done"));
    mentioning.tenant = tenant.parse().unwrap();
    mentioning.data = serde_json::json!({ "detail": { "id": "1", "requester_id": "9010092", "description": format!("mail {MARK}") } });
    let waiting = Event { id: format!("{tenant}-waits"), ..mentioning.clone() };
    for (event, to) in [(mentioning, ids[0]), (waiting, ids[1])] {
        let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
        store.ingest(event, vec![to.parse().unwrap()], new, old).await.unwrap();
    }
    let sql = move |conn: &Writing| {
        let value = format!("{{\"mail\":\"{}\"}}", MARK.to_uppercase());
        conn.execute("INSERT INTO kv VALUES (?1, ?2, 'b', 'user:9010092', x'78', NULL)", params![tenant, ids[0]])
            .map_err(failed)?;
        conn.execute("INSERT INTO kv VALUES (?1, ?2, 'b', 'k', ?3, NULL)", params![tenant, ids[0], value.as_bytes()])
            .map_err(failed)?;
        conn.execute("INSERT INTO kv VALUES (?1, ?2, 'b', 'bob', CAST('bob' AS BLOB), NULL)", params![tenant, ids[0]])
            .map_err(failed)?;
        conn.execute("INSERT INTO kv_use VALUES (?1, ?2, 1000)", params![tenant, ids[0]]).map_err(failed)?;
        for text in [format!("met {MARK}"), "met bob".to_owned()] {
            conn.execute(
                "INSERT INTO plugin_log VALUES (NULL, ?1, ?2, 'c', 0, 'info', ?3)",
                params![tenant, ids[0], text],
            )
            .map_err(failed)?;
        }
        conn.execute("UPDATE deliveries SET state = 2 WHERE installation = ?1", [ids[0]]).map_err(failed)?;
        conn.execute("UPDATE deliveries SET error = ?2 WHERE installation = ?1", params![ids[1], format!("no {MARK}")])
            .map(drop)
            .map_err(failed)
    };
    store.db.write(sql).await.unwrap();
    let mut by = entry(Kind::PluginGranted).about("user:9010092").with("reason", format!("because of {MARK}"));
    by.tenant = Some(tenant.parse().unwrap());
    by.actor = Actor::Person { name: "Ada Of The Tests".into() };
    store.record(vec![by]).await.unwrap();
}

pub(super) fn sweep(request: &PrivacyRequest, ask: Option<Event>) -> Sweep {
    let of = |kind| Entry { tenant: Some(request.tenant.clone()), ..entry(kind) };
    Sweep {
        id: request.id.clone(),
        tenant: request.tenant.clone(),
        finders: Arc::new(Finders::new(&who())),
        at: if ask.is_some() { Stage::Begun } else { Stage::Closed },
        files: HeldCopies::default(),
        ask,
        entry: of(Kind::PrivacyErased),
        values: of(Kind::AuditErased),
    }
}

#[tokio::test]
async fn nothing_of_the_person_is_left_in_any_file_and_all_of_others_is() {
    let (dir, store) = store();
    fill(&store, "acme", ["a", "b"]).await;
    assert!(!holds(dir.path(), MARK).is_empty(), "it is there to be found");
    let request = request("dsr_1", PrivacyKind::Erase);
    let about = Entry { tenant: Some(request.tenant.clone()), ..entry(Kind::PrivacyRequested) }
        .with_personal("user", "9010092");
    store.open_request(request.clone(), parts(&["b"]), None, about).await.unwrap();
    assert_eq!(store.sweep(sweep(&request, None)).await.unwrap(), None, "it is not closed");
    let held = store.sweep(sweep(&request, Some(asks(&request)))).await.unwrap().unwrap();
    let a = [("log-lines".to_owned(), 1), ("values".to_owned(), 2)];
    assert_eq!(held.installations["a"], a.into_iter().collect());
    assert_eq!(held.installations["b"], [("delivery-errors".to_owned(), 1)].into_iter().collect());
    let of_tenant = [("audit-values", 3), ("events", 1), ("events-changed", 1)].map(|(sort, n)| (sort.to_owned(), n));
    assert_eq!((held.tenant, held.is_gone), (of_tenant.into_iter().collect(), true));
    assert_eq!(store.sweep(sweep(&request, Some(asks(&request)))).await.unwrap(), None, "once");

    let leases = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap();
    let waits = leases.iter().find(|one| one.event.id == "acme-waits").unwrap();
    assert_eq!(waits.event.data["detail"]["description"], ERASED);
    let asked = leases.iter().find(|one| one.event.form == EventForm::Privacy).unwrap();
    assert_eq!(asked.event.data["who"]["emails"][0], MARK, "the plugin is told whom it is about");
    let note = PrivacyAnswer::Done { records: 1, data: None, note: Some(format!("wrote to {MARK}")) };
    store.settle(asked.delivery, Verdict::Answered { at: Timestamp(5), answer: note }, vec![]).await.unwrap();

    let closing = |tenant: &str| Closing {
        id: request.id.clone(),
        tenant: tenant.parse().unwrap(),
        at: Timestamp(9),
        entry: entry(Kind::PrivacyClosed),
    };
    assert!(!store.close_request(closing("other")).await.unwrap(), "of another tenant");
    assert!(
        store.close_request(closing("acme")).await.unwrap() && !store.close_request(closing("acme")).await.unwrap()
    );
    let last = store.sweep(sweep(&request, None)).await.unwrap().unwrap();
    assert_eq!(last.installations["b"]["answers"], 1, "{last:?}");
    assert!(store.forget_request(request.id.clone(), entry(Kind::PrivacyForgotten)).await.unwrap());
    for mark in [MARK, "ada of the tests", "9010092"] {
        assert_eq!(holds(dir.path(), mark), Vec::<std::path::PathBuf>::new(), "{mark}");
    }
    let rows = |sql: &'static str| {
        let store = store.clone();
        async move {
            store
                .db
                .read(move |conn| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed))
                .await
                .unwrap()
        }
    };
    assert_eq!(rows("SELECT count(*) FROM kv").await, 1, "bob's stays");
    assert_eq!(rows("SELECT count(*) FROM plugin_log WHERE message = 'met bob'").await, 1);
    let spared = 1000 - (b"user:9010092".len() + 1 + 1 + MARK.len() + r#"{"mail":""}"#.len());
    assert_eq!(rows("SELECT bytes FROM kv_use").await, spared as i64);
    let request = store.request(request.id).await.unwrap().unwrap();
    assert_eq!((request.stage, request.who, request.erased.unwrap().total() > 8), (Stage::Forgotten, None, true));
    assert!(store.entries(0, 1_000).await.unwrap().iter().all(|one| one.read().is_ok()), "the log still reads");
}

#[tokio::test]
async fn another_tenants_person_of_the_same_id_is_not_touched() {
    let (_dir, store) = store();
    fill(&store, "acme", ["a", "b"]).await;
    fill(&store, "other", ["c", "d"]).await;
    let finders = Arc::new(Finders::new(&who()));
    let count = |tenant: &str| store.copies_of(tenant.parse().unwrap(), finders.clone());
    let before = count("other").await.unwrap();
    assert_eq!(before.len(), count("acme").await.unwrap().len());
    assert!(before.len() >= 8, "{before:?}");
    let request = request("dsr_1", PrivacyKind::Erase);
    store.open_request(request.clone(), vec![], None, entry(Kind::PrivacyRequested)).await.unwrap();
    store.sweep(sweep(&request, Some(asks(&request)))).await.unwrap().unwrap();
    assert_eq!(count("other").await.unwrap(), before);
    let left = count("acme").await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_closed_request_is_not_asked_any_more_and_told_once_when_it_is_overdue() {
    let (_dir, store) = store();
    install(&store, "a", "acme").await;
    let request = opened(&store, PrivacyKind::Restrict, &["a"]).await;
    assert!(store.note_overdue(request.id.clone(), entry(Kind::PrivacyOverdue)).await.unwrap());
    assert!(!store.note_overdue(request.id.clone(), entry(Kind::PrivacyOverdue)).await.unwrap());
    let closing =
        Closing { id: request.id.clone(), tenant: request.tenant, at: Timestamp(9), entry: entry(Kind::PrivacyClosed) };
    assert!(store.close_request(closing).await.unwrap());
    assert!(store.lease(10, 10, Timestamp(50_000), HOLD).await.unwrap().is_empty());
    let request = store.request(request.id).await.unwrap().unwrap();
    assert!(matches!(&request.parts[0].state, PartState::Failed { error } if error == "the request was closed"));
    assert_eq!(store.unfinished().await.unwrap().len(), 1);
    assert!(store.forget_request(request.id, entry(Kind::PrivacyForgotten)).await.unwrap());
    assert!(store.unfinished().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_comes_after_the_end_enters_nothing() {
    let (dir, store) = store();
    install(&store, "a", "acme").await;
    let request = opened(&store, PrivacyKind::Access, &["a"]).await;
    let lease = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap().pop().unwrap();
    let closing = Closing {
        id: request.id.clone(),
        tenant: request.tenant.clone(),
        at: Timestamp(9),
        entry: entry(Kind::PrivacyClosed),
    };
    assert!(store.close_request(closing).await.unwrap());
    let late = PrivacyAnswer::Done { records: 7, data: Some("LATE-ANSWER".into()), note: Some("LATE-ANSWER".into()) };
    store.settle(lease.delivery, Verdict::Answered { at: Timestamp(10), answer: late }, vec![]).await.unwrap();
    let request = store.request(request.id).await.unwrap().unwrap();
    assert!(!matches!(request.parts[0].state, PartState::Done { .. }), "{:?}", request.parts);
    assert_eq!(store.deliveries(1).await.unwrap()[0].state, DeliveryState::Dead, "what was given up stays so");
    let again = store.retry(lease.delivery, entry(Kind::DeliveryRetried)).await.unwrap();
    assert_eq!(again, Retried::OfPerson, "nor is whom it is about told to the plugin once more");
    assert_eq!(holds(dir.path(), "late-answer"), Vec::<std::path::PathBuf>::new());
}
