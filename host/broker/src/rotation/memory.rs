//! Acts and freezes in memory alone: for rehearsals, and for tests.
//!
//! Invariant: nothing in here is stored, and nobody but its owner sees it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    freeze::{Freeze, FreezeState, FreezeStore, Released},
    id::{RotationId, SourceName},
    rotation::{Act, Item, Line, Policy, RotationStore, Scope, SourceKeys},
    source::Source,
};

#[derive(Debug, Default)]
struct Rows {
    freezes: FreezeState,
    given: u64,
    acts: Vec<Act>,
    lines: BTreeMap<(RotationId, Item), Line>,
    policies: Vec<(Scope, Policy)>,
    needed: BTreeMap<Item, u64>,
    sources: BTreeMap<SourceName, SourceKeys>,
    entries: Vec<Entry>,
}

/// Storage that is forgotten.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Rows>);

impl Memory {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The audit entries that came with changes.
    pub fn entries(&self) -> Vec<Entry> {
        self.rows().entries.clone()
    }

    /// How the secrets of sources stand.
    pub fn source_keys(&self) -> Vec<(SourceName, SourceKeys)> {
        self.rows().sources.iter().map(|(name, keys)| (name.clone(), keys.clone())).collect()
    }
}

impl Rows {
    fn add(&mut self, freeze: Freeze) -> u64 {
        self.given += 1;
        self.freezes.freezes.push(Freeze { number: self.given, ..freeze });
        self.freezes.revision += 1;
        self.given
    }

    fn lift(&mut self, which: impl Fn(&Freeze) -> bool) -> bool {
        let gone: Vec<u64> = self.freezes.freezes.iter().filter(|one| which(one)).map(|one| one.number).collect();
        self.freezes.freezes.retain(|one| !gone.contains(&one.number));
        self.freezes.released.retain(|one| !gone.contains(&one.freeze));
        self.freezes.revision += 1;
        !gone.is_empty()
    }

    fn put_act(&mut self, act: Act) {
        match self.acts.iter_mut().find(|known| known.id == act.id) {
            Some(known) => *known = act,
            None => self.acts.push(act),
        }
    }
}

#[async_trait]
impl FreezeStore for Memory {
    async fn freeze_revision(&self) -> Result<u64, StoreError> {
        Ok(self.rows().freezes.revision)
    }

    async fn freezes(&self) -> Result<FreezeState, StoreError> {
        Ok(self.rows().freezes.clone())
    }

    async fn add_freeze(&self, freeze: Freeze, entry: Entry) -> Result<u64, StoreError> {
        let mut rows = self.rows();
        rows.entries.push(entry);
        Ok(rows.add(freeze))
    }

    async fn lift_freeze(&self, number: u64, entry: Entry) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        rows.entries.push(entry);
        Ok(rows.lift(|one| one.number == number))
    }
}

#[async_trait]
impl RotationStore for Memory {
    async fn policies(&self) -> Result<Vec<(Scope, Policy)>, StoreError> {
        Ok(self.rows().policies.clone())
    }

    async fn put_policy(
        &self,
        scope: Scope,
        before: Option<Policy>,
        policy: Option<Policy>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        if rows.policies.iter().find(|(known, _)| *known == scope).map(|(_, found)| found) != before.as_ref() {
            return Ok(false);
        }
        rows.policies.retain(|(known, _)| *known != scope);
        rows.policies.extend(policy.map(|policy| (scope, policy)));
        rows.entries.push(entry);
        Ok(true)
    }

    async fn begin_act(
        &self,
        mut act: Act,
        freeze: Option<Freeze>,
        entries: Vec<Entry>,
    ) -> Result<Option<u64>, StoreError> {
        let mut rows = self.rows();
        act.freeze = freeze.map(|freeze| rows.add(freeze));
        let number = act.freeze;
        rows.put_act(act);
        rows.entries.extend(entries);
        Ok(number)
    }

    async fn put_act(&self, act: Act, lines: Vec<Line>) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for line in lines {
            rows.lines.insert((act.id.clone(), line.item.clone()), line);
        }
        rows.put_act(act);
        Ok(())
    }

    async fn put_line(
        &self,
        act: &RotationId,
        line: Line,
        released: Vec<Released>,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.lines.insert((act.clone(), line.item.clone()), line);
        if !released.is_empty() {
            rows.freezes.revision += 1;
            rows.freezes.released.extend(released);
        }
        rows.entries.extend(entries);
        Ok(())
    }

    async fn end_act(&self, act: Act, still: Vec<Freeze>, entries: Vec<Entry>) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.lift(|one| one.act.as_ref() == Some(&act.id));
        for freeze in still {
            rows.add(freeze);
        }
        rows.put_act(act);
        rows.entries.extend(entries);
        Ok(())
    }

    async fn acts(&self) -> Result<Vec<Act>, StoreError> {
        Ok(self.rows().acts.clone())
    }

    async fn lines(&self, act: &RotationId) -> Result<Vec<Line>, StoreError> {
        let rows = self.rows();
        Ok(rows.lines.iter().filter(|((of, _), _)| of == act).map(|(_, line)| line.clone()).collect())
    }

    async fn note_needed(&self, item: &Item, generation: u64, entry: Entry) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        if rows.needed.insert(item.clone(), generation) == Some(generation) {
            return Ok(false);
        }
        rows.entries.push(entry);
        Ok(true)
    }

    async fn put_source_keys(&self, of: &Source, keys: SourceKeys, new: Vec<Entry>) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        rows.sources.insert(of.name.clone(), keys);
        rows.entries.extend(new);
        Ok(true)
    }
}
