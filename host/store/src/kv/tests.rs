use super::*;
use crate::{
    spending::{ByHand, spend},
    testing::store,
};

const A: &str = "acme/ins_a";

struct Kv {
    rows: KvRows,
    store: SqliteStore,
    clock: Arc<ByHand>,
    _dir: Arc<tempfile::TempDir>,
}

fn kv() -> Kv {
    let (dir, store) = store();
    let clock = Arc::new(ByHand::default());
    Kv { rows: store.kv(clock.clone()), store, clock, _dir: dir }
}

impl Kv {
    async fn write(
        &self,
        by: &str,
        key: &str,
        value: &[u8],
        ttl: Option<u64>,
        expected: Expected,
    ) -> Result<(), ServiceError> {
        let act = KvSet { bucket: "b".into(), key: key.into(), value: value.into(), quota: 100, ttl, expected };
        spend(by, act, |act| self.rows.set(act)).await
    }

    async fn set(&self, by: &str, key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), ServiceError> {
        self.write(by, key, value, ttl, Expected::Anything).await
    }

    async fn get(&self, by: &str, key: &str) -> Option<Vec<u8>> {
        let act = KvGet { bucket: "b".into(), key: key.into() };
        spend(by, act, |act| self.rows.get(act)).await.unwrap()
    }

    async fn list(&self, by: &str) -> Vec<String> {
        let act = KvList { bucket: "b".into(), prefix: String::new(), after: None };
        spend(by, act, |act| self.rows.list(act)).await.unwrap()
    }

    async fn delete(&self, by: &str, key: &str) {
        let act = KvDelete { bucket: "b".into(), key: key.into() };
        spend(by, act, |act| self.rows.delete(act)).await.unwrap();
    }

    /// Rows that lie there, over or not, and what is on record as used; it must be what the rows take.
    async fn rows(&self, by: &str) -> (u64, u64) {
        let installation = by.split_once('/').unwrap().1.to_owned();
        let query = move |conn: &Connection| {
            let count = "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM kv WHERE installation = ?1";
            let used = "SELECT coalesce(sum(bytes), 0) FROM kv_use WHERE installation = ?1";
            let (rows, bytes): (u64, u64) =
                conn.query_row(count, [&installation], |r| Ok((r.get(0)?, r.get(1)?))).map_err(failed)?;
            let used: u64 = conn.query_row(used, [&installation], |r| r.get(0)).map_err(failed)?;
            assert_eq!(bytes, used, "the sum is that of the rows");
            Ok((rows, used))
        };
        self.store.db.read(query).await.unwrap()
    }
}

fn full() -> Result<(), ServiceError> {
    Err(ServiceError::limited("kv-bytes", 100))
}

#[tokio::test]
async fn what_is_over_is_not_there_at_once() {
    let kv = kv();
    kv.set(A, "short", b"1", Some(10)).await.unwrap();
    kv.set(A, "long", b"2", None).await.unwrap();
    kv.clock.pass(9);
    assert_eq!(kv.get(A, "short").await.as_deref(), Some(&b"1"[..]));
    kv.clock.pass(1);
    assert_eq!((kv.get(A, "short").await, kv.list(A).await), (None, vec!["long".to_owned()]));
    assert_eq!(kv.rows(A).await.0, 2, "reading disposes of nothing");
    kv.delete(A, "other").await;
    assert_eq!(kv.rows(A).await, (1, 5));
}

#[tokio::test]
async fn a_later_set_begins_its_own_time() {
    let kv = kv();
    kv.set(A, "k", b"1", Some(10)).await.unwrap();
    kv.clock.pass(9);
    kv.set(A, "k", b"2", Some(10)).await.unwrap();
    kv.clock.pass(9);
    assert_eq!(kv.get(A, "k").await.as_deref(), Some(&b"2"[..]));
    kv.set(A, "k", b"3", None).await.unwrap();
    kv.clock.pass(1_000_000);
    assert_eq!(kv.get(A, "k").await.as_deref(), Some(&b"3"[..]));
}

#[tokio::test]
async fn what_is_over_makes_room() {
    let kv = kv();
    kv.set(A, "a", &[0; 89], Some(10)).await.unwrap();
    assert_eq!(kv.set(A, "b", &[0; 10], None).await, full());
    kv.clock.pass(10);
    kv.set(A, "b", &[0; 99], None).await.unwrap();
    assert_eq!(kv.rows(A).await, (1, 100));
    assert_eq!(kv.set(A, "c", b"", None).await, full());
    kv.set(A, "b", &[0; 98], None).await.unwrap();
    kv.set(A, "c", b"", None).await.unwrap();
}

#[tokio::test]
async fn more_than_a_batch_that_is_over_makes_room_in_one_call() {
    let kv = kv();
    let rows = 2 * BATCH + 1;
    let fill = move |conn: &crate::db::Writing| {
        for n in 0..rows {
            let row = "INSERT INTO kv VALUES ('acme', 'ins_a', 'b', ?1, x'', 1000)";
            conn.execute(row, [format!("{n:04}")]).map_err(failed)?;
        }
        set_used(conn, &Owner { tenant: "acme".into(), installation: "ins_a".into() }, rows * 4)
    };
    kv.store.db.write(fill).await.unwrap();
    assert_eq!(kv.set(A, "x", b"", None).await, full());
    kv.clock.pass(1);
    kv.set(A, "x", b"", None).await.unwrap();
    assert_eq!(kv.rows(A).await, (2, 5), "it stops where there is room: one that is over is left");
    kv.delete(A, "y").await;
    assert_eq!(kv.rows(A).await, (1, 1));
}

#[tokio::test]
async fn compare_and_set_is_one_step() {
    let kv = kv();
    let swap = |expected: Expected, value: &'static [u8]| kv.write(A, "k", value, Some(10), expected);
    let value = |v: &[u8]| Expected::Value(v.to_vec());
    assert_eq!(swap(value(b"1"), b"2").await, Err(ServiceError::Conflict));
    swap(Expected::Nothing, b"1").await.unwrap();
    assert_eq!(swap(Expected::Nothing, b"2").await, Err(ServiceError::Conflict));
    assert_eq!(swap(value(b"2"), b"3").await, Err(ServiceError::Conflict));
    swap(value(b"1"), b"2").await.unwrap();
    assert_eq!(kv.get(A, "k").await.as_deref(), Some(&b"2"[..]));
    kv.clock.pass(10);
    assert_eq!(swap(value(b"2"), b"3").await, Err(ServiceError::Conflict), "it is over");
    swap(Expected::Nothing, b"4").await.unwrap();
    assert_eq!(kv.rows(A).await, (1, 2));
}

#[tokio::test]
async fn of_many_that_expect_the_same_one_succeeds() {
    let kv = Arc::new(kv());
    for round in 0..20u8 {
        let expected = if round == 0 { Expected::Nothing } else { Expected::Value(vec![round]) };
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (kv, expected) = (kv.clone(), expected.clone());
                tokio::spawn(async move { kv.write(A, "k", &[round + 1], None, expected).await })
            })
            .collect();
        let mut won = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(()) => won += 1,
                other => assert_eq!(other, Err(ServiceError::Conflict)),
            }
        }
        assert_eq!(won, 1, "round {round}");
    }
}

#[tokio::test]
async fn installations_share_nothing() {
    let kv = kv();
    let others = ["acme/ins_b", "globex/ins_a"];
    kv.set(A, "k", &[7; 99], Some(10)).await.unwrap();
    for other in others {
        assert_eq!((kv.get(other, "k").await, kv.list(other).await), (None, vec![]));
        kv.write(other, "k", &[8; 99], None, Expected::Nothing).await.unwrap();
        kv.delete(other, "k").await;
    }
    assert_eq!(kv.get(A, "k").await, Some(vec![7; 99]));
    kv.clock.pass(10);
    for other in others {
        kv.set(other, "k", b"", None).await.unwrap();
    }
    let mine = "SELECT count(*) FROM kv WHERE tenant = 'acme' AND installation = 'ins_a'";
    let count = |conn: &Connection| conn.query_row(mine, [], |r| r.get::<_, u64>(0)).map_err(failed);
    assert_eq!(kv.store.db.read(count).await.unwrap(), 1, "the writes of others dispose of nothing here");
}

#[tokio::test]
async fn the_sweep_disposes_of_what_is_over_up_to_its_limit() {
    let kv = kv();
    for (by, ttl) in [(A, Some(10)), ("acme/ins_b", Some(20)), ("globex/ins_c", Some(30)), ("globex/ins_d", None)] {
        for key in ["1", "2", "3"] {
            kv.set(by, key, b"v", ttl).await.unwrap();
        }
    }
    let now = |seconds: i64| Timestamp(seconds * 1000);
    assert_eq!(kv.store.sweep_expired(now(9), 100).await.unwrap(), 0);
    assert_eq!(kv.store.sweep_expired(now(20), 0).await.unwrap(), 0);
    assert_eq!(kv.store.sweep_expired(now(20), 4).await.unwrap(), 4);
    assert_eq!(kv.store.sweep_expired(now(20), 100).await.unwrap(), 2);
    assert_eq!(kv.store.sweep_expired(now(20), 100).await.unwrap(), 0);
    assert_eq!((kv.rows(A).await, kv.rows("acme/ins_b").await), ((0, 0), (0, 0)));
    assert_eq!((kv.rows("globex/ins_c").await, kv.rows("globex/ins_d").await), ((3, 6), (3, 6)));
}
