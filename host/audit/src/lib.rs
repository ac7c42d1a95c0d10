//! The Merkle log over the audit entries (MON-1, MON-2): publishing it, its signed checkpoints, proofs, and checking it
//! offline. A log directory is a C2SP tlog-tiles log, so tools that are not ours can check it as well:
//!
//! ```text
//! checkpoint                      origin, size and root, signed (tlog-checkpoint, signed-note)
//! tile/<level>/<index>[.p/<w>]    hashes
//! tile/entries/<index>[.p/<w>]    the entries' bytes, as `Entry::encode` makes them
//! ```
//!
//! The store keeps the entries; whoever wires things together gives those from [`Publisher::size`] on to
//! [`Publisher::append`]. The entries must be durable in the store first: the log never forgets.
//!
//! What a signature cannot show is that a log is the newest one: a directory that was rolled back to an older checkpoint
//! is a valid, shorter log. So keep a checkpoint elsewhere, and give it to [`verify()`] as `at_least`.
//!
//! What is ABSENT here: a database, an async runtime, a clock.
//!
//! Invariants: a checkpoint is signed only over files that are durable; the head only moves forward, and never forks;
//! nothing is called verified that was not led to a signature that `verify_strict` accepts.
#![forbid(unsafe_code)]

mod bundle;
mod checkpoint;
mod disk;
mod fault;
mod key;
mod layout;
mod leaf;
mod proof;
mod proven;
mod publish;
mod read;
mod tree;
mod verify;

#[cfg(test)]
mod testing;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use fault::{Fault, LogError};
pub use key::{KeyError, LogKey, LogVerifier};
pub use leaf::Leaf;
pub use proof::{Log, check_consistency, check_inclusion, check_proof};
pub use publish::Publisher;
pub use tlog_tiles::Hash;
pub use verify::{Report, VerifyError, verify, verify_entries};
