//! An act whose process dies after each of its writes: it stays frozen, and goes on to the same end.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use portcullis_broker::rotation::{Memory, Quiet};
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    freeze::{Extent, Freeze, FreezeState, FreezeStore, Released},
    id::RotationId,
    rotation::{Act, Item, Line, Outcome, Policy, RotationStore, Scope, SourceKeys},
    source::Source,
};

use crate::fake::{Dial, ENDS_OLD, Fake, LASTING, ONCE, OWN, STATIC, emergency, held, rotator};

/// Storage that takes so many writes and then no more, and of one act none at all.
pub struct Dying {
    pub inner: Arc<Memory>,
    pub left: AtomicUsize,
    pub never: Mutex<Option<RotationId>>,
}

impl Dying {
    fn write_of(&self, act: &RotationId) -> Result<(), StoreError> {
        match self.never.lock().unwrap().as_ref() == Some(act) {
            true => Err(StoreError("this page of the disk is bad".into())),
            false => self.write(),
        }
    }

    fn write(&self) -> Result<(), StoreError> {
        let spent = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        spent.map(drop).map_err(|_| StoreError("the process died".into()))
    }
}

#[async_trait]
impl FreezeStore for Dying {
    async fn freeze_revision(&self) -> Result<u64, StoreError> {
        self.inner.freeze_revision().await
    }
    async fn freezes(&self) -> Result<FreezeState, StoreError> {
        self.inner.freezes().await
    }
    async fn add_freeze(&self, freeze: Freeze, entry: Entry) -> Result<u64, StoreError> {
        self.write()?;
        self.inner.add_freeze(freeze, entry).await
    }
    async fn lift_freeze(&self, number: u64, entry: Entry) -> Result<bool, StoreError> {
        self.write()?;
        self.inner.lift_freeze(number, entry).await
    }
}

#[async_trait]
impl RotationStore for Dying {
    async fn policies(&self) -> Result<Vec<(Scope, Policy)>, StoreError> {
        self.inner.policies().await
    }
    async fn put_policy(
        &self,
        scope: Scope,
        before: Option<Policy>,
        policy: Option<Policy>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.write()?;
        self.inner.put_policy(scope, before, policy, entry).await
    }
    async fn begin_act(&self, act: Act, freeze: Option<Freeze>, new: Vec<Entry>) -> Result<Option<u64>, StoreError> {
        self.write()?;
        self.inner.begin_act(act, freeze, new).await
    }
    async fn put_act(&self, act: Act, lines: Vec<Line>) -> Result<(), StoreError> {
        self.write_of(&act.id)?;
        self.inner.put_act(act, lines).await
    }
    async fn put_line(
        &self,
        act: &RotationId,
        line: Line,
        released: Vec<Released>,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        self.write_of(act)?;
        self.inner.put_line(act, line, released, entries).await
    }
    async fn end_act(&self, act: Act, still: Vec<Freeze>, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.write_of(&act.id)?;
        self.inner.end_act(act, still, entries).await
    }
    async fn acts(&self) -> Result<Vec<Act>, StoreError> {
        self.inner.acts().await
    }
    async fn lines(&self, act: &RotationId) -> Result<Vec<Line>, StoreError> {
        self.inner.lines(act).await
    }
    async fn note_needed(&self, item: &Item, generation: u64, entry: Entry) -> Result<bool, StoreError> {
        self.write()?;
        self.inner.note_needed(item, generation, entry).await
    }
    async fn put_source_keys(&self, of: &Source, keys: SourceKeys, new: Vec<Entry>) -> Result<bool, StoreError> {
        self.write()?;
        self.inner.put_source_keys(of, keys, new).await
    }
}

#[tokio::test]
async fn whenever_it_dies_it_stays_frozen_and_goes_on_to_the_same_end() {
    let natures = [("own", OWN), ("ends", ENDS_OLD), ("once", ONCE), ("lasting", LASTING), ("static", STATIC)];
    let mut died = 0;
    for writes in 0.. {
        let fake = Fake::new(natures.map(|(name, nature)| held("ins_1", name, "p", nature)));
        let inner = Arc::new(Memory::default());
        let dying = Arc::new(Dying { inner: inner.clone(), left: AtomicUsize::new(writes), never: Mutex::default() });
        let first = rotator(&dying, &fake, &Dial::default()).carry_out(emergency(Extent::All), Arc::new(Quiet)).await;
        let acts = inner.acts().await.unwrap();
        let frozen = inner.freezes().await.unwrap().freezes;
        if first.is_ok() {
            assert!(frozen.is_empty() && writes >= 12, "{writes}");
            break;
        }
        died += 1;
        let Some(act) = acts.first() else {
            assert!(writes == 0 && frozen.is_empty() && fake.calls().is_empty(), "nothing begins that is not stored");
            continue;
        };
        assert_eq!(frozen.len(), 1, "after {writes} writes it is frozen");
        assert_eq!(frozen[0].extent, Extent::All);
        let (act, lines) = rotator(&inner, &fake, &Dial::default()).go_on(&act.id, Arc::new(Quiet)).await.unwrap();
        assert!(act.ended.is_some() && inner.freezes().await.unwrap().freezes.is_empty(), "after {writes} writes");
        for (name, _) in natures {
            let line = lines.iter().find(|line| line.item.name == name).unwrap();
            let person = matches!(name, "lasting" | "static");
            let expected = if person { Outcome::PersonNeeded } else { Outcome::Renewed };
            assert_eq!(line.outcome, expected, "{name} after {writes} writes");
            assert_eq!(
                fake.of(name).generation,
                if person { 1 } else { 2 },
                "{name} after {writes} writes: minted once"
            );
        }
    }
    println!("died after each of {died} writes");
}
