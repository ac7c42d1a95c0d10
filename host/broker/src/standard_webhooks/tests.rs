//! Keys in the vault.

use std::sync::atomic::{AtomicI64, Ordering};

use portcullis_model::webhook::{BackEnd, BackEndState, Health};
use portcullis_store::SqliteStore;

use super::*;
use crate::{
    connection::Connections,
    key::{Key, service::KeyRing},
    testing::{Counter, entry, hooked::Hooked, ring, store, vault},
};

pub(super) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Hand {
    pub(super) fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

/// A clock that stands at its beginning.
pub(super) fn hand() -> Arc<Hand> {
    Arc::new(Hand(AtomicI64::new(0)))
}

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: Arc<SqliteStore>,
    pub(super) clock: Arc<Hand>,
    pub(super) keys: SigningKeys,
}

pub(super) fn world() -> World {
    let (dir, store) = store();
    let clock = Arc::new(Hand(AtomicI64::new(0)));
    let keys = SigningKeys::new(store.clone(), Arc::new(vault(&store)), clock.clone(), Arc::new(Counter::default()));
    World { dir, store, clock, keys }
}

/// An installation's back end, without keys.
pub(super) fn back_end(id: &str) -> BackEnd {
    let (tenant, installation) = owner(id);
    BackEnd {
        tenant,
        installation,
        url: "https://hooks.example.test/".parse().unwrap(),
        events: Vec::new(),
        state: BackEndState::Active,
        health: Health::default(),
        generation: 1,
    }
}

pub(super) fn owner(id: &str) -> Owner {
    ("acme".parse().unwrap(), id.parse().unwrap())
}

pub(super) async fn signs(keys: &SigningKeys, id: &str) -> Result<Vec<String>, SignError> {
    let (tenant, installation) = owner(id);
    let header = keys.sign(&tenant, &installation, "msg_1", 7, b"{}").await?;
    Ok(header.split(' ').map(str::to_owned).collect())
}

/// A channel's first key, stored by itself.
pub(super) async fn create(keys: &SigningKeys, id: &str, scheme: Scheme) -> Made {
    let ring = Ring::new(SigningKey::fresh(scheme, keys.rng.as_ref()), keys.clock.now());
    keys.put(owner(id), None, ring, entry()).await.unwrap()
}

fn by(made: &Made) -> String {
    SigningKey::parse(&made.shown).unwrap().sign("msg_1", 7, b"{}")
}

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn each_channel_has_keys_of_its_own_and_they_rotate_with_an_overlap() {
    let World { clock, keys, .. } = &world();
    assert_eq!(signs(keys, "a").await.err(), Some(SignError::NoKey));
    let first = create(keys, "a", Scheme::Hmac).await;
    let other = create(keys, "b", Scheme::Hmac).await;
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&first)]);
    assert_ne!(by(&first), by(&other));
    let ready = keys.prepare(owner("a"), None, entry()).await.unwrap();
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&first)], "it is only ready");
    let rehearsed = keys.rehearse(&owner("a"), Some(DAY)).await.unwrap();
    let second = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    assert_eq!(by(&second), by(&ready), "the one that was made ready");
    assert_eq!((second.ready, second.previous_until), (rehearsed.ready, rehearsed.previous_until));
    assert_eq!((ready.ready, second.ready), (Ready::None, Ready::Signs));
    assert_eq!((second.generation, second.previous_until), (3, Some(Timestamp(0).plus(DAY))));
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&second), by(&first)]);
    clock.0.store(second.previous_until.unwrap().0, Ordering::SeqCst);
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&second)]);
    assert_eq!(signs(keys, "b").await.unwrap(), [by(&other)]);
}

#[tokio::test]
async fn another_processs_change_is_seen_and_of_two_at_once_one_is_refused() {
    let World { store, clock, keys, .. } = &world();
    create(keys, "a", Scheme::Hmac).await;
    let other = SigningKeys::new(store.clone(), Arc::new(vault(store)), clock.clone(), Arc::new(Counter::default()));
    let made = other.rotate(owner("a"), None, Duration::ZERO, entry()).await.unwrap();
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&made)]);
    let (head, ring) = keys.known(&owner("a")).await.unwrap();
    let theirs = other.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    let late = keys.rotate_at(owner("a"), head, &ring, None, DAY, entry()).await;
    assert!(matches!(late, Err(KeysError::Busy(_))));
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&theirs), by(&made)]);
}

#[tokio::test]
async fn a_revoked_channel_signs_nothing_until_it_is_rotated_and_other_keys_are_left_alone() {
    let World { keys, .. } = &world();
    let first = create(keys, "a", Scheme::Hmac).await;
    let second = keys.rotate(owner("a"), None, Duration::ZERO, entry()).await.unwrap();
    keys.revoke(owner("a"), first.generation, entry()).await.unwrap();
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&second)], "no key of that generation signs any more");
    for _ in 0..2 {
        keys.revoke(owner("a"), second.generation, entry()).await.unwrap();
        assert_eq!(signs(keys, "a").await.err(), Some(SignError::Revoked));
    }
    let third = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    assert_eq!((third.generation, third.previous_until), (4, None));
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&third)]);
}

/// Changes after which keys of the generation before still sign, or will.
async fn changed(keys: &SigningKeys, how: &str) -> u64 {
    create(keys, "a", Scheme::Hmac).await;
    match how {
        "made ready" => keys.prepare(owner("a"), None, entry()).await.unwrap().generation - 1,
        "rotated" => keys.rotate(owner("a"), None, DAY, entry()).await.unwrap().generation - 1,
        _ => {
            let listed = keys.prepare(owner("a"), None, entry()).await.unwrap().generation;
            keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
            listed
        }
    }
}

#[tokio::test]
async fn a_key_that_signs_on_in_a_newer_generation_is_ended_all_the_same() {
    for how in ["made ready", "rotated", "made ready, then rotated"] {
        let World { keys, .. } = &world();
        let listed = changed(keys, how).await;
        keys.revoke(owner("a"), listed, entry()).await.unwrap();
        assert_eq!(signs(keys, "a").await.err(), Some(SignError::Revoked), "{how}");

        let World { keys, .. } = &world();
        let listed = changed(keys, how).await;
        let before = signs(keys, "a").await.unwrap();
        let generation = keys.rotate_from(owner("a"), listed, Duration::ZERO, entry()).await.unwrap();
        let after = signs(keys, "a").await.unwrap();
        assert!(after.len() == 1 && !before.contains(&after[0]), "{how}");
        let again = keys.rotate_from(owner("a"), listed, Duration::ZERO, entry()).await.unwrap();
        assert_eq!((again, signs(keys, "a").await.unwrap()), (generation, after), "{how}: once is enough");
        keys.revoke(owner("a"), listed, entry()).await.unwrap();
        assert!(signs(keys, "a").await.is_ok(), "{how}: what came after it is left alone");
    }
}

#[tokio::test]
async fn what_an_overlap_that_is_over_or_a_lost_generation_leaves() {
    let World { keys, clock, .. } = &world();
    let first = create(keys, "a", Scheme::Hmac).await;
    let second = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    clock.0.store(second.previous_until.unwrap().0, Ordering::SeqCst);
    keys.revoke(owner("a"), first.generation, entry()).await.unwrap();
    assert_eq!(signs(keys, "a").await.unwrap(), [by(&second)], "the listed key is over");
    keys.vault.forget_retired(clock.now().plus(DAY)).await.unwrap();
    keys.revoke(owner("a"), first.generation, entry()).await.unwrap();
    assert_eq!(signs(keys, "a").await.err(), Some(SignError::Revoked), "nobody knows whether it signs on");
}

#[tokio::test]
async fn a_store_that_is_busy_leaves_no_channel_out() {
    let World { store, clock, keys, .. } = &world();
    assert!(store.put_back_end(back_end("a"), None, None, entry()).await.unwrap());
    create(keys, "a", Scheme::Hmac).await;
    assert_eq!(keys.channels().await.unwrap().len(), 1);
    let read = |step: &'static str| match step {
        "read" => Err(StoreError("database is locked".to_owned())),
        _ => Ok(()),
    };
    let busy = Hooked::new(store.clone(), Box::new(read));
    let busy = Arc::new(Vault::new(Arc::new(busy), ring(), Arc::new(Counter::default())));
    let busy = SigningKeys::new(store.clone(), busy, clock.clone(), Arc::new(Counter::default()));
    let channels = busy.channels().await;
    assert!(matches!(channels, Err(KeysError::Vault(VaultError::Store(_)))), "{channels:?}");
}

#[tokio::test]
async fn what_does_not_open_signs_nothing_and_nothing_prints_a_key() {
    let World { store, clock, keys, .. } = &world();
    let made = create(keys, "a", Scheme::Hmac).await;
    let ring = KeyRing::of(Key::of(&[4; 32]).unwrap(), Arc::new(Counter::default()));
    let strange = Arc::new(Vault::new(store.clone(), ring, Arc::new(Counter::default())));
    let strange = SigningKeys::new(store.clone(), strange, clock.clone(), Arc::new(Counter::default()));
    let error = signs(&strange, "a").await.unwrap_err();
    assert!(matches!(&error, SignError::Unreadable(_)), "{error}");
    let text = String::from_utf8(made.shown.expose().to_vec()).unwrap();
    for printed in [format!("{made:?}"), format!("{keys:?}"), error.to_string()] {
        assert!(!printed.contains(&text[6..20]), "{printed}");
    }
}

#[tokio::test]
async fn keys_are_no_connection_and_each_is_looked_for() {
    let World { store, keys, .. } = &world();
    let old = create(keys, "a", Scheme::Hmac).await;
    let new = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    let connections = Connections::new(Arc::new(vault(store))).unwrap();
    assert!(connections.refresh().await.unwrap().is_empty(), "nothing is unfit");
    for made in [old, new] {
        assert!(connections.needles().find_in(made.shown.expose()));
    }
}

#[tokio::test]
async fn an_asymmetric_keys_secret_half_is_never_shown() {
    let World { keys, .. } = &world();
    let made = create(keys, "a", Scheme::Ed25519).await;
    let shown = String::from_utf8(made.shown.expose().to_vec()).unwrap();
    assert!(shown.starts_with("whpk_"));
    let info = keys.describe(&owner("a")).await.unwrap();
    assert_eq!(info[0].public.as_deref(), Some(shown.as_str()));
    let rotated = keys.rotate(owner("a"), Some(Scheme::Hmac), DAY, entry()).await.unwrap();
    let signatures = signs(keys, "a").await.unwrap();
    assert!(signatures[0] == by(&rotated) && signatures[1].starts_with("v1a,"), "from one scheme to the other");
}
