use portcullis_model::installation::{InstallationState, InstallationStore};

use super::*;
use crate::testing::{entry, event, installation, store};

const HOLD: Duration = Duration::from_secs(30);

async fn ingest(store: &SqliteStore, id: &str, targets: &[&str]) -> Ingested {
    let targets = targets.iter().map(|t| t.parse().unwrap()).collect();
    let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
    store.ingest(event(id), targets, new, old).await.unwrap()
}

async fn install(store: &SqliteStore, id: &str) {
    store.put_installation(installation(id), None, entry(Kind::PluginInstalled)).await.unwrap();
}

#[tokio::test]
async fn a_duplicate_is_dropped_and_on_record() {
    let (_dir, store) = store();
    assert_eq!(ingest(&store, "e1", &["a", "b"]).await, Ingested::New(2));
    assert_eq!(ingest(&store, "e1", &["a", "b"]).await, Ingested::Duplicate);
    let bodies = store.entries(0, 10).await.unwrap();
    assert!(String::from_utf8_lossy(&bodies[1].body).contains("event.duplicate"));
    assert_eq!(store.depth().await.unwrap(), vec![(DeliveryState::Pending, 2)]);
}

#[tokio::test]
async fn a_lease_is_exclusive_and_comes_back() {
    let (_dir, store) = store();
    install(&store, "a").await;
    ingest(&store, "e1", &["a"]).await;
    let now = Timestamp(1_000);
    let first = store.lease(10, 10, now, HOLD).await.unwrap();
    assert_eq!((first.len(), first[0].attempt), (1, 1));
    assert!(store.lease(10, 10, now, HOLD).await.unwrap().is_empty());
    let later = store.lease(10, 10, now.plus(HOLD), HOLD).await.unwrap();
    assert_eq!((later.len(), later[0].attempt), (1, 2));
    assert_eq!(store.recover().await.unwrap(), 1);
    assert_eq!(store.lease(10, 10, now, HOLD).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_row_that_nobody_can_read_is_put_aside_and_the_others_go_on() {
    let (_dir, store) = store();
    install(&store, "a").await;
    ingest(&store, "bad", &["a"]).await;
    ingest(&store, "good", &["a"]).await;
    let spoil =
        |conn: &crate::db::Writing| conn.execute("UPDATE events SET body = '{' WHERE id = 'bad'", []).map_err(failed);
    store.db.write(spoil).await.unwrap();
    let leases = store.lease(10, 10, Timestamp(1_000), HOLD).await.unwrap();
    assert_eq!(leases.iter().map(|lease| lease.event.id.as_str()).collect::<Vec<_>>(), ["good"]);
    let rows = store.deliveries(10).await.unwrap();
    let bad = rows.iter().find(|row| row.event == "bad").unwrap();
    assert_eq!((bad.state, bad.kind.as_str()), (DeliveryState::Dead, "unreadable"));
    let last = store.entries(0, 10).await.unwrap().pop().unwrap();
    assert!(String::from_utf8_lossy(&last.body).contains("delivery.dead"));
}

#[tokio::test]
async fn one_installation_cannot_take_all_and_a_suspended_one_waits() {
    let (_dir, store) = store();
    for id in ["a", "b", "c"] {
        install(&store, id).await;
    }
    for n in 0..20 {
        ingest(&store, &format!("e{n}"), &["a"]).await;
    }
    ingest(&store, "last", &["b", "c"]).await;
    let mut c = installation("c");
    c.generation = 2;
    c.state = InstallationState::Suspended { reason: "test".into(), by_platform: false };
    assert!(store.put_installation(c, Some(1), entry(Kind::PluginSuspended)).await.unwrap());
    let leases = store.lease(100, 4, Timestamp(0), HOLD).await.unwrap();
    let of = |id: &str| leases.iter().filter(|l| l.installation.as_str() == id).count();
    assert_eq!((of("a"), of("b"), of("c")), (4, 1, 0));
    assert!(store.lease(100, 4, Timestamp(0), HOLD).await.unwrap().is_empty(), "four of it are held already");
}

#[tokio::test]
async fn verdicts_do_what_they_say() {
    let (_dir, store) = store();
    install(&store, "a").await;
    for id in ["done", "retry", "dead", "released"] {
        ingest(&store, id, &["a"]).await;
    }
    let leases = store.lease(10, 10, Timestamp(0), HOLD).await.unwrap();
    let verdicts = [
        Verdict::Done,
        Verdict::Retry { at: Timestamp(50), error: "busy".into() },
        Verdict::Dead { error: "broken".into() },
        Verdict::Released { at: Timestamp(50) },
    ];
    for (lease, verdict) in leases.iter().zip(verdicts) {
        store.settle(lease.delivery, verdict, vec![entry(Kind::CallEnded)]).await.unwrap();
    }
    assert!(store.lease(10, 10, Timestamp(49), HOLD).await.unwrap().is_empty());
    let again = store.lease(10, 10, Timestamp(50), HOLD).await.unwrap();
    let tries: Vec<(&str, u32)> = again.iter().map(|l| (l.event.id.as_str(), l.attempt)).collect();
    assert_eq!(tries, [("retry", 2), ("released", 1)]);
    let rows = store.deliveries(10).await.unwrap();
    let dead = rows.iter().find(|r| r.event == "dead").unwrap();
    assert_eq!((dead.state, dead.error.as_deref()), (DeliveryState::Dead, Some("broken")));
}

#[tokio::test]
async fn what_was_put_aside_waits_anew_once_and_only_where_somebody_is_there() {
    let (_dir, store) = store();
    for id in ["a", "b"] {
        install(&store, id).await;
    }
    ingest(&store, "one", &["a", "b", "gone"]).await;
    let leases = store.lease(9, 9, Timestamp(0), HOLD).await.unwrap();
    for lease in &leases {
        let dead = Verdict::Dead { error: "it trapped".into() };
        store.settle(lease.delivery, dead, vec![entry(Kind::DeliveryDead)]).await.unwrap();
    }
    let of = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<InstallationId>>();
    let dead = Some(DeliveryState::Dead);
    let aside = store.deliveries_to(of(&["a", "b"]), dead, None, 9).await.unwrap();
    assert_eq!(aside.iter().map(|row| row.delivery).collect::<Vec<_>>(), [2, 1], "the newest first");
    assert_eq!(store.deliveries_to(of(&["a", "b"]), dead, Some(2), 9).await.unwrap().len(), 1);
    let others = store.deliveries_to(of(&["b"]), dead, None, 9).await.unwrap();
    assert_eq!(others[0].installation.as_str(), "b", "of nobody else");
    let waiting = Some(DeliveryState::Pending);
    assert!(store.deliveries_to(of(&["a", "b"]), waiting, None, 9).await.unwrap().is_empty(), "none waits");
    assert_eq!(store.deliveries_to(of(&["a", "b"]), None, None, 9).await.unwrap().len(), 2, "in any state");
    let before = store.entry_count().await.unwrap();
    let retry = async |number| store.retry(number, entry(Kind::DeliveryRetried)).await.unwrap();
    assert_eq!(store.may_retry(1).await.unwrap(), Retried::Waits);
    assert_eq!(store.delivery(1).await.unwrap().unwrap().state, DeliveryState::Dead, "nothing was changed");
    assert_eq!(retry(1).await, Retried::Waits);
    let row = store.delivery(1).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 0), "its tries are counted anew");
    for number in [1, 9] {
        assert_eq!(retry(number).await, Retried::NotAside);
    }
    let nobody =
        store.db.write(|conn| conn.execute("UPDATE deliveries SET state = 3 WHERE number = 3", []).map_err(failed));
    nobody.await.unwrap();
    assert_eq!(retry(3).await, Retried::NobodyThere);
    assert_eq!(store.entry_count().await.unwrap(), before + 1, "what changed nothing left no entry");
    let again = store.lease(9, 9, Timestamp(0), HOLD).await.unwrap();
    assert_eq!(again.iter().map(|one| (one.delivery, one.attempt)).collect::<Vec<_>>(), [(1, 1)]);
}

#[tokio::test]
async fn a_list_of_deliveries_walks_an_index_and_no_other_installations() {
    let (_dir, store) = store();
    for (id, targets) in [("e1", ["a", "b"]), ("e2", ["b", "c"]), ("e3", ["a", "c"])] {
        ingest(&store, id, &targets).await;
    }
    let listed_to = async |ids: &[&str], before, most| {
        let of = ids.iter().map(|id| id.parse().unwrap()).collect();
        let rows = store.deliveries_to(of, None, before, most).await.unwrap();
        rows.into_iter().map(|row| (row.delivery, row.installation.to_string())).collect::<Vec<_>>()
    };
    let row = |number, to: &str| (number, to.to_owned());
    assert_eq!(listed_to(&["a", "b"], None, 3).await, [row(5, "a"), row(3, "b"), row(2, "b")]);
    assert_eq!(listed_to(&["a", "b"], Some(2), 3).await, [row(1, "a")]);
    for (state, index) in [(None, "deliveries_of"), (Some(DeliveryState::Dead), "deliveries_dead")] {
        let plan = store.db.read(move |conn| {
            let sql = format!("EXPLAIN QUERY PLAN SELECT d.number FROM deliveries d WHERE {}", listed(state));
            let mut query = conn.prepare(&sql).map_err(failed)?;
            let steps = query.query_map(params!["[]", 7, 3], |row| row.get::<_, String>(3)).map_err(failed)?;
            steps.collect::<Result<Vec<_>, _>>().map_err(failed)
        });
        let plan = plan.await.unwrap();
        let walks = |step: &String| step.contains(&format!("{index} (installation=? AND number<?)"));
        assert!(plan.iter().any(walks), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN") && !step.starts_with("SCAN i ")), "{plan:?}");
    }
}
