//! The authorization server, less its HTTP: every flow, and every way to cheat that its specifications warn of.
#![expect(clippy::unwrap_used, reason = "a test")]

mod assertions;
mod authorization;
mod automation;
mod checks;
mod exchange;
mod keys;
mod possession;
mod rotation;
#[expect(dead_code, reason = "the tests of the endpoints use more of it")]
mod world;
