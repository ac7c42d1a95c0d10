//! Reports as people read them: lines for a terminal, and pages that stand alone and can be printed.
//!
//! Invariants: no page loads anything or runs a script; every text that is not ours is escaped.

mod html;
pub mod markdown;
mod page;
mod text;

pub use html::{open as open_page, posture as posture_page, sheet as sheet_page};
pub use text::{moves as moves_text, posture as posture_text, sheet as sheet_text};

#[cfg(test)]
mod tests;
