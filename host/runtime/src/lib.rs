//! The sandbox: a wasmtime engine with pooled memory, a fresh store and instance for every call, and limits on CPU time,
//! wall-clock time, memory, output, log and calls into the host.
//!
//! What is ABSENT: capabilities. What a plugin may do comes in as a [`capability::CapabilitySet`]; this crate links what is granted
//! and nothing else. No file, socket or environment variable is touched here; see [`wasi`] for what stands in for them.
//!
//! Invariants:
//! - nothing survives a call: store and instance are dropped with it;
//! - what is not granted is not linked, so a component that imports it does not load;
//! - a call always ends: by itself, at its CPU limit (epochs), or at its wall-clock limit (host calls included);
//! - compiled code is only ever what this process compiled from bytes that were verified.
#![forbid(unsafe_code)]

pub mod capability;
mod engine;
pub mod gate;
mod invoke;
mod ledger;
mod life;
mod limits;
mod memory_scan;
mod meter;
pub mod observe;
mod plugins;
mod running;
mod shares;
mod trigger;
mod visit;
pub mod wasi;
pub mod wit;

pub use engine::{Sandbox, SandboxConfig};
pub use invoke::{CallStore, Runtime};
pub use ledger::Ledger;
pub use limits::LimitReached;
pub use memory_scan::FindSecrets;
pub use plugins::LoadError;
pub use visit::{Purpose, Visit};
pub use wasmtime;
pub use wasmtime_wasi;
pub use wasmtime_wasi_http;
