//! Rotation and freezes: acts against keepers that are played, and against real requests over TLS on this machine.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../support/mod.rs"]
mod support;

mod acts;
mod crash;
mod emergency;
mod endings;
mod fake;
mod freezes;
mod issuing;
mod kept;
mod planned;
mod schedule;
mod sources;
mod upstream;
