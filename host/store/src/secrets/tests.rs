use std::path::Path;

use portcullis_model::{
    audit::{Entry, Kind},
    connection::Standing,
    secret::{DIRECT, Head, SealedSecret, SecretPut, SecretStore, Slot, Swap, WrappedKey},
    time::Timestamp,
};
use rusqlite::Connection;

use crate::{SqliteStore, schema::MIGRATIONS, testing};

fn row(installation: Option<&str>, generation: u64, data_key: u64) -> SealedSecret {
    SealedSecret {
        tenant: "acme".parse().unwrap(),
        installation: installation.map(|i| i.parse().unwrap()),
        name: "chat".into(),
        generation,
        place: "{}".into(),
        origin: String::new(),
        issued: Timestamp(1),
        expires: Some(Timestamp(9)),
        data_key,
        sealed: vec![1, 2, generation as u8],
    }
}

fn entry(at: i64) -> Entry {
    Entry { time: Timestamp(at), ..testing::entry(Kind::ConnectionAdded) }
}

fn key(number: u64, wrapped_by: &str) -> WrappedKey {
    WrappedKey {
        tenant: "acme".parse().unwrap(),
        number,
        wrapped_by: wrapped_by.into(),
        wrapped: vec![number as u8; 3],
        made: Timestamp(0),
        current: true,
    }
}

async fn with_key() -> (std::sync::Arc<tempfile::TempDir>, SqliteStore) {
    let (dir, store) = testing::store();
    assert!(store.set_wrapping_key("k1", None, None).await.unwrap());
    assert_eq!(store.add_data_key(key(1, "k1"), None, entry(0)).await.unwrap(), Swap::Done);
    (dir, store)
}

async fn put(store: &SqliteStore, row: SealedSecret, expected: Option<Head>, at: i64, keep: i64) -> Swap {
    store.put_secret(row, expected, Timestamp(keep), entry(at)).await.unwrap()
}

/// The first secret of a slot, sealed as this, to be stored together with something else; under a data key that is made where there is none.
pub(crate) async fn first_of(store: &SqliteStore, slot: &Slot, sealed: u8) -> SecretPut {
    store.set_wrapping_key("k1", None, None).await.unwrap();
    store.add_data_key(key(1, "k1"), None, entry(0)).await.unwrap();
    let Slot { tenant, installation, name } = slot.clone();
    let row = SealedSecret { tenant, installation, name, sealed: vec![sealed], ..row(None, 1, 1) };
    SecretPut { row, expected: None, keep_since: Timestamp(0), entry: entry(1) }
}

/// A secret of this name, under a data key that is made where there is none.
pub(crate) async fn put_named(store: &SqliteStore, installation: &str, name: &str) {
    store.set_wrapping_key("k1", None, None).await.unwrap();
    store.add_data_key(key(1, "k1"), None, entry(0)).await.unwrap();
    let named = SealedSecret { name: name.into(), ..row(Some(installation), 1, 1) };
    assert_eq!(put(store, named, None, 1, 0).await, Swap::Done);
}

#[tokio::test]
async fn a_slot_goes_with_all_of_its_generations_and_everybody_can_tell() {
    let (_dir, store) = with_key().await;
    put(&store, row(None, 1, 1), None, 1, 0).await;
    put(&store, row(None, 2, 1), Some(Head::ready(1)), 2, 0).await;
    put(&store, row(Some("ins_1"), 1, 1), None, 1, 0).await;
    let before = store.secrets_revision().await.unwrap();
    assert!(store.remove_slot(&row(None, 1, 1).slot()).await.unwrap());
    assert!(!store.remove_slot(&row(None, 1, 1).slot()).await.unwrap(), "once");
    let left = store.vault().await.unwrap();
    assert_eq!(left.slots.len(), 1);
    assert_eq!(left.slots[0].current(), Some(&row(Some("ins_1"), 1, 1)));
    assert!(left.revision > before);
}

#[tokio::test]
async fn a_generation_follows_the_head_that_it_was_made_from() {
    let (_dir, store) = with_key().await;
    assert_eq!(put(&store, row(None, 1, 1), None, 1, 0).await, Swap::Done);
    assert_eq!(put(&store, row(Some("ins_1"), 1, 1), None, 1, 0).await, Swap::Done);
    assert_eq!(put(&store, row(Some("ins_1"), 1, 1), None, 1, 0).await, Swap::Stale);
    let (slot, first) = (row(Some("ins_1"), 1, 1).slot(), Head::ready(1));
    let claimed = Head {
        standing: Standing::Renewing { since: Timestamp(2) },
        claimant: Some("one".into()),
        unknown: 1,
        ..first.clone()
    };
    assert!(store.set_head(&slot, first.clone(), claimed.clone(), entry(2)).await.unwrap());
    assert!(!store.set_head(&slot, first.clone(), claimed.clone(), entry(2)).await.unwrap(), "one claim at a time");
    let other = Head { claimant: Some("other".into()), ..claimed.clone() };
    for stale in [first, other] {
        assert_eq!(put(&store, row(Some("ins_1"), 2, 1), Some(stale), 3, 0).await, Swap::Stale);
    }
    let before = (store.secrets_revision().await.unwrap(), store.entry_count().await.unwrap());
    assert_eq!(put(&store, row(Some("ins_1"), 2, 1), Some(claimed), 3, 0).await, Swap::Done);
    let rows = store.slot(&slot).await.unwrap().unwrap();
    assert_eq!((rows.head.clone(), rows.generations.len()), (Head::ready(2), 2));
    assert_eq!(rows.current(), Some(&row(Some("ins_1"), 2, 1)));
    assert_eq!(store.secrets().await.unwrap(), [row(None, 1, 1), row(Some("ins_1"), 2, 1)]);
    assert!(store.secrets_revision().await.unwrap() > before.0);
    assert_eq!(store.entry_count().await.unwrap(), before.1 + 1);
}

#[tokio::test]
async fn the_one_before_is_kept_until_it_is_not_needed() {
    let (_dir, store) = with_key().await;
    let slot = row(None, 1, 1).slot();
    let kept = async || -> Vec<u64> {
        store.slot(&slot).await.unwrap().unwrap().generations.iter().map(|row| row.generation).collect()
    };
    put(&store, row(None, 1, 1), None, 10, 0).await;
    put(&store, row(None, 2, 1), Some(Head::ready(1)), 20, 10).await;
    assert_eq!(kept().await, [1, 2]);
    put(&store, row(None, 3, 1), Some(Head::ready(2)), 40, 30).await;
    assert_eq!(kept().await, [2, 3], "1 ceased to be current at 20, 2 only now");
    assert_eq!(store.forget_retired(Timestamp(40)).await.unwrap(), 0);
    assert_eq!(store.forget_retired(Timestamp(41)).await.unwrap(), 1);
    assert_eq!(kept().await, [3]);
    assert_eq!(store.forget_retired(Timestamp(i64::MAX)).await.unwrap(), 0, "never the current one");
    put(&store, row(None, 4, 1), Some(Head::ready(3)), 50, i64::MAX).await;
    assert_eq!(kept().await, [3, 4], "the one before stays whatever the clock says");
}

#[tokio::test]
async fn nothing_is_sealed_or_wrapped_under_a_key_that_is_on_its_way_out() {
    let (_dir, store) = with_key().await;
    put(&store, row(None, 1, 1), None, 1, 0).await;
    assert_eq!(store.add_data_key(key(2, "k0"), Some(1), entry(0)).await.unwrap(), Swap::OtherKey);
    assert_eq!(store.add_data_key(key(2, "k1"), None, entry(0)).await.unwrap(), Swap::Stale);
    assert_eq!(store.add_data_key(key(2, "k1"), Some(1), entry(0)).await.unwrap(), Swap::Done);
    assert_eq!(put(&store, row(None, 2, 1), Some(Head::ready(1)), 1, 0).await, Swap::OtherKey);
    let tenant = "acme".parse().unwrap();
    assert!(!store.drop_data_key(&tenant, 1, entry(0)).await.unwrap(), "it seals a row");
    assert!(!store.drop_data_key(&tenant, 2, entry(0)).await.unwrap(), "it is current");
    let (old, new) = (row(None, 1, 1), SealedSecret { data_key: 2, sealed: vec![9], ..row(None, 1, 1) });
    assert!(!store.reseal(old.clone(), SealedSecret { place: "x".into(), ..new.clone() }).await.unwrap());
    assert!(store.reseal(old.clone(), new.clone()).await.unwrap());
    assert!(!store.reseal(old, new).await.unwrap(), "once");
    assert!(store.drop_data_key(&tenant, 1, entry(0)).await.unwrap());

    assert!(!store.set_wrapping_key("k2", None, Some(entry(0))).await.unwrap());
    assert!(store.set_wrapping_key("k2", Some("k1"), Some(entry(0))).await.unwrap());
    assert_eq!(store.wrapping_keys().await.unwrap(), ["k2", "k1"]);
    assert!(!store.drop_wrapping_key("k1", entry(0)).await.unwrap(), "it wraps a key");
    let old = store.vault().await.unwrap().keys.remove(0);
    let new = WrappedKey { wrapped_by: "k2".into(), wrapped: vec![7], ..old.clone() };
    let by_old = WrappedKey { wrapped: vec![8], ..old.clone() };
    assert_eq!(store.rewrap(old.clone(), by_old).await.unwrap(), Swap::OtherKey);
    assert_eq!(store.rewrap(old.clone(), new.clone()).await.unwrap(), Swap::Done);
    assert_eq!(store.rewrap(old, new).await.unwrap(), Swap::Stale);
    assert!(store.drop_wrapping_key("k1", entry(0)).await.unwrap());
    assert!(!store.drop_wrapping_key("k2", entry(0)).await.unwrap(), "it is current");
}

#[tokio::test]
async fn the_revision_tells_of_what_is_used_and_of_nothing_else() {
    let (_dir, store) = with_key().await;
    put(&store, row(None, 1, 1), None, 1, 0).await;
    let (slot, ready, now) = (row(None, 1, 1).slot(), Head::ready(1), Timestamp(1));
    let stands = |standing| Head { standing, ..Head::ready(1) };
    let renewing = stands(Standing::Renewing { since: now });
    let revoked = stands(Standing::Revoked { since: now });
    let mut last = store.secrets_revision().await.unwrap();
    for (from, to, told) in
        [(&ready, &renewing, false), (&renewing, &ready, false), (&ready, &revoked, true), (&revoked, &ready, true)]
    {
        assert!(store.set_head(&slot, from.clone(), to.clone(), entry(1)).await.unwrap());
        let revision = store.secrets_revision().await.unwrap();
        assert_eq!(revision > last, told, "{from:?} to {to:?}");
        last = revision;
    }
    store.db.write(|c| c.execute("DELETE FROM secrets", []).map(drop).map_err(crate::db::failed)).await.unwrap();
    assert!(store.vault().await.unwrap().slots.is_empty(), "generations go with their slot");
    assert!(store.secrets_revision().await.unwrap() > last);
}

fn an_older_file(path: &Path) {
    let conn = Connection::open(path).unwrap();
    let at = MIGRATIONS.iter().position(|step| step.contains("secrets_sealed_directly")).unwrap();
    for step in &MIGRATIONS[..at] {
        conn.execute_batch(step).unwrap();
    }
    conn.pragma_update(None, "user_version", at).unwrap();
    conn.execute("INSERT INTO secrets VALUES ('acme', 'ins_1', 'chat', 3, '{}', x'010203')", []).unwrap();
    conn.execute("INSERT INTO secrets VALUES ('acme', '', 'source/zen', 1, '{}', x'0405')", []).unwrap();
}

#[tokio::test]
async fn rows_of_an_older_file_are_carried_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("host.db");
    an_older_file(&path);
    let store = SqliteStore::open(&path).unwrap();
    let rows = store.vault().await.unwrap();
    let found: Vec<_> = rows
        .slots
        .iter()
        .map(|slot| (slot.head.clone(), slot.generations[0].name.as_str(), slot.generations.len()))
        .collect();
    assert_eq!(found, [(Head::ready(1), "source/zen", 1), (Head::ready(3), "chat", 1)]);
    assert!(rows.slots.iter().all(|slot| slot.current().unwrap().data_key == DIRECT));
    assert_eq!(rows.slots[1].current().unwrap().sealed, [1, 2, 3]);
}
