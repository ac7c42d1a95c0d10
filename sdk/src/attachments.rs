//! The capability `attachments`: the files that hang on tickets.
//!
//! There is no link to a file: it is read through [`open`], a chunk at a time, and only where the grant covers its type,
//! its size and what the malware scan said. A file's name and type are what its sender claimed.
//!
//! ```
//! use portcullis_sdk::attachments::{self, Attachment};
//! use portcullis_sdk::testing::Host;
//!
//! let host = Host::new()
//!     .grant("attachments:read types=text/plain bytes=1MiB scan=clean")
//!     .with_attachment(Attachment::new("1042", "7").with_type("text/plain"), "All is well.");
//! host.run(|| {
//!     for file in attachments::list("1042")? {
//!         let text = attachments::open(&file.id)?.read_to_end(64 * 1024)?;
//!         assert_eq!(text, b"All is well.");
//!     }
//!     Ok::<(), portcullis_sdk::Error>(())
//! })?;
//! # Ok::<(), portcullis_sdk::Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::attachments as host;

use crate::Error;

#[expect(missing_docs, reason = "wit/ says what the names mean")]
mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world attachments { import portcullis:plugin/attachments@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub use wit::portcullis::plugin::attachments::{Attachment, Scan};

/// The most bytes of one chunk.
const CHUNK: u32 = 64 * 1024;

/// A file that is being read, from its beginning to its end.
#[derive(Debug)]
pub struct Reader(host::Reader);

/// All files of a ticket, in the order of their ids. Files of types that are not granted are left out.
///
/// One call into the host for each 100 files, and one that finds the end.
///
/// Scope: any `attachments:read`. Errors: `denied`, `not-found`, `limited` (`records-read`), `unavailable`.
pub fn list(ticket: &str) -> Result<Vec<Attachment>, Error> {
    let mut all: Vec<Attachment> = Vec::new();
    loop {
        let page = list_after(ticket, all.last().map(|file| file.id.as_str()))?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// At most 100 of a ticket's files, in the order of their ids; `after` is the id of the last one already seen. An empty page
/// is the end.
///
/// Scope and errors: as [`list`], and `invalid`.
pub fn list_after(ticket: &str, after: Option<&str>) -> Result<Vec<Attachment>, Error> {
    Ok(host::list(ticket, after)?)
}

/// Opens a file for reading.
///
/// Scope: `attachments:read types=... bytes=... scan=...`, one that covers its type, its size and what the scan said. A file
/// in which the scan found something cannot be opened at all.
/// Errors: `denied`, `invalid`, `not-found`, `limited`, `unavailable`.
pub fn open(id: &str) -> Result<Reader, Error> {
    Ok(Reader(host::open(id)?))
}

impl Reader {
    /// The next bytes, at most 64 KiB; nothing at the end. A chunk can be shorter before the end.
    ///
    /// Errors: `denied`, `not-found` (it was deleted in between), `unavailable`.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.read(CHUNK)?)
    }

    /// All the rest, if it is no more than `limit` bytes. Mind the call's memory.
    ///
    /// Errors: as [`read_chunk`](Self::read_chunk), and `invalid` for a file that has more.
    pub fn read_to_end(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(chunk) = self.read_chunk()? {
            if chunk.len() > limit - all.len() {
                return Err(Error::invalid(format!("attachment: it has more than {limit} bytes")));
            }
            all.extend(chunk);
        }
        Ok(all)
    }
}
