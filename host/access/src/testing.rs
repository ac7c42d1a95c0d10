//! What tests share.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Kind},
    error::StoreError,
    id::{PersonId, TenantId},
    people::{Caller, FactorKind, Limits, ProfileLimits},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;
use tempfile::TempDir;

use crate::{Access, Known, NewInvitation, Seen, factors};

/// Randomness that never comes twice, and is none.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&portcullis_model::id::Digest::of(&n.to_be_bytes()).hex().as_bytes()[..chunk.len()]);
        }
    }
}

/// A clock that is set.
pub struct Set(pub AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// A tenant with the healthcare profile, and others without any.
pub struct Clinic;

#[async_trait]
impl ProfileLimits for Clinic {
    async fn limits_of(&self, tenant: &TenantId) -> Result<Vec<Limits>, StoreError> {
        Ok(if tenant.as_str() == "clinic" {
            vec![Limits { idle_minutes: 15, absolute_minutes: 480, step_up_minutes: 5, networks: Vec::new() }]
        } else {
            Vec::new()
        })
    }
}

/// An access over a store of its own.
pub struct World {
    pub access: Access,
    pub store: SqliteStore,
    pub clock: Arc<Set>,
    _dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let clock = Arc::new(Set(AtomicI64::new(1_700_000_000_000)));
        let access = Access::new(
            Arc::new(store.clone()),
            Arc::new(Clinic),
            clock.clone(),
            Arc::new(Counting::default()),
            Secret::new(vec![7; 32]),
        );
        Self { access: access.unwrap(), store, clock, _dir: dir }
    }

    pub fn pass(&self, minutes: i64) {
        self.clock.0.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }

    pub fn operator(&self) -> Caller {
        Caller::at_the_terminal(Actor::Person { name: "op".into() }, self.clock.now())
    }

    /// Somebody who joined, with a passkey that no authenticator has, and their session's token.
    pub async fn joined(&self, email: &str, place: Option<&str>, role: &str) -> (PersonId, String) {
        let invited = self.access.invite(&self.operator(), invitation(email, place, role)).await.unwrap();
        let person = self.access.invitee(&invited.invitation).await.unwrap();
        let body = serde_json::Value::Null;
        let handle = Some(format!("key-of-{email}"));
        let rng = self.access.rng.as_ref();
        let factor = factors::new(FactorKind::Passkey, &person.id, "", handle, body, self.clock.now(), rng);
        let started = self.access.join(&invited.token, factor, &seen()).await.unwrap();
        (person.id, started.token.to_string())
    }

    pub async fn known(&self, token: &str) -> Option<Known> {
        self.access.known(token, seen().address).await.unwrap()
    }

    pub async fn kinds(&self) -> Vec<Kind> {
        let entries = self.store.entries(0, 500).await.unwrap();
        entries.into_iter().map(|entry| entry.read().unwrap().kind).collect()
    }
}

pub fn invitation(email: &str, place: Option<&str>, role: &str) -> NewInvitation {
    NewInvitation {
        email: email.into(),
        name: "Ana".into(),
        tenant: place.map(|place| place.parse().unwrap()),
        role: role.parse().unwrap(),
        until: None,
        break_glass: false,
    }
}

pub fn seen() -> Seen {
    Seen { label: "Firefox on Linux".into(), device: None, address: "192.0.2.7".parse().unwrap() }
}
