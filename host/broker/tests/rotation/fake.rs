//! Keepers that are played: each item does what its script says, and every call is written down.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::{
    issue::Revoked,
    rotation::{Credentials, Families, Memory, NobodyServes, Order, Pace, Rotator, StepError},
};
use portcullis_model::{
    audit::Actor,
    connection::ConnectionKey,
    freeze::{Extent, FreezeStore},
    rotation::{Family, Held, Item, Mode, Nature, Renewal, RotationStore},
    time::{Clock, Rng, Timestamp},
};

/// A clock that is set.
#[derive(Clone, Default)]
pub struct Dial(pub Arc<AtomicI64>);

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// A random source that counts.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

pub fn key(installation: &str, name: &str) -> ConnectionKey {
    ConnectionKey {
        tenant: "acme".parse().unwrap(),
        installation: installation.parse().unwrap(),
        name: name.to_owned(),
    }
}

/// Client credentials; a pair that a renewal ends; one whose refresh token works once; one whose refresh token goes on; a static token.
pub const OWN: Nature = nature(Renewal::Own, false, false, true);
pub const ENDS_OLD: Nature = nature(Renewal::RefreshToken, true, true, true);
pub const ONCE: Nature = nature(Renewal::RefreshToken, false, true, true);
pub const LASTING: Nature = nature(Renewal::RefreshToken, false, false, true);
pub const STATIC: Nature = nature(Renewal::Person, false, false, false);

const fn nature(renewal: Renewal, renewal_ends_old: bool, refresh_once: bool, revocable: bool) -> Nature {
    Nature { renewal, renewal_ends_old, refresh_once, revocable }
}

pub fn held(installation: &str, name: &str, provider: &str, nature: Nature) -> Held {
    Held {
        item: Item::connection(key(installation, name)),
        plugin: Some("com.example.chat".parse().unwrap()),
        provider: Some(provider.parse().unwrap()),
        generation: 1,
        issued: Some(Timestamp(0)),
        nature,
        needs_person: false,
    }
}

#[derive(Default)]
pub struct Fake {
    held: Mutex<BTreeMap<Item, Held>>,
    scripts: Mutex<BTreeMap<(String, &'static str), VecDeque<StepError>>>,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    pub fn new(all: impl IntoIterator<Item = Held>) -> Arc<Self> {
        let held = all.into_iter().map(|held| (held.item.clone(), held)).collect();
        Arc::new(Self { held: Mutex::new(held), ..Self::default() })
    }

    /// The next calls of this step (`revoke`, `renew` or `person`) for the connection of this name fail so.
    pub fn fails(&self, name: &str, step: &'static str, with: impl IntoIterator<Item = StepError>) {
        self.scripts.lock().unwrap().entry((name.to_owned(), step)).or_default().extend(with);
    }

    /// All calls, such as `renew a`.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|one| *one == call).count()
    }

    pub fn of(&self, name: &str) -> Held {
        self.held.lock().unwrap().values().find(|held| held.item.name == name).unwrap().clone()
    }

    pub fn set(&self, held: Held) {
        self.held.lock().unwrap().insert(held.item.clone(), held);
    }

    pub fn forget(&self, name: &str) {
        self.held.lock().unwrap().retain(|item, _| item.name != name);
    }

    fn called(&self, item: &Item, step: &'static str) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(format!("{step} {}", item.name));
        let failure = self.scripts.lock().unwrap().get_mut(&(item.name.clone(), step)).and_then(VecDeque::pop_front);
        if !self.held.lock().unwrap().contains_key(item) {
            return Err(StepError::Gone);
        }
        failure.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Credentials for Fake {
    fn families(&self) -> &'static [Family] {
        &[Family::Connection, Family::Tokens]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        Ok(self.held.lock().unwrap().values().cloned().collect())
    }

    async fn revoke_now(&self, item: &Item, _: u64, access_only: bool) -> Result<Revoked, StepError> {
        self.called(item, if access_only { "revoke-old" } else { "revoke" })?;
        Ok(Revoked::Confirmed)
    }

    async fn renew_now(&self, item: &Item, old: u64, _: Duration) -> Result<u64, StepError> {
        let current = self.held.lock().unwrap().get(item).map(|held| held.generation);
        if let Some(newer) = current.filter(|current| *current > old) {
            return Ok(newer);
        }
        self.called(item, "renew")?;
        let mut held = self.held.lock().unwrap();
        let held = held.get_mut(item).unwrap();
        held.generation += 1;
        Ok(held.generation)
    }

    async fn person_needed(&self, item: &Item, _: u64, _: &str) -> Result<(), StepError> {
        self.called(item, "person")?;
        self.held.lock().unwrap().get_mut(item).unwrap().needs_person = true;
        Ok(())
    }
}

pub const PACE: Pace =
    Pace { at_once: 4, tries: 2, pause: Duration::from_millis(1), longest_pause: Duration::from_millis(5) };

/// What carries out acts on this storage, with these keepers.
pub fn rotator<S: RotationStore + FreezeStore + 'static>(store: &Arc<S>, keepers: &Arc<Fake>, clock: &Dial) -> Rotator {
    Rotator {
        store: store.clone(),
        freezes: store.clone(),
        families: Families::new(vec![keepers.clone()]),
        reach: Arc::new(NobodyServes(clock.clone())),
        clock: Arc::new(clock.clone()),
        rng: Arc::new(Counter::default()),
        actor: Actor::Person { name: "dana".into() },
        platform: true,
        pace: PACE,
    }
}

pub fn emergency(extent: Extent) -> Order {
    Order {
        mode: Mode::Emergency,
        extent,
        reason: "a partner was breached".into(),
        only: None,
        overlap: Duration::ZERO,
    }
}

pub fn memory() -> Arc<Memory> {
    Arc::new(Memory::default())
}
