//! The line of responsibility: which duty is whose, how it stands, and what it rests on; profiles, accepted risks, incidents.
//!
//! What is ABSENT here: a database, an async runtime, HTTP, a clock.
//!
//! Invariants: what a report says is computed from facts that are handed in, and names what it rests on; nothing here can widen what a
//! plugin may do, but for a risk that the catalogue allows and that somebody else approved.
#![forbid(unsafe_code)]

pub mod book;
pub mod catalogue;
pub mod desk;
pub mod incident;
pub mod look;
pub mod posture;
pub mod report;
pub mod sheet;
#[cfg(test)]
mod testing;
