//! The kinds of condition, and what each remembers of a subject: cells by their names, each a count and two moments.
//!
//! Invariant: a subject's memory of one rule has at most [`MOST_CELLS`] cells; what is least recent goes first.

mod repeated;
mod seen;
mod silence;
#[cfg(test)]
mod tests;
mod volume;

pub use repeated::Repeated;
pub use seen::FirstSeen;
pub use silence::AfterSilence;
pub use volume::VolumeJump;

use crate::{
    engine::Memory,
    facts::{Facts, GroupBy, Measure, What},
};

/// The most cells of one subject.
pub const MOST_CELLS: usize = 2_000;

/// The cell that says since when there is a memory: `first`, and until when it learns: `count`. No value is called that.
pub const BEGAN: &str = "";

/// When a rule raises something.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// At every entry.
    Every,
    /// At a value that was never there before.
    FirstSeen(FirstSeen),
    /// After so many in so short a time.
    Repeated(Repeated),
    /// At much more than is usual in an hour.
    VolumeJump(VolumeJump),
    /// At the first use after a long time.
    AfterSilence(AfterSilence),
}

/// What a condition found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In words, without a personal value.
    pub why: String,
    /// The entries behind it.
    pub entries: Vec<u64>,
}

impl Finding {
    fn at(facts: &Facts<'_>, why: String) -> Self {
        Self { why, entries: vec![facts.index] }
    }
}

impl Condition {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::FirstSeen(_) => "first-seen",
            Self::Repeated(_) => "repeated",
            Self::VolumeJump(_) => "volume-jump",
            Self::AfterSilence(_) => "after-silence",
        }
    }

    /// Whether each thing that it finds is one of its own, which is told by itself, and not more of the same.
    pub fn finds_news(&self) -> bool {
        matches!(self, Self::Every | Self::FirstSeen(_))
    }

    /// Takes one more entry of a subject into its memory. `learns`: for how many hours after the first it only learns, where the
    /// rule does not say.
    pub fn take(&self, facts: &Facts<'_>, memory: &mut Memory, learns: u32) -> Option<Finding> {
        match self {
            Self::Every => {
                let to = facts.values(What::Host).pop().map_or_else(String::new, |(_, host)| format!(", to {host}"));
                Some(Finding::at(facts, format!("{}{to}", facts.entry.kind.name())))
            }
            Self::FirstSeen(seen) => seen.take(facts, memory, learns),
            Self::Repeated(repeated) => repeated.take(facts, memory),
            Self::VolumeJump(jump) => jump.take(facts, memory),
            Self::AfterSilence(silence) => silence.take(facts, memory),
        }
    }

    /// In words.
    pub fn words(&self, by: GroupBy) -> String {
        let by = format!("{by:?}").to_lowercase();
        match self {
            Self::Every => "each time".to_owned(),
            Self::FirstSeen(seen) => {
                let learns =
                    seen.learn_hours.map_or_else(String::new, |hours| format!(", after {hours} h of learning"));
                format!("{:?} never seen before, by {by}{learns}", seen.of).to_lowercase()
            }
            Self::Repeated(one) => format!("{} times in {} min, by {by}", one.times, one.within_minutes),
            Self::VolumeJump(one) => {
                let of = match one.of {
                    Measure::Records => "records read",
                    Measure::BytesOut => "bytes sent",
                };
                let ceiling = one.ceiling.map_or_else(String::new, |most| format!(", or above {most}"));
                format!(
                    "{of} in an hour above {} and above median + {} x MAD of the subject's own hours (at least {} of them){ceiling}, by {by}",
                    one.minimum, one.deviations, one.history_hours
                )
            }
            Self::AfterSilence(one) => format!("after {} days of silence, by {by}", one.days),
        }
    }
}
