//! From an accepted event to a handled one: which installations get it, when a worker takes it, what happens when a call
//! fails. And the same for messages to installations' back ends (`outbound`).
//!
//! What is ABSENT: HTTP (in the api crate), the sandbox (behind `model::invoke::Invoke`), storage (behind `model::queue::Queue`).
//!
//! Invariants:
//! - an event is answered for only after it, its deliveries and its audit entry are durable;
//! - a delivery ends in exactly one of: done, dead; until then it is tried again, at least once;
//! - a plugin that fails or loops costs its own deliveries time, not its neighbours': leases are shared out an installation.
#![forbid(unsafe_code)]

mod backoff;
mod directory;
mod ingest;
mod outbound;
mod privacy;
mod worker;

pub use backoff::RetryPolicy;
pub use directory::Directory;
pub use ingest::Ingest;
pub use outbound::{AlertSender, Outbound, OutboundConfig};
pub use worker::{Worker, WorkerConfig};
