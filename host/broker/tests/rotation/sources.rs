//! Secrets of sources: both are accepted during the overlap, the new one alone after it, none after a revocation.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    rotation::{Credentials as _, Families, Memory, Quiet, Rotator, Sources},
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    event::EventForm,
    freeze::Extent,
    id::SourceName,
    rotation::{Outcome, Revocation, SourceKeys},
    secret::Secret,
    source::{Added, NewSource, Source, SourceStore},
    time::Timestamp,
};

use crate::{
    crash::Dying,
    fake::{Counter, Dial, Fake, emergency, memory, rotator},
    kept::vault,
};

struct Store {
    memory: Arc<Memory>,
    source: Source,
}

#[async_trait]
impl SourceStore for Store {
    async fn add_source(&self, _: NewSource, _: Entry) -> Result<Added, StoreError> {
        Ok(Added::Taken)
    }
    async fn remove_source(&self, _: &Source, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        Ok(vec![self.source.clone()])
    }
    async fn source_keys(&self) -> Result<Vec<(SourceName, SourceKeys)>, StoreError> {
        Ok(self.memory.source_keys())
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

struct Stage {
    sources: Sources,
    source: Source,
    clock: Dial,
    memory: Arc<Memory>,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let (memory, clock) = (memory(), Dial::default());
        let (name, tenant) = ("billing".parse().unwrap(), "acme".parse().unwrap());
        let source = Source { name, tenant, form: EventForm::Github };
        let store = Arc::new(Store { memory: memory.clone(), source: source.clone() });
        let (folder, vault) = vault();
        let entry = Entry::new(Timestamp(0), Kind::SourceAdded, Actor::Host, None);
        vault
            .put(source.tenant.clone(), None, &source.secret_name(), "{}", &secret("first-secret"), entry)
            .await
            .unwrap();
        let connections = Arc::new(Connections::new(vault.clone()).unwrap());
        connections.refresh().await.unwrap();
        let sources = Sources {
            sources: store,
            keys: memory.clone(),
            vault,
            connections,
            clock: Arc::new(clock.clone()),
            rng: Arc::new(Counter::default()),
            actor: Actor::Host,
        };
        Self { sources, source, clock, memory, _folder: folder }
    }

    /// The secrets that are accepted at that second.
    async fn accepted(&self, second: i64) -> Vec<String> {
        self.clock.0.store(second * 1_000, Ordering::Relaxed);
        let accepted = self.sources.of(&self.source).await.unwrap().accepted(Timestamp(second * 1_000));
        let names = [(accepted.current, self.source.secret_name()), (accepted.next, self.source.next_secret_name())];
        let get = |name: String| self.sources.connections.inbound(&self.source.tenant, &name).unwrap();
        let text = |name: String| String::from_utf8(get(name).expose().to_vec()).unwrap();
        names.into_iter().filter(|(accepted, _)| *accepted).map(|(_, name)| text(name)).collect()
    }
}

#[tokio::test]
async fn both_are_accepted_until_the_overlap_is_over_and_then_the_new_one() {
    let stage = Stage::new().await;
    assert_eq!(stage.accepted(0).await, ["first-secret"]);
    let until = stage.sources.rotate(&stage.source, &secret("second-secret"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(until, Some(Timestamp(60_000)));
    assert_eq!(stage.accepted(59).await, ["first-secret", "second-secret"]);
    assert_eq!(stage.sources.promote().await.unwrap(), 1, "not over yet");
    assert_eq!(stage.accepted(60).await, ["second-secret"]);
    for left in [1, 0, 0] {
        assert_eq!(stage.sources.promote().await.unwrap(), left);
        assert!(stage.accepted(61).await.iter().all(|secret| secret == "second-secret"));
    }
    assert_eq!(stage.accepted(62).await, ["second-secret"]);
    let slot = stage.source.next_secret_name();
    assert!(stage.sources.connections.inbound(&stage.source.tenant, &slot).is_none(), "no copy is left there");
    assert_eq!(stage.sources.list().await.unwrap()[0].generation, 1);
}

#[tokio::test]
async fn without_an_overlap_the_old_one_is_over_at_once() {
    let stage = Stage::new().await;
    let until = stage.sources.rotate(&stage.source, &secret("second-secret"), Duration::ZERO).await.unwrap();
    assert_eq!((until, stage.accepted(0).await), (None, vec!["second-secret".to_owned()]));
}

#[tokio::test]
async fn a_secret_of_which_nothing_is_on_record_is_revoked_too() {
    let stage = Stage::new().await;
    let Stage { sources, source, .. } = &stage;
    // What a rotation leaves that dies before it is on record, and a revocation that dies in the middle.
    let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
    let (tenant, name) = (source.tenant.clone(), source.next_secret_name());
    sources.vault.put(tenant, None, &name, "{}", &secret("second-secret"), entry).await.unwrap();
    let held = sources.list().await.unwrap().remove(0);
    sources.revoke_now(&held.item, held.generation, false).await.unwrap();
    for old in ["first-secret", "second-secret"] {
        assert!(!sources.connections.needles().find_in(old.as_bytes()), "{old}");
    }
}

#[tokio::test]
async fn an_emergency_revokes_it_and_only_a_person_gives_a_new_one() {
    let stage = Stage::new().await;
    stage.sources.rotate(&stage.source, &secret("second-secret"), Duration::from_secs(60)).await.unwrap();
    let families = Families::new(vec![Arc::new(stage.sources.clone())]);
    let rotator = Rotator { families, ..rotator(&stage.memory, &Fake::new([]), &stage.clock) };
    let (_, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    assert_eq!((lines[0].outcome, lines[0].revocation), (Outcome::PersonNeeded, Revocation::Confirmed));
    assert!(stage.accepted(1).await.is_empty());
    for old in ["first-secret", "second-secret"] {
        assert!(!stage.sources.connections.needles().find_in(old.as_bytes()), "{old}");
    }
    let until = stage.sources.rotate(&stage.source, &secret("third-secret"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(until, None, "what was revoked is not accepted beside it");
    assert_eq!(stage.accepted(2).await, ["third-secret"]);
    // The same act once more does not take what a person gave since.
    let held = stage.sources.list().await.unwrap().remove(0);
    stage.sources.revoke_now(&held.item, lines[0].old_generation, false).await.unwrap();
    assert_eq!(stage.accepted(3).await, ["third-secret"]);
}

#[tokio::test]
async fn a_rotation_without_overlap_that_is_cut_off_brings_no_older_one_back() {
    let stage = Stage::new().await;
    stage.sources.rotate(&stage.source, &secret("second-secret"), Duration::from_secs(60)).await.unwrap();
    let dying = Dying { inner: stage.memory.clone(), left: AtomicUsize::new(0), never: Mutex::default() };
    let cut_off = Sources { keys: Arc::new(dying), ..stage.sources.clone() };
    let third = secret("third-secret");
    assert!(cut_off.rotate(&stage.source, &third, Duration::ZERO).await.is_err());
    stage.sources.connections.refresh().await.unwrap();
    for second in [1, 59, 60, 61, 62] {
        assert!(stage.accepted(second).await.iter().all(|secret| secret == "third-secret"), "at {second}");
        stage.sources.promote().await.unwrap();
    }
    stage.sources.rotate(&stage.source, &third, Duration::ZERO).await.unwrap();
    assert_eq!(stage.accepted(63).await, ["third-secret"]);
}
