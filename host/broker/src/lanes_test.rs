use std::sync::atomic::AtomicI64;

use super::*;

#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl Hand {
    fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

fn lanes(rules: Traffic) -> (Arc<Hand>, Lanes) {
    let hand = Arc::new(Hand::default());
    (hand.clone(), Lanes::new(rules, hand))
}

fn owner(installation: &str) -> Owner {
    ("acme".parse().unwrap(), installation.parse().unwrap())
}

fn answer(bytes: usize) -> Result<Answer, ServiceError> {
    Ok(Answer { status: 200, headers: Vec::new(), body: vec![0; bytes], sent: 0, plaintext: false })
}

fn down() -> Result<Answer, ServiceError> {
    Err(ServiceError::Unavailable("down".into()))
}

/// The limit's name and its wait, where one was reached.
fn limit(entered: Result<Passage<'_>, ServiceError>) -> Option<(&'static str, u32)> {
    match entered {
        Ok(_) => None,
        Err(ServiceError::Limited { name, retry_after_ms: Some(ms), .. }) => Some((name, ms)),
        Err(other) => panic!("{other:?}"),
    }
}

/// One request from the beginning to this end.
fn one(lanes: &Lanes, host: &str, result: &Result<Answer, ServiceError>) -> Option<(&'static str, u32)> {
    match lanes.enter(owner("ins_1"), host, 0) {
        Ok(passage) => {
            passage.begins();
            passage.leave(result);
            None
        }
        refused => limit(refused),
    }
}

#[test]
fn requests_a_minute_are_of_one_installation_and_host() {
    let (hand, lanes) = lanes(Traffic { requests_per_minute: 2, ..Traffic::default() });
    assert_eq!(one(&lanes, "a.example", &answer(0)), None);
    assert_eq!(one(&lanes, "a.example", &answer(0)), None);
    assert_eq!(one(&lanes, "a.example", &answer(0)), Some(("http-requests-per-minute", 30_000)));
    assert_eq!(one(&lanes, "b.example", &answer(0)), None, "another host");
    assert_eq!(limit(lanes.enter(owner("ins_2"), "a.example", 0)), None, "another installation");
    hand.set(30_000);
    assert_eq!(one(&lanes, "a.example", &answer(0)), None);
    assert!(one(&lanes, "a.example", &answer(0)).is_some());
}

#[test]
fn bytes_a_minute_count_both_ways() {
    let mib = MAX_BODY as u64;
    let (hand, lanes) = lanes(Traffic { bytes_per_minute: 4 * mib, ..Traffic::default() });
    let passage = lanes.enter(owner("ins_1"), "a.example", mib).unwrap();
    passage.begins();
    passage.leave(&answer(MAX_BODY));
    assert_eq!(one(&lanes, "a.example", &Err(ServiceError::limited("http-response-bytes", mib))), None);
    assert_eq!(limit(lanes.enter(owner("ins_1"), "a.example", 2 * mib)), Some(("http-bytes-per-minute", 15_000)));
    assert_eq!(one(&lanes, "a.example", &answer(MAX_BODY)), None);
    assert_eq!(one(&lanes, "a.example", &answer(0)), Some(("http-bytes-per-minute", 1)));
    hand.set(15_000);
    assert_eq!(limit(lanes.enter(owner("ins_1"), "a.example", mib)), None);
}

#[test]
fn so_many_at_a_time_and_one_that_is_dropped_leaves_too() {
    let (_, lanes) = lanes(Traffic { concurrent: 2, ..Traffic::default() });
    let first = lanes.enter(owner("ins_1"), "a.example", 0).unwrap();
    let second = lanes.enter(owner("ins_1"), "a.example", 0).unwrap();
    assert_eq!(limit(lanes.enter(owner("ins_1"), "a.example", 0)), Some(("http-concurrent", 1_000)));
    assert_eq!(limit(lanes.enter(owner("ins_1"), "b.example", 0)), None);
    drop(first);
    let third = lanes.enter(owner("ins_1"), "a.example", 0).unwrap();
    second.leave(&answer(0));
    drop(third);
    assert_eq!(limit(lanes.enter(owner("ins_1"), "a.example", 0)), None);
}

#[test]
fn a_host_that_fails_is_left_alone_by_that_installation() {
    let (hand, lanes) = lanes(Traffic { failures: 2, pause: Duration::from_secs(10), ..Traffic::default() });
    assert_eq!(one(&lanes, "a.example", &down()), None);
    // Cut off from outside while the host was asked.
    lanes.enter(owner("ins_1"), "a.example", 0).unwrap().begins();
    assert_eq!(one(&lanes, "a.example", &answer(0)), Some(("http-circuit", 10_000)));
    assert_eq!(limit(lanes.enter(owner("ins_2"), "a.example", 0)), None);
    assert_eq!(one(&lanes, "b.example", &answer(0)), None);
    hand.set(10_000);
    let trying = lanes.enter(owner("ins_1"), "a.example", 0).unwrap();
    assert_eq!(one(&lanes, "a.example", &answer(0)), Some(("http-circuit", 1_000)));
    trying.begins();
    trying.leave(&answer(0));
    assert_eq!(one(&lanes, "a.example", &answer(0)), None);
}

#[test]
fn what_the_host_was_not_asked_is_not_its_failure() {
    let (_, lanes) = lanes(Traffic { failures: 1, ..Traffic::default() });
    drop(lanes.enter(owner("ins_1"), "a.example", 0).unwrap());
    lanes.enter(owner("ins_1"), "a.example", 0).unwrap().leave(&down());
    let frozen = ServiceError::Frozen("freeze 3 of everything: breach".into());
    for error in [ServiceError::Invalid("not public".into()), ServiceError::limited("http-response-bytes", 1), frozen] {
        assert_eq!(one(&lanes, "a.example", &Err(error)), None);
    }
    assert_eq!(one(&lanes, "a.example", &down()), None);
    assert!(one(&lanes, "a.example", &down()).is_some());
}

#[test]
fn a_refusal_takes_nothing() {
    let (hand, lanes) = lanes(Traffic { failures: 1, requests_per_minute: 2, ..Traffic::default() });
    one(&lanes, "a.example", &down());
    for _ in 0..50 {
        assert_eq!(one(&lanes, "a.example", &answer(0)).unwrap().0, "http-circuit");
    }
    hand.set(10_000);
    assert_eq!(one(&lanes, "a.example", &answer(0)), None, "neither a request nor the try was used up");
}

#[test]
fn lanes_are_bounded_and_forgotten_when_as_new() {
    let (hand, lanes) = lanes(Traffic::default());
    for n in 0..MAX_LANES {
        assert_eq!(one(&lanes, &format!("h{n}.example"), &answer(0)), None);
    }
    assert_eq!(one(&lanes, "more.example", &answer(0)), Some(("http-hosts", 60_000)));
    assert_eq!(limit(lanes.enter(owner("ins_2"), "more.example", 0)), None, "another installation has its own");
    one(&lanes, "h0.example", &down());
    let held = lanes.enter(owner("ins_1"), "h1.example", 0).unwrap();
    hand.set(60_000);
    assert_eq!(one(&lanes, "more.example", &answer(0)), None);
    let kept: Vec<_> = lanes.lock()[&owner("ins_1")].keys().cloned().collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    drop(held);
    for n in 0..MAX_LANES - 2 {
        assert_eq!(one(&lanes, &format!("d{n}.example"), &down()), None);
    }
    assert_eq!(one(&lanes, "again.example", &answer(0)), Some(("http-hosts", 60_000)), "failures are remembered");
    hand.set(60_000 + 600_000);
    assert_eq!(one(&lanes, "again.example", &answer(0)), None, "for ten minutes");
}
