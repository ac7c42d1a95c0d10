//! `portcullis tenant export`

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use portcullis_model::id::TenantId;
use serde_json::json;

use crate::{
    admin::{Keyboard, escaped},
    host::Host,
    output::Output,
    parcel::{digest_of, fetch},
};

/// Saves what is handed over where it is whole.
pub(super) async fn run(host: &Host, tenant: &TenantId, out: &Path, output: Output) -> Result<()> {
    if out.exists() {
        bail!("{} is there already; remove it, or give another name", out.display());
    }
    let path = format!("/tenants/{}/export", escaped(tenant.as_str()));
    let (mut file, contents) = fetch(&Keyboard::of(host)?, &path, out).await?;
    let (digest, _) = tokio::task::block_in_place(|| digest_of(file.as_file_mut()))?;
    let cannot = || format!("cannot write {}", out.display());
    file.as_file().sync_all().with_context(cannot)?;
    file.persist_noclobber(out).map_err(|error| error.error).with_context(cannot)?;
    let files = contents.files.len();
    let value = json!({ "file": out, "digest": digest, "list": contents.list, "files": files });
    output.result(&value, || format!("{files} files of {tenant} are in {}.\nIts digest: {digest}", out.display()))
}
