//! Registries of every kind, on loopback: honest ones with and without the referrers API, and such as want to cheat.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod asking;
mod fake;
mod hostile;
mod lists;
mod roads;
mod world;
