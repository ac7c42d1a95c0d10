//! Much more in an hour than the same subject had in its hours before: above the median of them by so many median absolute deviations,
//! and above a minimum; or above a ceiling, which needs no history and which no slow rise moves. Hours in which nothing of the kind
//! happened are none.
//!
//! The deviation counts as a tenth of the median at the least, so that whoever is always the same may be a little different once.
//! Median and MAD hold still under a few wild hours, where a mean and its deviation follow them.

use serde::Deserialize;

use super::Finding;
use crate::{
    engine::{Cell, Memory},
    facts::{Facts, Measure},
};

const HOUR_MS: i64 = 3_600_000;
/// Hours that are remembered: those of two weeks.
const HOURS: usize = 336;

/// At much more than is usual in an hour.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VolumeJump {
    /// Of what.
    pub of: Measure,
    /// Never at less than this in an hour.
    pub minimum: u64,
    /// By how many median absolute deviations.
    pub deviations: u32,
    /// How many hours there must be to compare with. With fewer only the ceiling holds.
    pub history_hours: u32,
    /// What is too much in any hour, with whatever history or none. None where it is not given.
    #[serde(default)]
    pub ceiling: Option<u64>,
}

impl VolumeJump {
    pub(super) fn take(&self, facts: &Facts<'_>, memory: &mut Memory) -> Option<Finding> {
        let amount = facts.measure(self.of).filter(|amount| *amount > 0)?;
        let now = facts.time().0;
        let name = format!("{:012}", now.div_euclid(HOUR_MS).max(0));
        let before = memory.get(&name).copied();
        let cell = before.map_or(Cell { count: amount, first: now, last: now }, |cell| cell.again(now, amount));
        memory.put(&name, cell);
        memory.forget_oldest(HOURS, "");
        let (was, is) = (before.map_or(0, |cell| cell.count), cell.count);
        if is <= self.minimum {
            return None;
        }
        let past: Vec<u64> = memory.iter().filter(|(hour, _)| **hour < name).map(|(_, cell)| cell.count).collect();
        let usual = (past.len() >= self.history_hours as usize).then(|| self.usual(past));
        let line = usual.map(|(_, line)| line).into_iter().chain(self.ceiling).min()?;
        // Once an hour: at the entry that goes over the line.
        let found = was <= line && is > line;
        found.then(|| {
            let of = match self.of {
                Measure::Records => "records read",
                Measure::BytesOut => "bytes sent",
            };
            let usual = usual.map_or_else(|| "not known yet".to_owned(), |(usual, _)| usual.to_string());
            Finding::at(facts, format!("{is} {of} within an hour; usual: {usual}, the line: {line}"))
        })
    }

    /// What is usual after these hours, and above which line it is not any more.
    fn usual(&self, mut past: Vec<u64>) -> (u64, u64) {
        let usual = median(&mut past);
        let mut off: Vec<u64> = past.iter().map(|count| count.abs_diff(usual)).collect();
        let deviation = median(&mut off).max(usual.div_ceil(10)).max(1);
        let line = usual.saturating_add(deviation.saturating_mul(u64::from(self.deviations))).max(self.minimum);
        (usual, line)
    }
}

fn median(values: &mut [u64]) -> u64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0 } else { *values.select_nth_unstable(middle).1 }
}
