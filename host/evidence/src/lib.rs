//! What an entry of the audit log means to others, and what is handed to them: CloudEvents with OCSF events in them, messages
//! and records for receivers outside ([`outlet`]), spans of traces ([`spans`]), and evidence bundles (INC-2, MON-2).
//!
//! Entries are stored as they are; what stands here is made of them when they are read. So a mapping can be corrected, and no proof
//! breaks.
//!
//! What is ABSENT here: a database, an async runtime, HTTP, a clock.
//!
//! Invariants: an event says nothing that the entry does not; it has the bytes that are hashed, so that it can be led to the
//! published log; a bundle is called verified only where every entry in it is proven with a key that did not come from the bundle.
#![forbid(unsafe_code)]

mod bundle;
mod catalogue;
mod event;
pub mod outlet;
pub mod spans;

pub use bundle::{
    BUNDLE, BundleError, LeftOut, MOST_ENTRIES, MOST_LEFT_OUT, Maker, Manifest, Ready, Verified, pack, unpack,
    verify_bundle,
};
pub use catalogue::{Class, Line, OCSF, OTHER, Rule, Severity, Status, line};
pub use event::CloudEvent;
