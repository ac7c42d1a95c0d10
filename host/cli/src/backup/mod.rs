//! Backups of a home directory, made while its host runs, and restored (INC-5, DAT-6).
//!
//! ```text
//! age ( tar ( each file of the home, ..., manifest.json ) )
//! ```
//!
//! The manifest comes last and has each file's length and digest: a backup that was cut off has none. Databases are copied as of one
//! moment, and the published log as of its head at that moment. What is left out is named in the manifest, with the reason.
//!
//! Encryption keeps a backup from whoever does not hold the identity. It does not say who made it: anybody can encrypt to a public key. So
//! keep the log's public key elsewhere and give it when restoring.
//!
//! Invariants: nothing is written unencrypted but copies of databases beside the databases themselves; nothing bears a backup's name
//! before all of it is durable; nothing becomes a home before all of it was checked; memory does not grow with the home.

mod archive;
mod make;
mod manifest;
mod restore;
mod schedule;
mod state;

pub use archive::{Stop, identities};
pub use make::{Made, Target, make, unstopped};
pub use manifest::{FORMAT, LeftOut, Listed, LogHead, MANIFEST, Manifest};
pub use restore::{Checks, Continue, Restored, restore, verify_only};
pub use schedule::run;
pub use state::{BACKUP, RESTORED, State, TESTED, record_test, state};
