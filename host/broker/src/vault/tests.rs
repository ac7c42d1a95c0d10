use std::{collections::BTreeSet, sync::atomic::AtomicBool, sync::atomic::Ordering};

use portcullis_model::{
    audit::{Actor, Kind},
    secret::WrappedKey,
};
use portcullis_store::SqliteStore;

use super::{
    rotate::Rotated,
    turn::{TurnError, Wanted},
    *,
};
use crate::{
    key::{Key, KeyError, file::FileKeys, text::TextKeys},
    testing::{Counter, entry, hooked::Hooked, ring, store, vault},
};

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn by_host(kind: Kind, tenant: Option<TenantId>) -> Entry {
    Entry::new(Timestamp(7), kind, Actor::Host, tenant)
}

async fn fill(vault: &Vault, names: &[&str]) {
    for name in names {
        let secret = Secret::new(format!("secret-of-{name}").into_bytes());
        vault.put(tenant(), None, name, "{}", &secret, entry()).await.unwrap();
    }
}

async fn values(vault: &Vault) -> BTreeSet<String> {
    let loaded = vault.load_all(|_| None).await.unwrap();
    assert!(loaded.refused.is_empty(), "{:?}", loaded.refused);
    let access = |slot: &OpenedSlot| slot.current().unwrap().credential.access.clone().unwrap();
    loaded.slots.iter().map(|slot| String::from_utf8(access(slot).expose().to_vec()).unwrap()).collect()
}

async fn kinds(store: &SqliteStore) -> Vec<String> {
    let entries = store.entries(0, 1000).await.unwrap();
    let kind = |body: &[u8]| serde_json::from_slice::<Entry>(body).unwrap().kind.name();
    entries.iter().map(|entry| kind(&entry.body)).collect()
}

#[tokio::test]
async fn replaces_with_a_higher_generation_and_loads_what_it_put() {
    let (_dir, store) = store();
    let vault = vault(&store);
    for (text, generation) in [("first-secret", 1), ("second-secret", 2)] {
        let secret = Secret::new(text.as_bytes().to_vec());
        let put = vault.put(tenant(), None, "source/hooks", "", &secret, entry()).await;
        assert_eq!(put.unwrap(), generation);
    }
    let loaded = vault.load_all(|_| None).await.unwrap();
    assert!(loaded.refused.is_empty());
    let [only] = &loaded.slots[..] else { panic!("{loaded:?}") };
    let secrets: Vec<_> = only.generations.iter().flat_map(|one| one.secrets()).map(|s| s.expose().to_vec()).collect();
    assert_eq!(secrets, [b"first-secret".to_vec(), b"second-secret".to_vec()]);
    assert_eq!(only.current().unwrap().row.generation, 2);
    assert!(!format!("{loaded:?}").contains("second-secret"));
    assert_eq!(kinds(&store).await, ["vault.data-key-made", "connection.added", "connection.added"]);
    let rows = format!("{:?}", store.vault().await.unwrap());
    assert!(!rows.contains("second-secret"));
}

#[tokio::test]
async fn takes_no_secret_that_could_not_be_found_again() {
    let (_dir, store) = store();
    let vault = vault(&store);
    for length in [0, 7, MAX_SECRET + 1] {
        let secret = Secret::new(vec![b'x'; length]);
        let put = vault.put(tenant(), None, "a", "", &secret, entry()).await;
        assert!(matches!(put, Err(VaultError::Invalid { .. })), "{length}");
    }
}

#[tokio::test]
async fn another_key_opens_nothing_and_says_so_by_name() {
    let (_dir, store) = store();
    fill(&vault(&store), &["a", "b"]).await;
    let other = KeyRing::of(Key::of(&[4; 32]).unwrap(), Arc::new(Counter::default()));
    let vault = Vault::new(store.clone(), other, Arc::new(Counter::default()));
    let loaded = vault.load_all(|_| None).await.unwrap();
    assert!(loaded.slots.iter().all(|slot| slot.generations.is_empty()));
    let text: Vec<_> = loaded.refused.iter().map(ToString::to_string).collect();
    assert!(
        text[0].starts_with("data key 1 of tenant ") && text[0].contains("is not at hand: put it back"),
        "{text:?}"
    );
    let secret = Secret::new(b"some-secret".to_vec());
    let put = vault.put(tenant(), None, "c", "", &secret, entry()).await;
    assert!(matches!(put, Err(VaultError::Key(_))), "nothing is sealed under a key that nobody knows: {put:?}");
}

#[tokio::test]
async fn one_act_turns_both_layers_and_a_file_that_is_taken_keeps_back_its_own_layer_alone() {
    let (dir, store) = store();
    let path = dir.path().join("vault.key");
    let keys = Arc::new(FileKeys::open(&path, true, Arc::new(Counter::default())).unwrap());
    let vault = Vault::new(store.clone(), KeyRing::new(keys.clone()), Arc::new(Counter::default()));
    fill(&vault, &["a", "b"]).await;
    let all = values(&vault).await;
    let plan = vault.count_keys(&Wanted::All, true).await.unwrap();
    assert_eq!(plan, Rotated { made: 1, rewrapped: 1, resealed: 2, dropped: 2 });
    let old = store.wrapping_keys().await.unwrap();
    assert_eq!(vault.rotate_keys(&Wanted::All, Some(&*keys), by_host).await.unwrap(), plan);
    assert!(store.wrapping_keys().await.unwrap().iter().all(|name| !old.contains(name)));
    let nobody = Wanted::Data(Some("nobody".parse().unwrap()));
    assert_eq!(vault.count_keys(&nobody, true).await.unwrap(), Rotated::default());
    assert_eq!(vault.rotate_keys(&nobody, Some(&*keys), by_host).await.unwrap(), Rotated::default());

    let taken = keys.rotation().unwrap();
    let wrapping = vault.rotate_keys(&Wanted::Wrapping, Some(&*keys), by_host).await;
    assert!(matches!(wrapping, Err(TurnError::File(KeyError::Busy { .. }))), "{wrapping:?}");
    let both = vault.rotate_keys(&Wanted::All, Some(&*keys), by_host).await;
    assert!(matches!(both, Err(TurnError::File(KeyError::Busy { .. }))), "{both:?}");
    drop(taken);
    let status = vault.status().await.unwrap();
    assert_eq!(status.tenants[&tenant()].data_keys, [(3, 2)].into(), "the data key is new all the same");
    assert_eq!(values(&vault).await, all);
}

#[tokio::test]
async fn both_layers_rotate_and_nothing_is_lost() {
    let (dir, store) = store();
    let path = dir.path().join("vault.key");
    let keys = Arc::new(FileKeys::open(&path, true, Arc::new(Counter::default())).unwrap());
    let vault = Vault::new(store.clone(), KeyRing::new(keys.clone()), Arc::new(Counter::default()));
    // A host that runs meanwhile, and reads and writes.
    let other = Vault::new(store.clone(), KeyRing::new(keys.clone()), Arc::new(Counter::default()));
    fill(&vault, &["a", "b"]).await;
    let all = values(&other).await;
    assert_eq!(vault.rotate_wrapping_key(by_host).await.unwrap(), Rotated::default(), "no new key, nothing to do");

    let old = store.wrapping_keys().await.unwrap().remove(0);
    let rotation = keys.rotation().unwrap();
    let new = rotation.add(Some(&old)).unwrap();
    fill(&other, &["c"]).await;
    let rotated = vault.rotate_wrapping_key(by_host).await.unwrap();
    assert_eq!(rotated, Rotated { rewrapped: 1, dropped: 1, ..Rotated::default() });
    rotation.keep(&store.wrapping_keys().await.unwrap()).unwrap();
    assert_eq!(store.wrapping_keys().await.unwrap(), [new]);
    let all: BTreeSet<_> = all.into_iter().chain(["secret-of-c".to_owned()]).collect();
    assert_eq!(values(&other).await, all);
    let fresh = Vault::new(store.clone(), KeyRing::new(keys.clone()), Arc::new(Counter::default()));
    assert_eq!(values(&fresh).await, all);

    let rotated = vault.rotate_data_keys(None, by_host).await.unwrap();
    assert_eq!(rotated, Rotated { made: 1, resealed: 3, dropped: 1, ..Rotated::default() });
    fill(&other, &["d", "a"]).await;
    let all: BTreeSet<_> = all.into_iter().chain(["secret-of-d".to_owned()]).collect();
    for vault in [&vault, &other, &fresh] {
        assert_eq!(values(vault).await, all);
    }
    let status = vault.status().await.unwrap();
    assert_eq!(status.tenants[&tenant()].data_keys, [(2, 5)].into(), "4 secrets, and one that is not current any more");
    assert_eq!((status.wrapping_keys.len(), status.wrapping_keys[0].wraps), (1, 1));
    assert!(status.unopened.is_empty() && status.wrapping_keys[0].at_hand);
    let kinds = kinds(&store).await;
    for kind in ["vault.key-rotated", "vault.key-dropped", "vault.data-key-made", "vault.data-key-dropped"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_anywhere_goes_on_and_nothing_is_lost() {
    let rng: Arc<dyn Rng> = Arc::new(Counter::default());
    let (a, b) = (Key::of(&[1; 32]).unwrap(), Key::of(&[2; 32]).unwrap());
    let text = |keys: &[&Key]| {
        let hex: Vec<_> = keys.iter().map(|key| hex::encode(key.bytes())).collect();
        KeyRing::new(Arc::new(TextKeys::parse(&Secret::new(hex.join(",").into_bytes()), "x", rng.clone()).unwrap()))
    };
    for cut in 0..6 {
        let (_dir, store) = store();
        let open = |ring| Vault::new(store.clone(), ring, rng.clone());
        let before = open(text(&[&a]));
        fill(&before, &["a", "b", "c"]).await;
        let both = open(text(&[&b, &a]));
        // By hand, up to the cut.
        let rows = store.vault().await.unwrap();
        let make = async |key: WrappedKey| {
            let made = both.make_key(&key.tenant, Some(key.number), Timestamp(1)).await.unwrap();
            assert!(made);
        };
        if cut >= 1 {
            assert!(store.set_wrapping_key(&b.name(), Some(&a.name()), None).await.unwrap());
        }
        if cut >= 2 {
            make(rows.keys[0].clone()).await;
        }
        if cut >= 3 {
            let rows = store.vault().await.unwrap();
            assert!(both.reseal(&rows.slots[0].generations[0]).await.unwrap());
        }
        if cut >= 4 {
            let rows = store.vault().await.unwrap();
            assert!(both.rewrap(&rows.keys[0]).await.unwrap());
        }
        let all: BTreeSet<_> = ["a", "b", "c"].map(|name| format!("secret-of-{name}")).into();
        assert_eq!(values(&open(text(&[&b, &a]))).await, all, "cut {cut}");
        if cut >= 5 {
            fill(&both, &["a"]).await;
        }
        let after = open(text(&[&b, &a]));
        after.finish_rotations(by_host).await.unwrap();
        after.rotate_wrapping_key(by_host).await.unwrap();
        assert_eq!(store.wrapping_keys().await.unwrap(), [b.name()], "cut {cut}");
        assert_eq!(values(&open(text(&[&b]))).await, all, "cut {cut}: the old key is not needed any more");
        assert_eq!(store.vault().await.unwrap().keys.len(), 1, "cut {cut}");
    }
}

#[tokio::test]
async fn what_is_damaged_stops_the_rotation_of_nothing_else() {
    let rng: Arc<dyn Rng> = Arc::new(Counter::default());
    let (_dir, store) = store();
    let vault = vault(&store);
    fill(&vault, &["a", "b", "c"]).await;
    // A row that was changed by hand: it is sealed as another one.
    let rows = store.vault().await.unwrap();
    let [a, b] = [0, 1].map(|slot: usize| rows.slots[slot].generations[0].clone());
    assert!(store.reseal(a.clone(), SealedSecret { sealed: b.sealed.clone(), ..a }).await.unwrap());
    let other = "other".parse().unwrap();
    vault.put(other, None, "d", "{}", &Secret::new(b"secret-of-d".to_vec()), entry()).await.unwrap();

    let error = vault.rotate_data_keys(None, by_host).await.unwrap_err();
    assert!(matches!(&error, VaultError::Left(left) if left.len() == 1), "{error}");
    assert!(error.to_string().contains("secret 'a' of tenant acme does not open, generation 1: "), "{error}");
    let status = vault.status().await.unwrap();
    assert_eq!(status.tenants[&tenant()].data_keys, [(1, 1), (2, 2)].into());
    assert_eq!(status.tenants[&"other".parse().unwrap()].data_keys, [(2, 1)].into(), "the old one is dropped");

    // All data keys are wrapped anew all the same, and the old wrapping key is dropped; unless a data key is damaged.
    let (old, new) = (Key::of(&[3; 32]).unwrap(), Key::of(&[5; 32]).unwrap());
    let ring = |new: &Key, old: &Key| {
        let both = format!("{},{}", hex::encode(new.bytes()), hex::encode(old.bytes()));
        KeyRing::new(Arc::new(TextKeys::parse(&Secret::new(both.into_bytes()), "x", rng.clone()).unwrap()))
    };
    let rotating = Vault::new(store.clone(), ring(&new, &old), rng.clone());
    assert!(matches!(rotating.rotate_wrapping_key(by_host).await, Err(VaultError::Left(_))));
    assert_eq!(store.wrapping_keys().await.unwrap(), [new.name()]);

    let key = store.vault().await.unwrap().keys.into_iter().find(|key| key.tenant == tenant() && key.current).unwrap();
    let damaged = WrappedKey { wrapped: vec![7; key.wrapped.len()], ..key.clone() };
    assert_eq!(store.rewrap(key, damaged).await.unwrap(), Swap::Done);
    let newest = Key::of(&[6; 32]).unwrap();
    let rotating = Vault::new(store.clone(), ring(&newest, &new), rng.clone());
    let error = rotating.rotate_wrapping_key(by_host).await.unwrap_err();
    assert!(error.to_string().contains("does not open under the key-encryption key"), "{error}");
    assert_eq!(store.wrapping_keys().await.unwrap(), [newest.name(), new.name()], "something is under it still");
    assert_eq!((wraps(&store, &newest.name()).await, wraps(&store, &new.name()).await), (2, 1));
}

async fn wraps(store: &SqliteStore, name: &str) -> usize {
    store.vault().await.unwrap().keys.iter().filter(|key| key.wrapped_by == name).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_of_both_layers_while_others_write_and_read_lose_nothing() {
    let (dir, store) = store();
    let keys = Arc::new(FileKeys::open(&dir.path().join("vault.key"), true, Arc::new(Counter::default())).unwrap());
    let open = || Arc::new(Vault::new(store.clone(), KeyRing::new(keys.clone()), Arc::new(Counter::default())));
    fill(&open(), &["w0", "w1", "w2", "w3"]).await;
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (vault, stop) = (open(), stop.clone());
            tokio::spawn(async move {
                let (name, mut rounds) = (format!("w{worker}"), 0u64);
                let slot = Slot { tenant: tenant(), installation: None, name: name.clone() };
                while !stop.load(Ordering::Relaxed) {
                    rounds += 1;
                    let value = format!("value-{worker}-{rounds}");
                    let secret = Secret::new(value.clone().into_bytes());
                    // Each so much later that the one before the last is not kept.
                    let later = Entry { time: Timestamp(rounds as i64 * 700_000), ..entry() };
                    vault.put(tenant(), None, &name, "{}", &secret, later).await.unwrap();
                    let (_, opened) = vault.slot(&slot).await.unwrap().unwrap();
                    assert_eq!(opened.credential.access.unwrap().expose(), value.as_bytes());
                }
                rounds
            })
        })
        .collect();
    let rotating = open();
    let mut dropped = 0;
    for round in 0..10 {
        if round % 2 == 0 {
            dropped += rotating.rotate_data_keys(None, by_host).await.unwrap().dropped;
        } else {
            let rotation = keys.rotation().unwrap();
            rotation.add(store.wrapping_keys().await.unwrap().first().map(String::as_str)).unwrap();
            dropped += rotating.rotate_wrapping_key(by_host).await.unwrap().dropped;
            rotation.keep(&store.wrapping_keys().await.unwrap()).unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut rounds = 0;
    for worker in workers {
        rounds += worker.await.unwrap();
    }
    println!("10 rotations, {dropped} keys dropped, {rounds} secrets stored and read meanwhile");
    assert_eq!((dropped, values(&open()).await.len()), (10, 4));
    assert!(rounds > 20, "{rounds}");
}

#[tokio::test]
async fn rows_from_before_data_keys_are_taken_over() {
    let (_dir, store) = store();
    let hooked = Arc::new(Hooked::new(store.clone(), Box::new(|_| Ok(()))));
    // As a host of that version left it: see the test of the seal's form.
    let sealed = "38cc54c43f8610e95567144381923e416b4eb969cb199e19d961";
    let nonce: Vec<u8> = (90..114).collect();
    let row = SealedSecret {
        tenant: tenant(),
        installation: Some("ins_1".parse().unwrap()),
        name: "chat".into(),
        generation: 3,
        place: r#"{"hosts":["chat.example.test"]}"#.into(),
        origin: String::new(),
        issued: Timestamp(0),
        expires: None,
        data_key: 0,
        sealed: [nonce, hex::decode(sealed).unwrap()].concat(),
    };
    hooked.direct.lock().unwrap().push(row);
    let vault = Vault::new(hooked, ring(), Arc::new(Counter::default()));
    assert!(vault.has_direct_rows().await.unwrap());
    let (adopted, refused) = vault.adopt(&Key::of(&[9; 32]).unwrap()).await.unwrap();
    assert_eq!((adopted, refused.len()), (0, 1), "another key");
    let direct = Key::of(&(0..32).collect::<Vec<u8>>()).unwrap();
    assert_eq!(vault.adopt(&direct).await.unwrap().0, 1);
    assert_eq!(vault.adopt(&direct).await.unwrap().0, 0);
    assert_eq!(values(&vault).await, ["tok-123456".to_owned()].into());
}
