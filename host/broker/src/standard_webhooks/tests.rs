//! Keys in the vault.

use std::sync::atomic::{AtomicI64, Ordering};

use portcullis_model::{
    secret::SecretStore as _,
    webhook::{BackEnd, BackEndState, Health},
};

use portcullis_store::SqliteStore;

use super::*;
use crate::testing::{Counter, entry, store, vault};

pub(super) struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The rows of the vault's own storage; no back ends.
struct Rows(Arc<SqliteStore>);

#[async_trait]
impl BackEnds for Rows {
    async fn back_ends(&self) -> Result<Vec<BackEnd>, StoreError> {
        let rows = self.0.secrets().await?.into_iter().filter(|row| row.name == SIGNING);
        let one = |row: SealedSecret| BackEnd {
            tenant: row.tenant,
            installation: row.installation.unwrap(),
            url: "https://hooks.example.test/".parse().unwrap(),
            events: Vec::new(),
            state: BackEndState::Active,
            health: Health::default(),
            generation: 1,
        };
        Ok(rows.map(one).collect())
    }

    async fn back_end(&self, _: &InstallationId) -> Result<Option<BackEnd>, StoreError> {
        Ok(None)
    }

    async fn put_back_end(&self, _: BackEnd, _: Option<u64>, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn remove_back_end(&self, _: &BackEnd, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

pub(super) struct World {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    pub(super) clock: Arc<Hand>,
    pub(super) keys: SigningKeys,
}

pub(super) fn world() -> World {
    let (dir, store) = store();
    let clock = Arc::new(Hand(AtomicI64::new(0)));
    let rows = Arc::new(Rows(store.clone()));
    let keys = SigningKeys::new(rows, Arc::new(vault(&store)), clock.clone(), Arc::new(Counter::default()));
    World { _dir: dir, store, clock, keys }
}

pub(super) fn owner(id: &str) -> Owner {
    ("acme".parse().unwrap(), id.parse().unwrap())
}

pub(super) async fn signs(keys: &SigningKeys, id: &str) -> Result<Vec<String>, SignError> {
    let (tenant, installation) = owner(id);
    let header = keys.sign(&tenant, &installation, "msg_1", 7, b"{}").await?;
    Ok(header.split(' ').map(str::to_owned).collect())
}

fn by(made: &Made) -> String {
    SigningKey::parse(&made.shown).unwrap().sign("msg_1", 7, b"{}")
}

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn each_channel_has_keys_of_its_own_and_they_rotate_with_an_overlap() {
    let World { clock, keys, _dir, .. } = world();
    assert_eq!(signs(&keys, "a").await.err(), Some(SignError::NoKey));
    let first = keys.create(owner("a"), Scheme::Hmac, entry()).await.unwrap();
    let other = keys.create(owner("b"), Scheme::Hmac, entry()).await.unwrap();
    assert!(matches!(keys.create(owner("a"), Scheme::Hmac, entry()).await, Err(KeysError::Taken(_))));
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&first)]);
    assert_ne!(by(&first), by(&other));
    let ready = keys.prepare(owner("a"), None, entry()).await.unwrap();
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&first)], "it is only ready");
    let second = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    assert_eq!(by(&second), by(&ready), "the one that was made ready");
    assert_eq!((second.generation, second.previous_until), (3, Some(Timestamp(0).plus(DAY))));
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&second), by(&first)]);
    clock.0.store(second.previous_until.unwrap().0, Ordering::SeqCst);
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&second)]);
    assert_eq!(signs(&keys, "b").await.unwrap(), [by(&other)]);
}

#[tokio::test]
async fn another_processs_change_is_seen_and_so_is_a_channel_that_was_made_anew() {
    let World { store, clock, keys, _dir } = world();
    let rows = Arc::new(Rows(store.clone()));
    keys.create(owner("a"), Scheme::Hmac, entry()).await.unwrap();
    signs(&keys, "a").await.unwrap();
    let other = SigningKeys::new(rows, keys.vault.clone(), clock, Arc::new(Counter::default()));
    // The first key that this random source gives is the same again.
    other.rotate(owner("a"), None, Duration::ZERO, entry()).await.unwrap();
    let made = other.rotate(owner("a"), None, Duration::ZERO, entry()).await.unwrap();
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&made)]);
    assert!(store.remove_slot(&slot(&owner("a"))).await.unwrap());
    let anew = other.create(owner("a"), Scheme::Hmac, entry()).await.unwrap();
    assert_eq!(anew.generation, 1);
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&anew)], "though the generation is one that was known");
}

#[tokio::test]
async fn a_revoked_channel_signs_nothing_until_it_is_rotated_and_a_newer_generation_is_left_alone() {
    let World { keys, _dir, .. } = world();
    let first = keys.create(owner("a"), Scheme::Hmac, entry()).await.unwrap();
    let second = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    keys.revoke(owner("a"), first.generation, entry()).await.unwrap();
    assert_eq!(signs(&keys, "a").await.unwrap().len(), 2, "that generation is not the current one any more");
    for _ in 0..2 {
        keys.revoke(owner("a"), second.generation, entry()).await.unwrap();
        assert_eq!(signs(&keys, "a").await.err(), Some(SignError::Revoked));
    }
    let third = keys.rotate(owner("a"), None, DAY, entry()).await.unwrap();
    assert_eq!((third.generation, third.previous_until), (4, None));
    assert_eq!(signs(&keys, "a").await.unwrap(), [by(&third)]);
}

#[tokio::test]
async fn a_spoilt_row_signs_nothing_and_nothing_prints_a_key() {
    let World { store, keys, _dir, .. } = world();
    let made = keys.create(owner("a"), Scheme::Hmac, entry()).await.unwrap();
    let row = store.secrets().await.unwrap().remove(0);
    assert!(store.reseal(row.clone(), SealedSecret { sealed: vec![7; 60], ..row }).await.unwrap());
    let error = signs(&keys, "a").await.unwrap_err();
    assert!(matches!(&error, SignError::Unreadable(why) if why.contains("does not open")), "{error}");
    let text = String::from_utf8(made.shown.expose().to_vec()).unwrap();
    for printed in [format!("{made:?}"), format!("{keys:?}"), error.to_string()] {
        assert!(!printed.contains(&text[6..20]), "{printed}");
    }
}

#[tokio::test]
async fn an_asymmetric_keys_secret_half_is_never_shown() {
    let World { keys, _dir, .. } = world();
    let made = keys.create(owner("a"), Scheme::Ed25519, entry()).await.unwrap();
    let shown = String::from_utf8(made.shown.expose().to_vec()).unwrap();
    assert!(shown.starts_with("whpk_"));
    let info = keys.describe(&owner("a")).await.unwrap();
    assert_eq!(info[0].public.as_deref(), Some(shown.as_str()));
    let rotated = keys.rotate(owner("a"), Some(Scheme::Hmac), DAY, entry()).await.unwrap();
    let signatures = signs(&keys, "a").await.unwrap();
    assert!(signatures[0] == by(&rotated) && signatures[1].starts_with("v1a,"), "from one scheme to the other");
}
