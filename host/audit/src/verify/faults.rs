//! Collects what is wrong: one line a file, at most 20.
//!
//! Invariant: a file is named once, with what was found first.

use super::VerifyError;
use crate::fault::Fault;

/// The most that are reported.
const MOST: usize = 20;

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        if !self.is_full() && !self.0.iter().any(|known| known.file == fault.file) {
            self.0.push(fault);
        }
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is of no use to go on.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub fn into_result(self) -> Result<(), VerifyError> {
        let more = self.is_full();
        if self.0.is_empty() { Ok(()) } else { Err(VerifyError::Damaged(self.0, more)) }
    }
}
