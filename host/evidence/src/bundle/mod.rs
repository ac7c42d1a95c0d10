//! Evidence bundles: entries with all that somebody without access to the host needs to check them, as a directory or
//! as a tar of it.
//!
//! ```text
//! README.txt       how to check it, with our tool and without
//! summary.html     for people: no script, nothing from elsewhere
//! entries.ndjson   a line an entry: the body that is hashed, openings that are shown, what can be read of it
//! events.ndjson    the same as CloudEvents with OCSF
//! proofs.ndjson    a line an entry: its leaf, and C2SP tlog-proofs into the host's log and into its view
//! checkpoint       the host's log's head that all proofs lead to, with the witnesses' cosignatures of it
//! log.vkey         the log's public key, to be compared with one that was had elsewhere
//! keys/<n>.json    how one key of the log followed another
//! manifest.note    the SHA-256 of each of these files, signed by the log's key as '<origin>/evidence'
//! ```
//!
//! Invariants: the manifest is written last, so a directory without one is no bundle; every entry is proven by itself, so what the
//! host's key signs in the manifest is not what the proof of an entry rests on.

mod make;
mod manifest;
mod packed;
mod place;
mod summary;
#[cfg(test)]
mod tests;
mod verify;

pub use make::{Maker, Ready};
pub use manifest::{BundleError, LeftOut, Manifest};
pub use packed::{pack, unpack};
pub use verify::{Verified, verify_bundle};

/// What the form is called.
pub const BUNDLE: &str = "portcullis-evidence/1";
/// The most entries of a bundle.
pub const MOST_ENTRIES: u64 = 100_000;
/// The most entries that a manifest names as left out: as many as it has room for.
pub const MOST_LEFT_OUT: usize = 10_000;
/// The most bytes of a line, and of the files that are no lines.
const MAX_TEXT: u64 = 1 << 20;

const SIGNED_AS: &str = "evidence";
const README: &str = "README.txt";
const SUMMARY: &str = "summary.html";
const ENTRIES: &str = "entries.ndjson";
const EVENTS: &str = "events.ndjson";
const PROOFS: &str = "proofs.ndjson";
const CHECKPOINT: &str = "checkpoint";
const VKEY: &str = "log.vkey";
const MANIFEST: &str = "manifest.note";
/// What every bundle has, beside the manifest.
const FILES: [&str; 7] = [CHECKPOINT, ENTRIES, EVENTS, VKEY, PROOFS, README, SUMMARY];

/// Whether it is how one key of the log followed another.
fn is_key_change(name: &str) -> bool {
    let number = name.strip_prefix("keys/").and_then(|name| name.strip_suffix(".json"));
    number.is_some_and(|number| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a bundle can have a file of this name.
fn names_a_file(name: &str) -> bool {
    name == MANIFEST || FILES.contains(&name) || is_key_change(name)
}

/// Whether it is read as a whole, so that it must be short.
fn is_text(name: &str) -> bool {
    [MANIFEST, CHECKPOINT, VKEY, README].contains(&name) || is_key_change(name)
}
