use std::time::Duration;

use portcullis_model::{
    alert::{
        AlertChange, AlertId, AlertOutbox as _, AlertQuery, AlertSettled, AlertSeverity, AlertState, Alerts as _,
        ChangeError, Endpoint, Hit, MuteScope, Party, Trial,
    },
    audit::{Actor, Entry, Kind, Recorder as _},
    id::{Digest, TenantId},
    queue::Verdict,
    secret::Slot,
    time::Timestamp,
    webhook::{BackEndState, Health, Shown},
};

use super::*;
use crate::testing::{entry, store};

fn hit(at: i64, index: u64) -> Hit {
    Hit {
        rule: "new-destination".into(),
        title: "A plugin sends to a new host".into(),
        severity: AlertSeverity::High,
        party: Party::Subscriber,
        subject: "acme/ins_1".into(),
        tenant: Some("acme".parse().unwrap()),
        installation: Some("ins_1".parse().unwrap()),
        why: format!("h{index}.example for the first time"),
        entries: vec![index],
        time: Timestamp(at),
        cool_down: Duration::from_secs(3_600),
        is_news: false,
    }
}

fn step(from: u64, to: u64, hits: Vec<Hit>) -> DetectStep {
    DetectStep { from, to, cells: Vec::new(), hits, forget: Vec::new(), now: Timestamp(9_000) }
}

fn by(kind: Kind, at: i64) -> Entry {
    Entry::new(Timestamp(at), kind, Actor::Person { name: "dana".into() }, None)
}

fn all() -> AlertQuery {
    AlertQuery { closed: true, most: 100, ..AlertQuery::default() }
}

fn scope() -> MuteScope {
    MuteScope {
        rule: "new-destination".into(),
        tenant: Some("acme".parse().unwrap()),
        installation: Some("ins_1".parse().unwrap()),
    }
}

fn endpoint(tenant: Option<&str>, least: AlertSeverity) -> Endpoint {
    Endpoint {
        tenant: tenant.map(|tenant| tenant.parse().unwrap()),
        url: "https://alerts.example/in".into(),
        least,
        state: BackEndState::Active,
        health: Health::default(),
        generation: 1,
    }
}

async fn kinds(store: &SqliteStore, kind: Kind) -> usize {
    let entries = store.entries(0, 1_000).await.unwrap();
    entries.iter().filter(|entry| entry.kind == kind.name()).count()
}

#[tokio::test]
async fn what_was_found_is_stored_with_the_cursor_and_never_twice() {
    let (_dir, store) = store();
    store.record(vec![entry(Kind::HostStarted), entry(Kind::HostStarted)]).await.unwrap();
    let cell = MemoryCell { rule: "r".into(), subject: "s".into(), item: "i".into(), cell: Some((u64::MAX, 1, 2)) };
    let mut one = step(0, 2, vec![hit(1_000, 1)]);
    one.cells.push(cell.clone());
    // Two who follow the log find the same.
    let (first, second) = tokio::join!(store.detect_step(one.clone()), store.detect_step(one));
    assert_ne!(first.unwrap(), second.unwrap(), "one of them was faster");
    let list = store.alerts(all(), Timestamp(0)).await.unwrap();
    assert_eq!((list.alerts.len(), list.alerts[0].count, list.looked_at), (1, 1, 2));
    assert_eq!(list.alerts[0].entries, [1]);
    assert_eq!(kinds(&store, Kind::AlertRaised).await, 1);
    let kept = store.detect_memories(vec![("r".into(), "s".into())]).await.unwrap();
    assert_eq!(kept[0].cell.map(|cell| cell.0), Some(u64::try_from(i64::MAX).unwrap()));
    let mut gone = step(2, 3, vec![]);
    gone.cells.push(MemoryCell { cell: None, ..cell.clone() });
    assert!(store.detect_step(gone).await.unwrap());
    assert_eq!(store.detect_memories(vec![("r".into(), "s".into())]).await.unwrap(), []);
    let mut erased = step(3, 4, vec![]);
    (erased.cells, erased.forget) = (vec![cell], vec!["s".into()]);
    assert!(store.detect_step(erased).await.unwrap());
    assert_eq!(store.detect_memories(vec![("r".into(), "s".into())]).await.unwrap(), []);
}

#[tokio::test]
async fn what_dies_between_memory_and_cursor_leaves_neither_and_is_found_again_once() {
    let (dir, store) = store();
    store.record(vec![entry(Kind::HostStarted)]).await.unwrap();
    let mut one = step(0, 1, vec![hit(1_000, 0)]);
    one.cells.push(MemoryCell { rule: "r".into(), subject: "s".into(), item: "i".into(), cell: Some((1, 1, 1)) });
    // The disk, or the process, gives out within the transaction: after the memory and the cursor, at the alert.
    let breaks = "CREATE TRIGGER breaks BEFORE INSERT ON alerts BEGIN SELECT raise(ABORT, 'gone'); END";
    store.db.write(move |conn| conn.execute_batch(breaks).map_err(failed)).await.unwrap();
    assert!(store.detect_step(one.clone()).await.is_err());
    drop(store);
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    assert_eq!(store.detect_cursor().await.unwrap().next, 0);
    assert_eq!(store.detect_memories(vec![("r".into(), "s".into())]).await.unwrap(), []);
    assert_eq!(kinds(&store, Kind::AlertRaised).await, 0);
    store.db.write(|conn| conn.execute_batch("DROP TRIGGER breaks").map_err(failed)).await.unwrap();
    assert!(store.detect_step(one.clone()).await.unwrap());
    assert!(!store.detect_step(one).await.unwrap(), "a second time there is nothing");
    assert_eq!(store.alerts(all(), Timestamp(0)).await.unwrap().alerts.len(), 1);
    assert_eq!(kinds(&store, Kind::AlertRaised).await, 1);
}

#[tokio::test]
async fn hits_within_the_cool_down_are_one_alert_and_a_closed_one_takes_none() {
    let (_dir, store) = store();
    let hour = 3_600_000;
    let hits = vec![hit(0, 1), hit(hour - 1, 2), hit(hour, 3)];
    assert!(store.detect_step(step(0, 4, hits)).await.unwrap());
    let alerts = store.alerts(all(), Timestamp(0)).await.unwrap().alerts;
    let short: Vec<_> = alerts.iter().map(|one| (one.id.0, one.count, one.entries.clone(), one.last.0)).collect();
    assert_eq!(short, [(2, 1, vec![3], hour), (1, 2, vec![1, 2], hour - 1)]);
    let id = AlertId(2);
    let acknowledged = store.change_alert(id, AlertChange::Acknowledge, by(Kind::AlertAcknowledged, 5)).await.unwrap();
    assert_eq!((acknowledged.state, acknowledged.changed.is_some()), (AlertState::Acknowledged, true));
    let again = store.change_alert(id, AlertChange::Acknowledge, by(Kind::AlertAcknowledged, 5)).await;
    assert!(matches!(again, Err(ChangeError::Unfit(why)) if why == "alert alr_2 is acknowledged already"));
    assert!(store.detect_step(step(4, 5, vec![hit(hour + 1, 4)])).await.unwrap());
    let again = store.alert(id, Timestamp(0)).await.unwrap().unwrap();
    assert_eq!(
        (again.count, again.state),
        (2, AlertState::Open),
        "it goes on in the acknowledged one, which is open again"
    );
    assert_eq!(again.why, "h3.example for the first time; h4.example for the first time");
    store.change_alert(id, AlertChange::Close, by(Kind::AlertClosed, 6)).await.unwrap();
    assert!(store.detect_step(step(5, 6, vec![hit(hour + 2, 5)])).await.unwrap());
    let open = AlertQuery { most: 100, ..AlertQuery::default() };
    let left: Vec<u64> = store.alerts(open, Timestamp(0)).await.unwrap().alerts.iter().map(|one| one.id.0).collect();
    assert_eq!(left, [3, 1], "a new one after the closed one");
    let unknown = store.change_alert(AlertId(99), AlertChange::Close, by(Kind::AlertClosed, 6)).await;
    assert!(matches!(unknown, Err(ChangeError::Unknown(_))));
    assert_eq!((kinds(&store, Kind::AlertAcknowledged).await, kinds(&store, Kind::AlertClosed).await), (1, 1));
}

#[tokio::test]
async fn a_mute_hides_and_counts_and_lapses_by_itself_and_says_who_and_why() {
    let (_dir, store) = store();
    assert!(store.detect_step(step(0, 1, vec![hit(0, 0)])).await.unwrap());
    let until = Timestamp(10_000_000);
    let mute = by(Kind::AlertMuted, 100).with("reason", "Dana knows this host");
    store.mute(scope(), until, Entry { tenant: scope().tenant, ..mute }).await.unwrap();
    let late = 9_000_000;
    assert!(store.detect_step(step(1, 3, vec![hit(late, 1), hit(late + 1, 2)])).await.unwrap());
    let list = store.alerts(all(), Timestamp(late)).await.unwrap();
    assert_eq!((list.alerts.len(), list.alerts[0].standing()), (1, "muted"));
    let shown = &list.mutes[0];
    assert_eq!((shown.hidden, shown.hidden_last, shown.until), (2, Some(2), until));
    assert_eq!((shown.by.as_deref(), shown.reason.as_deref()), (Some("dana"), Some("Dana knows this host")));
    let of_others = Hit { installation: Some("ins_2".parse().unwrap()), subject: "acme/ins_2".into(), ..hit(late, 3) };
    assert!(store.detect_step(step(3, 4, vec![of_others])).await.unwrap());
    assert_eq!(store.alerts(all(), until).await.unwrap().alerts.len(), 2, "another installation is not muted");
    // Over by itself.
    let list = store.alerts(all(), until).await.unwrap();
    assert_eq!((list.mutes.len(), list.alerts[1].standing()), (0, "open"));
    assert!(store.detect_step(step(4, 5, vec![hit(until.0, 4)])).await.unwrap());
    assert_eq!(store.alerts(all(), until).await.unwrap().alerts.len(), 3);
    assert!(!store.unmute(scope(), by(Kind::AlertUnmuted, until.0)).await.unwrap(), "there is none any more");
    assert_eq!(kinds(&store, Kind::AlertUnmuted).await, 0);
    // What a person wrote is beside the log alone.
    let rows = store.db.read(|conn| {
        let query = "SELECT group_concat(body) || (SELECT group_concat(rule || coalesce(tenant, '')) FROM alert_mutes) FROM alerts";
        conn.query_row(query, [], |row| row.get::<_, String>(0)).map_err(failed)
    });
    let rows = rows.await.unwrap();
    assert!(!rows.contains("Dana") && !rows.contains("dana"), "{rows}");
}

#[tokio::test]
async fn a_mute_can_be_of_a_whole_tenant_and_be_ended() {
    let (_dir, store) = store();
    let whole = MuteScope { installation: None, ..scope() };
    store.mute(whole.clone(), Timestamp(1_000), by(Kind::AlertMuted, 0).with("reason", "x")).await.unwrap();
    let other = Hit { tenant: Some("other".parse().unwrap()), subject: "other/ins_1".into(), ..hit(10, 0) };
    assert!(store.detect_step(step(0, 2, vec![hit(10, 0), other])).await.unwrap());
    let list = store.alerts(all(), Timestamp(20)).await.unwrap();
    assert_eq!((list.alerts.len(), list.mutes[0].hidden), (1, 1));
    assert!(store.unmute(whole, by(Kind::AlertUnmuted, 20)).await.unwrap());
    assert!(store.detect_step(step(2, 3, vec![hit(30, 2)])).await.unwrap());
    let acme: Option<TenantId> = Some("acme".parse().unwrap());
    let of_acme = AlertQuery { tenant: acme, ..all() };
    assert_eq!(store.alerts(of_acme, Timestamp(40)).await.unwrap().alerts.len(), 1);
}

#[tokio::test]
async fn pages_follow_one_another() {
    let (_dir, store) = store();
    let hits = (0..5).map(|n| Hit { subject: format!("acme/ins_{n}"), ..hit(n, 0) }).collect();
    assert!(store.detect_step(step(0, 1, hits)).await.unwrap());
    let mut seen = Vec::new();
    let mut query = AlertQuery { most: 2, ..all() };
    loop {
        let page = store.alerts(query.clone(), Timestamp(0)).await.unwrap();
        seen.extend(page.alerts.iter().map(|one| one.id.0));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn whoever_asked_is_told_of_what_concerns_them_and_of_nothing_else() {
    let (_dir, store) = store();
    let set = |one| store.put_endpoint(one, None, None, by(Kind::AlertEndpoint, 0));
    assert!(set(endpoint(None, AlertSeverity::Low)).await.unwrap());
    assert!(set(endpoint(Some("acme"), AlertSeverity::High)).await.unwrap());
    assert!(set(endpoint(Some("other"), AlertSeverity::Low)).await.unwrap());
    assert!(!set(endpoint(None, AlertSeverity::High)).await.unwrap(), "there is one already");
    let mild = Hit { severity: AlertSeverity::Medium, rule: "mild".into(), ..hit(0, 1) };
    assert!(store.detect_step(step(0, 2, vec![hit(0, 0), mild])).await.unwrap());
    let hold = Duration::from_secs(60);
    let leased = store.lease_notifications(10, Timestamp(0), hold).await.unwrap();
    let told: Vec<_> = leased
        .iter()
        .map(|one| (one.endpoint.tenant.as_ref().map(ToString::to_string), one.rule.clone(), one.attempt))
        .collect();
    let operator = |rule: &str| (None, rule.to_owned(), 1);
    let acme = (Some("acme".into()), "new-destination".into(), 1);
    assert_eq!(told, [operator("new-destination"), operator("mild"), acme], "the operator's first");
    assert_eq!(store.lease_notifications(10, Timestamp(0), hold).await.unwrap().len(), 0, "they are held");
    let payload = String::from_utf8(leased[0].payload("https://host.example")).unwrap();
    assert!(
        !payload.contains("h0.example") && payload.contains("https://host.example/admin/v1/alerts/alr_1"),
        "{payload}"
    );
    // The worker died: it comes back, under the same id.
    let again = store.lease_notifications(10, Timestamp(60_000), hold).await.unwrap();
    assert_eq!((again.len(), again[0].attempt, again[0].message() == leased[0].message()), (3, 2, true));
    let settled = |number: u64, tenant: Option<TenantId>, verdict, shown, now| AlertSettled {
        number,
        tenant,
        generation: 1,
        verdict,
        shown: Some(shown),
        now: Timestamp(now),
    };
    let done = settled(again[0].number, None, Verdict::Done, Shown::Works, 60_001);
    store.settle_notification(done, vec![entry(Kind::AlertDelivery)]).await.unwrap();
    let gone = settled(again[2].number, scope().tenant, Verdict::Dead { error: "410".into() }, Shown::Gone, 60_002);
    store.settle_notification(gone, vec![]).await.unwrap();
    assert_eq!(kinds(&store, Kind::AlertEndpointDisabled).await, 1);
    let endpoints = store.endpoints().await.unwrap();
    assert_eq!(endpoints.iter().map(Endpoint::is_active).collect::<Vec<_>>(), [true, false, true]);
    let tried = async |tenant: Option<TenantId>| store.try_endpoint(tenant, by(Kind::AlertEndpoint, 0)).await.unwrap();
    assert_eq!(tried(scope().tenant).await, Trial::NoEndpoint, "it is disabled");
    assert_eq!(tried(None).await, Trial::Queued);
    let written = store.entry_count().await.unwrap();
    assert_eq!(tried(None).await, Trial::Waits, "one is enough");
    assert_eq!(store.entry_count().await.unwrap(), written);
    let anew = endpoint(None, AlertSeverity::Low);
    assert!(store.put_endpoint(anew, Some(1), None, by(Kind::AlertEndpoint, 0)).await.unwrap());
    assert_eq!(tried(None).await, Trial::Queued, "the one that waited tried out another");
    let left = store.lease_notifications(10, Timestamp(999_000), hold).await.unwrap();
    let left: Vec<_> = left.iter().map(|one| (one.alert.is_some(), one.attempt)).collect();
    assert_eq!(left, [(true, 3), (false, 1)]);
    let keys = Slot { tenant: "acme".parse().unwrap(), installation: None, name: "alert-keys".into() };
    let remove =
        async |one: Endpoint| store.remove_endpoint(&one, keys.clone(), by(Kind::AlertEndpoint, 0)).await.unwrap();
    let own = || endpoint(None, AlertSeverity::Low);
    assert!(!remove(Endpoint { generation: 7, ..own() }).await, "it is another one by now");
    assert!(remove(own()).await);
    assert!(!remove(own()).await);
    assert_eq!(store.lease_notifications(10, Timestamp(9_999_000), hold).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_is_new_or_goes_on_after_somebody_looked_is_told_and_what_goes_on_is_not() {
    let (_dir, store) = store();
    assert!(
        store.put_endpoint(endpoint(None, AlertSeverity::Low), None, None, by(Kind::AlertEndpoint, 0)).await.unwrap()
    );
    let waiting = || {
        store.db.read(|conn| {
            let count = "SELECT count(*) FROM alert_sendings";
            conn.query_row(count, [], |row| row.get::<_, usize>(0)).map_err(failed)
        })
    };
    let same = |index| Hit { rule: "many".into(), why: format!("{index} times"), ..hit(0, index) };
    assert!(store.detect_step(step(0, 3, vec![same(0), same(1), same(2)])).await.unwrap());
    assert_eq!((waiting().await.unwrap(), kinds(&store, Kind::AlertRaised).await), (1, 1), "more of the same");
    store.change_alert(AlertId(1), AlertChange::Acknowledge, by(Kind::AlertAcknowledged, 5)).await.unwrap();
    assert!(store.detect_step(step(3, 5, vec![same(3), same(4)])).await.unwrap());
    assert_eq!(
        (waiting().await.unwrap(), kinds(&store, Kind::AlertRaised).await),
        (2, 2),
        "once after somebody looked"
    );
    // Each new value is told, and a value that is known is not.
    let news = |index| Hit { is_news: true, ..hit(0, index) };
    assert!(store.detect_step(step(5, 9, vec![news(5), news(6), news(6), news(7)])).await.unwrap());
    assert_eq!(waiting().await.unwrap(), 5);
    assert!(store.detect_step(step(9, 200, (9..200).map(news).collect())).await.unwrap());
    // Up to the 25th of 195 hits, and at the 32nd, 64th and 128th.
    assert_eq!(waiting().await.unwrap(), 5 + 21 + 3);
    let alert = store.alert(AlertId(2), Timestamp(0)).await.unwrap().unwrap();
    assert_eq!((alert.count, alert.entries.len()), (195, 50));
    assert_eq!((alert.entries[0], alert.entries[49]), (5, 199), "how it began and how it goes on");
    assert!(alert.why.starts_with("h5.example") && alert.why.contains("h6.example"), "{}", alert.why);
    assert!(alert.why.contains("h199.example") && !alert.why.contains("h100.example"), "{}", alert.why);
}

#[tokio::test]
async fn whoever_is_told_much_and_slowly_holds_up_nobody_else() {
    let (_dir, store) = store();
    for one in [endpoint(Some("acme"), AlertSeverity::Low), endpoint(None, AlertSeverity::Critical)] {
        assert!(store.put_endpoint(one, None, None, by(Kind::AlertEndpoint, 0)).await.unwrap());
    }
    let many = (0..9).map(|n| Hit { subject: format!("acme/ins_{n}"), ..hit(0, n) });
    let grave = Hit { severity: AlertSeverity::Critical, tenant: None, subject: "host".into(), ..hit(0, 9) };
    assert!(store.detect_step(step(0, 10, many.chain([grave]).collect())).await.unwrap());
    let lease = || async {
        let leased = store.lease_notifications(4, Timestamp(0), Duration::from_secs(60)).await.unwrap();
        leased.into_iter().map(|one| one.endpoint.tenant.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(lease().await, [false, true, true], "the operator's first, and two of an owner");
    assert_eq!(lease().await, [false; 0], "as long as those are held");
}

#[tokio::test]
async fn days_of_failures_disable_an_endpoint() {
    let (_dir, store) = store();
    assert!(
        store.put_endpoint(endpoint(None, AlertSeverity::Low), None, None, by(Kind::AlertEndpoint, 0)).await.unwrap()
    );
    assert!(store.detect_step(step(0, 1, vec![hit(0, 0)])).await.unwrap());
    let day = 24 * 3_600_000;
    for n in 0..7 {
        let now = Timestamp(n * day);
        let Some(one) = store.lease_notifications(1, now, Duration::from_secs(1)).await.unwrap().pop() else { break };
        let shown = Shown::Fails { why: "it answered 500".into(), until: now };
        let verdict = Verdict::Retry { at: now, error: "it answered 500".into() };
        let settled =
            AlertSettled { number: one.number, tenant: None, generation: 1, verdict, shown: Some(shown), now };
        store.settle_notification(settled, vec![]).await.unwrap();
    }
    let one = store.endpoints().await.unwrap().pop().unwrap();
    assert!(matches!(&one.state, BackEndState::Disabled { since, .. } if *since == Timestamp(5 * day)), "{one:?}");
}

#[tokio::test]
async fn other_rules_are_on_record_once() {
    let (_dir, store) = store();
    let rules = Digest::of(b"rules");
    let change = |digest| store.detect_under(digest, entry(Kind::AlertRulesChanged));
    assert!(change(rules).await.unwrap());
    assert!(!change(rules).await.unwrap());
    assert!(change(Digest::of(b"others")).await.unwrap());
    assert_eq!(kinds(&store, Kind::AlertRulesChanged).await, 2);
    assert_eq!(store.detect_cursor().await.unwrap().rules, Some(Digest::of(b"others")));
}
