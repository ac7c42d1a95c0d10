//! A value that a subject never had before: a destination, a scope, an act, an account, a device.
//!
//! For a time after a subject's first entry it only learns: everything is new then.

use serde::Deserialize;

use super::{BEGAN, Finding, MOST_CELLS};
use crate::{
    engine::{Cell, Memory},
    facts::{Facts, What},
};

const HOUR_MS: i64 = 3_600_000;

/// At a value that was never there before.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FirstSeen {
    /// Of what.
    pub of: What,
    /// How long a new subject is only learnt, in hours. As the host's configuration says, where it is not given.
    #[serde(default)]
    pub learn_hours: Option<u32>,
}

impl FirstSeen {
    pub(super) fn take(&self, facts: &Facts<'_>, memory: &mut Memory, learns: u32) -> Option<Finding> {
        let now = facts.time().0;
        let values = facts.values(self.of);
        if values.is_empty() {
            return None;
        }
        let learns = i64::from(self.learn_hours.unwrap_or(learns)).saturating_mul(HOUR_MS);
        let until = memory.get(BEGAN).map_or(now.saturating_add(learns), |began| began.first.saturating_add(learns));
        let began = memory.get(BEGAN).map_or(now, |began| began.first);
        // As the configuration says now, which may be otherwise than when it began.
        let until_count = u64::try_from(until).unwrap_or_default();
        if memory.get(BEGAN).is_none_or(|cell| cell.count != until_count) {
            memory.put(BEGAN, Cell { count: until_count, first: began, last: now });
        }
        let mut new = Vec::new();
        for (value, shown) in values {
            let before = memory.get(&value).copied();
            let cell = before.map_or(Cell::once(now), |cell| cell.again(now, 1));
            memory.put(&value, cell);
            new.extend(before.is_none().then_some(shown));
        }
        memory.forget_oldest(MOST_CELLS, BEGAN);
        let found = !new.is_empty() && now >= until;
        found.then(|| Finding::at(facts, format!("{} for the first time", new.join(", "))))
    }
}
