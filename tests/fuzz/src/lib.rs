//! What the fuzz targets hold: for each a function from bytes to nothing, which panics where a property is broken.
//!
//! They live here and not in `fuzz_targets/` so that `cargo test` replays seeds and corpus with any compiler
//! (`tests/replay.rs`). Only public interfaces of the host are used.
//!
//! Invariants: a check is a function of its input alone (no clock, no network, no file that outlives it); what a property
//! compares with is worked out here by other means than the host's.
#![forbid(unsafe_code)]

pub mod inspect;
pub mod manifest;
pub mod scope_text;
pub mod target;
mod text;
pub mod webhook;
