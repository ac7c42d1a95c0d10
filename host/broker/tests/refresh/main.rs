//! Renewals over several processes: the test binary starts itself again as workers, which are killed at each step.
#![forbid(unsafe_code)]

#[path = "../support/hooked.rs"]
#[expect(clippy::unwrap_used, reason = "test support")]
mod hooked;
#[expect(clippy::unwrap_used, reason = "a test")]
mod kills;
mod one_flight;
#[expect(clippy::unwrap_used, reason = "test support")]
mod process;
#[expect(clippy::unwrap_used, reason = "test support")]
mod provider;
#[expect(clippy::unwrap_used, reason = "test support")]
mod world;
