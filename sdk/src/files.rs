//! The capability `files`: a private directory of the installation. Whole files, read and written at once.
//!
//! A path is relative, its parts divided by `/`: at most 8 parts, each 1 to 128 bytes of text without control characters and
//! backslashes, none of them `.` or `..`. A file has at most 4 MiB, a directory at most 1,000 entries.
//!
//! ```
//! use portcullis_sdk::{files, testing::Host, Error};
//!
//! let host = Host::new().grant("files:read").grant("files:write bytes=1MiB");
//! host.run(|| {
//!     files::write("reports/may.txt", "nothing to report")?;
//!     assert_eq!(files::list("reports")?[0].name, "may.txt");
//!     files::remove("reports/may.txt")
//! })?;
//! assert_eq!(host.file("reports/may.txt"), None);
//! # Ok::<(), Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::files as host;

use crate::Error;

mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world files { import portcullis:plugin/files@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq, Eq],
        generate_all,
    });
}

pub use wit::portcullis::plugin::files::Entry;

/// The whole of a file.
///
/// Scope: `files:read`. Errors: `denied`, `invalid`, `not-found`, `unavailable`.
pub fn read(path: &str) -> Result<Vec<u8>, Error> {
    Ok(host::read(path)?)
}

/// The whole of a file as text.
///
/// Scope: `files:read`. Errors: as [`read`], and `invalid` when the file is no UTF-8.
pub fn read_str(path: &str) -> Result<String, Error> {
    String::from_utf8(read(path)?).map_err(|_| Error::invalid("files: the file is no text"))
}

/// Writes the whole of a file, at once or not at all. Directories before it are made.
///
/// Scope: `files:write bytes=...`, which bounds all files of the installation together; a directory counts 4 KiB.
/// Errors: `denied`, `invalid`, `limited` (`files-bytes`, `files-entries`), `conflict` (a directory is there, or a file where a
/// directory is needed), `unavailable`.
pub fn write(path: &str, content: impl AsRef<[u8]>) -> Result<(), Error> {
    Ok(host::write(path, content.as_ref())?)
}

/// Removes a file or an empty directory; what is not there is no error.
///
/// Scope: `files:write`. Errors: `denied`, `invalid`, `conflict` (not empty), `unavailable`.
pub fn remove(path: &str) -> Result<(), Error> {
    Ok(host::remove(path)?)
}

/// What is in a directory, in the order of names; the empty path is the directory itself.
///
/// Scope: `files:read`. Errors: `denied`, `invalid`, `not-found`, `unavailable`.
pub fn list(path: &str) -> Result<Vec<Entry>, Error> {
    Ok(host::list(path)?)
}
