//! The Merkle log over the audit entries (MON-1, MON-2): publishing it, its signed checkpoints, proofs, and checking it
//! offline. A log directory is a C2SP tlog-tiles log, so tools that are not ours can check it as well:
//!
//! ```text
//! checkpoint                      origin, size and root, signed (tlog-checkpoint, signed-note)
//! tile/<level>/<index>[.p/<w>]    hashes
//! tile/entries/<index>[.p/<w>]    the leaves: each the head of a view, with one entry more (decision 29)
//! ```
//!
//! The store keeps the entries' bodies and the tiles of views; whoever wires things together makes a [`Leaf`] of each body with
//! the [`View`] that it belongs to, and gives those from [`Publisher::size`] on to [`Publisher::append`]. The bodies must be
//! durable in the store first: the log never forgets.
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
mod change;
mod checkpoint;
mod copy;
mod disk;
mod entry_proof;
mod fault;
mod key;
mod layout;
mod leaf;
mod proof;
mod proven;
mod publish;
mod read;
mod serve;
mod statement;
mod tree;
mod verify;
mod view;
mod witness;

#[cfg(test)]
mod testing;

pub use change::{Chain, KeyChange, key_changes, put_key_change};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use copy::{copy_log, files_as_of};
pub use entry_proof::{ENTRY_PROOF, EntryProof, InView, Shown};
pub use fault::{Fault, LogError};
pub use key::{KeyError, Keys, LogKey, LogVerifier};
pub use leaf::Leaf;
pub use proof::{Log, ViewLog, check_consistency, check_inclusion, check_proof, check_proof_of};
pub use publish::Publisher;
pub use serve::{bundle_of, checkpoint_file, cosigned_file, entries_file, has_tile, key_change_file, tile_file};
pub use tlog_tiles::{Hash, record_hash};
pub use verify::{Report, VerifyError, verify, verify_entries};
pub use view::{View, ViewTile};
pub use witness::{Answer, Cosignature, Cosigned, MAX_ANSWER, WitnessKey, add_checkpoint, answer, put_cosigned};
