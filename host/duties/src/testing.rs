//! Storage in memory, for tests.

use std::sync::Mutex;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    duty::{Approval, Attestation, DutyState, DutyStore, Ending, PostureLine, Risk, TurnedOn},
    error::StoreError,
    id::{ProfileName, TenantId},
};

#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<DutyState>,
    pub entries: Mutex<Vec<Entry>>,
    pub lines: Mutex<Vec<PostureLine>>,
}

impl Memory {
    pub fn of(state: DutyState) -> Self {
        Self { state: Mutex::new(state), ..Self::default() }
    }

    pub fn set(&self, state: DutyState) {
        *self.state.lock().unwrap() = state;
    }

    pub fn state(&self) -> DutyState {
        self.state.lock().unwrap().clone()
    }

    fn change<T>(&self, entry: Entry, change: impl FnOnce(&mut DutyState) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        self.entries.lock().unwrap().push(entry);
        change(&mut state)
    }

    pub fn kinds(&self) -> Vec<String> {
        self.entries.lock().unwrap().iter().map(|entry| entry.kind.name()).collect()
    }
}

#[async_trait]
impl DutyStore for Memory {
    async fn duty_revision(&self) -> Result<u64, StoreError> {
        Ok(self.state().revision)
    }
    async fn duty_state(&self) -> Result<DutyState, StoreError> {
        Ok(self.state())
    }
    async fn turn_on(&self, on: TurnedOn, entry: Entry) -> Result<bool, StoreError> {
        let is_on = self.state().profiles.iter().any(|one| one.tenant == on.tenant && one.profile == on.profile);
        if !is_on {
            self.change(entry, |state| state.profiles.push(on));
        }
        Ok(!is_on)
    }
    async fn turn_off(&self, tenant: TenantId, profile: ProfileName, entry: Entry) -> Result<bool, StoreError> {
        let before = self.state().profiles.len();
        let left: Vec<TurnedOn> =
            self.state().profiles.into_iter().filter(|one| one.tenant != tenant || one.profile != profile).collect();
        let was = left.len() < before;
        if was {
            self.change(entry, |state| state.profiles = left);
        }
        Ok(was)
    }
    async fn attest(&self, attestation: Attestation, entry: Entry) -> Result<u64, StoreError> {
        let number = self.state().attestations.len() as u64 + 1;
        self.change(entry, |state| state.attestations.push(Attestation { number, ..attestation }));
        Ok(number)
    }
    async fn propose(&self, risk: Risk, entry: Entry) -> Result<u64, StoreError> {
        let number = self.state().risks.len() as u64 + 1;
        self.change(entry, |state| state.risks.push(Risk { number, ..risk }));
        Ok(number)
    }
    async fn approve(&self, number: u64, approval: Approval, entry: Entry) -> Result<bool, StoreError> {
        Ok(self.change(entry, |state| {
            let found = state.risks.iter_mut().find(|one| one.number == number && one.approved.is_none());
            found.map(|risk| risk.approved = Some(approval)).is_some()
        }))
    }
    async fn end_risk(&self, number: u64, ending: Ending, entry: Entry) -> Result<bool, StoreError> {
        Ok(self.change(entry, |state| {
            let found = state.risks.iter_mut().find(|one| one.number == number && one.ended.is_none());
            found.map(|risk| risk.ended = Some(ending)).is_some()
        }))
    }
    async fn lapse_attestation(&self, number: u64, entry: Entry) -> Result<bool, StoreError> {
        Ok(self.change(entry, |state| {
            let before = state.attestations.len();
            state.attestations.retain(|one| one.number != number);
            state.attestations.len() < before
        }))
    }
    async fn postures(&self, _: TenantId) -> Result<Vec<PostureLine>, StoreError> {
        Ok(self.lines.lock().unwrap().clone())
    }
    async fn put_postures(&self, _: TenantId, lines: Vec<(PostureLine, Option<Entry>)>) -> Result<(), StoreError> {
        for (line, entry) in lines {
            let mut kept = self.lines.lock().unwrap();
            kept.retain(|one| one.key != line.key);
            kept.push(line);
            self.entries.lock().unwrap().extend(entry);
        }
        Ok(())
    }
}
