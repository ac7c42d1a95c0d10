//! Answers for the table of what is in use, made from the vault as a whole; what has not changed since the last one is taken over.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use portcullis_model::{
    id::{InstallationId, TenantId},
    secret::{SealedSecret, Secret, Slot},
};

use super::installed::{Installed, Part};
use crate::{
    leaks::{Needles, NeedlesError},
    vault::{Loaded, Opened, OpenedSlot, VaultError},
};

pub(super) type Owner = (TenantId, InstallationId);

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) generation: u64,
    pub(super) revision: Option<u64>,
    pub(super) slots: HashMap<Slot, OpenedSlot>,
    pub(super) installed: HashMap<Owner, Arc<Installed>>,
    pub(super) refused: Vec<VaultError>,
    pub(super) needles: Arc<AllNeedles>,
}

impl Table {
    pub(super) fn empty() -> Result<Self, NeedlesError> {
        Ok(Self {
            generation: 0,
            revision: None,
            slots: HashMap::new(),
            installed: HashMap::new(),
            refused: Vec::new(),
            needles: Arc::new(AllNeedles::new(&HashMap::new(), Vec::new())?),
        })
    }

    /// The opened form of this very row, if it is known.
    pub(super) fn known(&self, row: &SealedSecret) -> Option<Arc<Opened>> {
        let slot = self.slots.get(&row.slot())?;
        slot.generations.iter().find(|one| one.row == *row).cloned()
    }

    /// The next table.
    pub(super) fn next(&self, loaded: Loaded) -> Result<Self, NeedlesError> {
        let mut parts: HashMap<Owner, Vec<Part>> = HashMap::new();
        let (mut sources, mut refused) = (Vec::new(), loaded.refused);
        let mut slots = HashMap::new();
        for slot in loaded.slots {
            let Some(first) = slot.generations.first() else { continue };
            let id = first.row.slot();
            match &id.installation {
                Some(installation) => {
                    let owner = parts.entry((id.tenant.clone(), installation.clone())).or_default();
                    let used =
                        |one: &Opened| slot.in_use() && !one.is_ring() && one.row.generation == slot.head.generation;
                    owner.extend(slot.generations.iter().map(|one| Part { opened: one.clone(), used: used(one) }));
                }
                None => sources.extend(slot.generations.iter().cloned()),
            }
            slots.insert(id, slot);
        }
        let generation = self.generation + 1;
        let mut installed = HashMap::new();
        for (owner, parts) in parts {
            let known = self.installed.get(&owner).filter(|known| known.is_of(&parts));
            let one = match known {
                Some(known) => known.clone(),
                None => {
                    let (one, unfit) = Installed::new(&owner.1, parts, generation)?;
                    refused.extend(unfit);
                    Arc::new(one)
                }
            };
            installed.insert(owner, one);
        }
        let needles = Arc::new(AllNeedles::new(&installed, sources)?);
        Ok(Self { generation, revision: Some(loaded.revision), slots, installed, refused, needles })
    }

    /// The secret of a tenant's source of events.
    pub(super) fn inbound(&self, tenant: &TenantId, name: &str) -> Option<Secret> {
        let slot = Slot { tenant: tenant.clone(), installation: None, name: name.to_owned() };
        self.slots.get(&slot).filter(|slot| slot.in_use())?.current()?.credential.access.clone()
    }
}

/// All forms of all secrets of all tenants.
///
/// One automaton over all of them is made when it is first asked for: few hosts look into guest memory, and those that do not
/// should not pay for it at each renewal.
pub struct AllNeedles {
    installed: Vec<Arc<Installed>>,
    sources: Vec<Arc<Opened>>,
    of_sources: Needles,
    whole: OnceLock<Option<Needles>>,
}

impl AllNeedles {
    fn new(installed: &HashMap<Owner, Arc<Installed>>, sources: Vec<Arc<Opened>>) -> Result<Self, NeedlesError> {
        let of_sources = Needles::new(sources.iter().flat_map(|one| one.secrets()))?;
        Ok(Self { installed: installed.values().cloned().collect(), sources, of_sources, whole: OnceLock::new() })
    }

    /// Whether any form of any of the secrets is in these bytes.
    pub fn find_in(&self, bytes: &[u8]) -> bool {
        match self.whole.get_or_init(|| self.make_whole()) {
            Some(whole) => whole.find_in(bytes),
            // Too many for one automaton: one after the other.
            None => self.of_sources.find_in(bytes) || self.installed.iter().any(|one| one.needles().find_in(bytes)),
        }
    }

    fn make_whole(&self) -> Option<Needles> {
        let parts = self.installed.iter().flat_map(|one| one.opened());
        Needles::new(parts.chain(&self.sources).flat_map(|one| one.secrets())).ok()
    }
}

impl fmt::Debug for AllNeedles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllNeedles(of {} installations)", self.installed.len())
    }
}
