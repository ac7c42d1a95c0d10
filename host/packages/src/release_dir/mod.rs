//! The form in which a release is handed over: a directory with `plugin.wasm`, `portcullis.toml` and `release.dsse.json`,
//! and what others signed or found out about it in `statements/` and `reports/`; or the same as one file, a [`bundle`].
//!
//! Invariants: no file is read past its cap, and only regular files are read; every error names the file. A report is read
//! only under the name that its bytes have. What was read is checked by nobody yet.

mod error;
mod part;
mod read;
mod write;

use std::{path::Path, sync::Arc};

pub use error::DirError;
pub(crate) use part::{FORMAT, Part};
use portcullis_model::{id::Digest, release::StoredRelease};
use read::{capped, text};
pub use write::{add_report, add_statement, write_envelope, write_new};

use crate::{
    bundle,
    dsse::MAX_ENVELOPE,
    inspect::MAX_COMPONENT,
    manifest::MAX_MANIFEST,
    statement::{COMPONENT_NAME, MANIFEST_NAME},
};

/// The file with the publisher's signed statement.
pub const ENVELOPE_NAME: &str = "release.dsse.json";

/// The folder of what others than the publisher signed about the release: `0001.dsse.json` and so on.
pub const STATEMENTS: &str = "statements";

/// The folder of reports: `<SHA-256 in hexadecimal>.json`.
pub const REPORTS: &str = "reports";

/// The most statements beside the publisher's; each has at most [`MAX_ENVELOPE`] bytes.
pub const MAX_STATEMENTS: usize = 64;

/// The most reports.
pub const MAX_REPORTS: usize = 16;

/// The longest report, in bytes.
pub const MAX_REPORT: usize = 1024 * 1024;

/// A component and its manifest, before anybody signed them.
#[derive(Clone, Debug)]
pub struct Unsigned {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// The manifest's text.
    pub manifest: String,
}

/// What is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFiles {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// Digest of the component, manifest and envelope.
    pub stored: StoredRelease,
    /// Envelopes of others than the publisher about this release, such as reviewers' verdicts, as they were found.
    pub statements: Vec<String>,
    /// Reports that statements name by their SHA-256.
    pub reports: Vec<Vec<u8>>,
}

impl ReleaseFiles {
    /// What a publisher hands over: nobody else has said anything yet.
    pub fn new(stored: StoredRelease, component: Arc<[u8]>) -> Self {
        Self { component, stored, statements: Vec::new(), reports: Vec::new() }
    }
}

/// Reads the component and the manifest.
pub fn read_unsigned(dir: &Path) -> Result<Unsigned, DirError> {
    let path = dir.join(MANIFEST_NAME);
    let manifest = capped(&path, MAX_MANIFEST, "write one: it says what the plugin is and asks for")?;
    let component = dir.join(COMPONENT_NAME);
    let component = capped(&component, MAX_COMPONENT, "build the plugin and put its component there")?;
    Ok(Unsigned { component: component.into(), manifest: text(&path, manifest)? })
}

/// Reads all of a release: a directory, or a bundle.
pub fn read_release(path: &Path) -> Result<ReleaseFiles, DirError> {
    if path.is_file() {
        return bundle::read_file(path);
    }
    let Unsigned { component, manifest } = read_unsigned(path)?;
    let envelope = path.join(ENVELOPE_NAME);
    let bytes = capped(&envelope, MAX_ENVELOPE, "the publisher makes it by signing the release")?;
    let stored = StoredRelease { digest: Digest::of(&component), manifest, envelope: text(&envelope, bytes)? };
    Ok(ReleaseFiles { component, stored, statements: read::statements(path)?, reports: read::reports(path)? })
}

#[cfg(test)]
mod tests;
