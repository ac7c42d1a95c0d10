//! What is held about a person, put together for them: what plugins answered, and what the host itself keeps for them.
//!
//! Invariants: the SHA-256 of each file is in a list beside them; that it was put together is on record, with the digest of that list,
//! before anybody is handed it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::{Digest, PrivacyId},
    json::sorted,
    privacy::{Identity, PartState, PrivacyKind, PrivacyRequest},
};
use serde_json::{Value, json};

use super::{finders, installations, one};
use crate::{
    erasure::{Exported, SUMS, fresh_dir, seal},
    host::Host,
    parcel::{Bench, Packed},
};

/// A request for access, and whom it is about. Says why nothing can be handed over, where nothing can.
pub(super) async fn for_access(host: &Host, id: &PrivacyId) -> Result<(PrivacyRequest, Identity)> {
    let request = one(host, id).await?;
    if request.kind != PrivacyKind::Access {
        bail!("the request is to {}, not for access: there is nothing to hand over", request.kind.name());
    }
    let who = request.who.clone().context("whom the request was about is not kept any more, nor what was answered")?;
    Ok((request, who))
}

/// Puts what is held about the person of a request for access into one tar.
pub(super) async fn export(host: &Host, request: &PrivacyRequest, who: &Identity, by: Actor) -> Result<Packed> {
    let bench = Bench::of(&host.home)?;
    let dir = bench.whole();
    let exported = put_together(host, request, who, &dir).await?;
    let list = Digest::of(&fs::read(dir.join(SUMS))?);
    let packed = tokio::task::block_in_place(|| bench.pack())?;
    let entry = Entry::new(host.clock.now(), Kind::PrivacyExported, by, Some(request.tenant.clone()))
        .about(format!("privacy:{}", request.id))
        .with("files", exported.files.len())
        .with("digest", list.to_string());
    host.store.record(vec![entry]).await?;
    Ok(packed)
}

async fn put_together(host: &Host, request: &PrivacyRequest, who: &Identity, dir: &Path) -> Result<Exported> {
    fresh_dir(dir)?;
    let about = json!({ "request": request, "written": host.clock.now() });
    write(&dir.join("request.json"), &about)?;
    fs::create_dir(dir.join("answers"))?;
    for part in &request.parts {
        if let PartState::Done { data: Some(data), .. } = &part.state {
            let data = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.clone()));
            write(&dir.join("answers").join(format!("{}.json", part.installation)), &data)?;
        }
    }
    let installations = installations(host, &request.tenant).await?;
    let finders = Arc::new(finders(host, who, &installations));
    let mut file = BufWriter::new(File::create_new(dir.join("host.ndjson"))?);
    for copy in host.store.copies_of(request.tenant.clone(), finders.clone()).await? {
        let line = json!({ "installation": copy.installation, "sort": copy.sort, "content": copy.content });
        writeln!(file, "{}", serde_json::to_string(&line)?)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    for one in &installations {
        let (finder, below) = (finders.of(one.id.as_str()), dir.join("files").join(format!("of-{}", one.id)));
        tokio::task::block_in_place(|| {
            host.dirs.visit(&one.tenant, &one.id, &mut |path, content| {
                if !finder.in_text(path) && !finder.in_bytes(&content) {
                    return Ok(());
                }
                let path = below.join(path);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent)?;
                }
                fs::write(path, content)
            })
        })?;
    }
    seal(dir)
}

fn write(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(&sorted(value)?)?;
    text.push(b'\n');
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
