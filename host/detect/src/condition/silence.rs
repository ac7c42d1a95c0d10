//! The first use after a long time without.

use serde::Deserialize;

use super::{Finding, MOST_CELLS};
use crate::{
    engine::{Cell, Memory},
    facts::{Facts, What},
};

const DAY_MS: i64 = 24 * 3_600_000;
/// What stands for the subject itself.
const ITSELF: &str = "itself";

/// At the first use after a long time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AfterSilence {
    /// How long it was silent, in days.
    pub days: u32,
    /// Of what: each value by itself. Of the subject as a whole, where it is not given.
    #[serde(default)]
    pub of: Option<What>,
}

impl AfterSilence {
    pub(super) fn take(&self, facts: &Facts<'_>, memory: &mut Memory) -> Option<Finding> {
        let now = facts.time().0;
        let values = match self.of {
            Some(of) => facts.values(of),
            None => vec![(ITSELF.to_owned(), "it".to_owned())],
        };
        let mut found = Vec::new();
        for (value, shown) in values {
            let before = memory.get(&value).copied();
            memory.put(&value, before.map_or(Cell::once(now), |cell| cell.again(now, 1)));
            let silent = before.map_or(0, |cell| now.saturating_sub(cell.last) / DAY_MS);
            if silent >= i64::from(self.days) {
                found.push(format!("{shown} was not used for {silent} days"));
            }
        }
        memory.forget_oldest(MOST_CELLS, "");
        (!found.is_empty()).then(|| Finding::at(facts, found.join(", ")))
    }
}
