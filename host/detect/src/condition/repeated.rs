//! So many entries in so short a time. Each that is counted is remembered by its index until it is too old, or until enough came
//! together: then counting begins anew.

use serde::Deserialize;

use super::Finding;
use crate::{
    engine::{Cell, Memory},
    facts::Facts,
};

const MINUTE_MS: i64 = 60_000;

/// After so many in so short a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repeated {
    /// How many.
    pub times: u64,
    /// In how many minutes.
    pub within_minutes: u32,
}

impl Repeated {
    pub(super) fn take(&self, facts: &Facts<'_>, memory: &mut Memory) -> Option<Finding> {
        let now = facts.time().0;
        let oldest = now.saturating_sub(i64::from(self.within_minutes).saturating_mul(MINUTE_MS));
        let weight = facts.weight();
        if weight == 0 {
            return None;
        }
        memory.retain(|_, cell| cell.last > oldest);
        memory.put(&format!("{:020}", facts.index), Cell { count: weight, first: now, last: now });
        let total = memory.iter().fold(0_u64, |sum, (_, cell)| sum.saturating_add(cell.count));
        if total < self.times {
            return None;
        }
        let entries = memory.iter().filter_map(|(name, _)| name.parse().ok()).collect();
        memory.retain(|_, _| false);
        Some(Finding { why: format!("{total} times within {} minutes", self.within_minutes), entries })
    }
}
