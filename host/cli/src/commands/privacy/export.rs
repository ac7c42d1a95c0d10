//! `portcullis privacy export`

use std::{fs, path::Path};

use anyhow::Result;
use portcullis_model::id::PrivacyId;

use super::asking::{REQUESTS, missing};
use crate::{
    admin::{Keyboard, or_unknown},
    erasure::{Exported, fresh_dir},
    host::Host,
    output::Output,
    parcel::{fetch, unpack},
};

/// Writes what is handed over into a new directory.
pub(super) async fn run(host: &Host, id: &PrivacyId, out: &Path, output: Output) -> Result<()> {
    // Before it is asked for, which is on record.
    fresh_dir(out)?;
    let path = format!("{REQUESTS}/{id}/export.tar");
    let fetched = match Keyboard::of(host) {
        Ok(keyboard) => or_unknown(fetch(&keyboard, &path, out).await, || missing(id)),
        Err(error) => Err(error),
    };
    let written = fetched.and_then(|(mut file, contents)| {
        tokio::task::block_in_place(|| unpack(file.as_file_mut(), out))?;
        Ok(Exported { dir: out.to_owned(), files: contents.files })
    });
    if written.is_err() {
        // It is not whole: nobody should come across it.
        let _ = fs::remove_dir_all(out);
    }
    let exported = written?;
    output.result(&exported, || {
        format!("{} files in {}; their digests are in SHA256SUMS.", exported.files.len(), out.display())
    })
}
