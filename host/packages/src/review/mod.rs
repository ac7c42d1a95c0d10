//! The review of releases: hand one in, have it looked at, decide about it, and look again when that is over; and what tenants
//! and advisories report of one that runs.
//!
//! [`case`] has the states and what may happen in each; [`decide`] makes verdicts, and [`filing`] takes them once they are signed;
//! [`short`] makes those that need no submission; [`look`] is what whoever decides has before them; [`Desk`] does what is asked
//! of it; [`misbehaviour`] and [`rescan`] are about releases that run.
//!
//! Invariants: a state is derived and never kept; a verdict is signed, is about exactly one release, never lets it do what the
//! manifest does not ask for, and never counts where its key also signed as publisher; a decision about a submission of medium
//! or high risk names what was seen of its behaviour, or says why nobody looked.

pub mod case;
pub mod decide;
mod desk;
mod error;
pub mod filing;
pub mod look;
pub mod misbehaviour;
pub mod rescan;
pub mod short;

use portcullis_model::audit::plain;

pub use case::{Act, Case, State};
pub use decide::{Choice, Seen};
pub use desk::Desk;
pub use error::ReviewError;

/// The longest comment, reason or note, in characters.
pub const MAX_WORDS: usize = 500;

/// A text that somebody wrote, if it is one line that can be seen.
pub(crate) fn words(what: &'static str, text: &str) -> Result<String, ReviewError> {
    let text = text.trim();
    match text.is_empty() || text.chars().count() > MAX_WORDS || plain(text) != text {
        true => Err(ReviewError::Text { what, most: MAX_WORDS }),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
