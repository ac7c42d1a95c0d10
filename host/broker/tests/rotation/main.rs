//! Rotation and freezes: acts against keepers that are played, and against real requests over TLS on this machine.
#![forbid(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;

mod acts;
mod crash;
mod emergency;
#[expect(clippy::unwrap_used, reason = "test support")]
mod fake;
mod freezes;
#[expect(clippy::unwrap_used, reason = "test support")]
mod kept;
mod planned;
mod schedule;
mod sources;
#[expect(clippy::unwrap_used, reason = "test support")]
mod upstream;
