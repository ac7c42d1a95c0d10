//! What an installation leaves behind: written out for whoever it belongs to, and erased when its time is over.
//!
//! Invariants: what is exported is whole, with the SHA-256 of each file, and closed to others; files go before rows, so that an
//! erasure that is cut off is done again, and then counts the files that were left; nothing is erased while a call goes on.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use portcullis_capabilities::Capabilities;
use portcullis_model::{
    audit::{Actor, SealedError},
    ending::Ending,
    erasure::Erased,
    id::{Digest, InstallationId},
    installation::{Installation, InstallationState, InstallationStore as _},
    release::ReleaseStore as _,
};
use portcullis_packages::install::{InstallError, Installer};
use portcullis_runtime::Runtime;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use crate::{
    host::{Host, person},
    rotation,
};

/// How often it is looked for installations whose time is over.
const TICK: Duration = Duration::from_millis(500);
/// How many rows are read at once.
const PAGE: usize = 500;
/// The list of what was exported: `sha256sum -c` reads it.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// What was exported: each file's digest, by its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Where it lies.
    pub dir: PathBuf,
    /// SHA-256 of each file, by its path below.
    pub files: BTreeMap<String, String>,
}

/// Writes all that an installation stored, its log, its grant and what the log says of it into a new directory.
pub async fn export(host: &Host, one: &Installation, dir: &Path) -> Result<Exported> {
    fresh_dir(dir)?;
    fs::write(dir.join("installation.json"), serde_json::to_vec_pretty(one)?)?;
    if let Some(release) = host.store.release(&one.release_id()).await? {
        fs::write(dir.join("portcullis.toml"), release.manifest)?;
    }
    values(host, one, &dir.join("values.ndjson")).await?;
    log(host, one, &dir.join("log.ndjson")).await?;
    audit(host, one, &dir.join("audit.ndjson")).await?;
    let (dirs, whose, below) = (host.dirs.clone(), one.clone(), dir.join("files"));
    tokio::task::block_in_place(|| {
        dirs.visit(&whose.tenant, &whose.id, &mut |path, content| {
            let path = below.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)
        })
    })?;
    seal(dir)
}

/// Lists what lies in a directory in its `SHA256SUMS`.
pub(crate) fn seal(dir: &Path) -> Result<Exported> {
    let mut files = BTreeMap::new();
    tokio::task::block_in_place(|| sums(dir, dir, &mut files))?;
    let lines: Vec<String> = files.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    fs::write(dir.join(SUMS), lines.concat())?;
    Ok(Exported { dir: dir.to_owned(), files })
}

/// Makes a directory that is not there yet, closed to others.
pub(crate) fn fresh_dir(dir: &Path) -> Result<()> {
    fs::create_dir(dir)
        .with_context(|| format!("cannot make {}; name a directory that is not there yet", dir.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

async fn values(host: &Host, one: &Installation, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    let mut after = None;
    loop {
        let page = host.store.values_of(one, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.bucket.clone(), last.key.clone()));
        for value in page {
            let mut row = json!({ "bucket": value.bucket, "key": value.key, "expires": value.expires });
            match String::from_utf8(value.value) {
                Ok(text) => row["value"] = text.into(),
                Err(bytes) => row["value-hex"] = hex::encode(bytes.into_bytes()).into(),
            }
            writeln!(file, "{row}")?;
        }
    }
    Ok(file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

async fn log(host: &Host, one: &Installation, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    let mut after = 0;
    loop {
        let page = host.store.log_of(&one.id, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, line) in &page {
            writeln!(file, "{}", serde_json::to_string(line)?)?;
        }
    }
    Ok(file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

/// The entries that are about the installation or by it, each with its index.
async fn audit(host: &Host, one: &Installation, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create_new(path)?);
    let about = format!("installation:{}", one.id);
    let mut next = 0;
    loop {
        let page = host.store.entries(next, PAGE).await?;
        if page.is_empty() {
            break;
        }
        next += page.len() as u64;
        for stored in page {
            let entry = match stored.read() {
                Ok(entry) => entry,
                // Whose it was is not known any more; that it was is.
                Err(SealedError::Disposed(by)) if stored.tenant.as_deref() == Some(one.tenant.as_str()) => {
                    writeln!(file, "{}", json!({ "index": stored.index, "disposed-by": by }))?;
                    continue;
                }
                Err(SealedError::Disposed(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            let by = matches!(&entry.actor, Actor::Plugin { installation, .. } if *installation == one.id);
            if by || entry.resource.as_deref() == Some(&about) {
                writeln!(file, "{}", json!({ "index": stored.index, "entry": entry }))?;
            }
        }
    }
    Ok(file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

fn sums(root: &Path, dir: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            sums(root, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_str().context("a file's name is no text")?;
        if name.contains(['\n', '\\']) {
            bail!("a file's name cannot be written into {SUMS}: {name:?}");
        }
        files.insert(name.to_owned(), Digest::of(&fs::read(&path)?).hex());
    }
    Ok(())
}

/// Erases what an installation that is uninstalled stored. For when no call of it goes on any more.
pub async fn purge(host: &Host, one: &Installation) -> Result<(Installation, Erased)> {
    if !matches!(one.state, InstallationState::Uninstalled { .. }) {
        return Err(InstallError::NotUninstalled(one.id.clone()).into());
    }
    revoke_all(host, one, person()).await?;
    let files = remove_files(host, one)?;
    Ok(host.installer().erase(host.store.as_ref(), one, files).await?)
}

/// The last that is tried to have its credentials revoked: they are deleted with it.
async fn revoke_all(host: &Host, one: &Installation, actor: Actor) -> Result<()> {
    let its = |ending: &Ending| ending.key.installation == one.id && ending.key.tenant == one.tenant;
    rotation::endings(host, actor).settle(its, true).await?;
    Ok(())
}

fn remove_files(host: &Host, one: &Installation) -> Result<Erased> {
    let removed = tokio::task::block_in_place(|| host.dirs.remove_all(&one.tenant, &one.id))?;
    Ok(Erased { files: removed.files, file_bytes: removed.bytes, ..Erased::default() })
}

/// Erases what is due, until `stop` turns true.
pub async fn run(host: Arc<Host>, runtime: Arc<Runtime<Capabilities>>, mut stop: watch::Receiver<bool>) {
    let mut quiet = HashSet::new();
    loop {
        if let Err(error) = due(&host, &runtime, &mut quiet).await {
            tracing::error!(error = format!("{error:#}"), "what is uninstalled cannot be erased; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
    }
}

/// Erases the installations whose time is over and of which no call went on at this look and at the last: a call that has
/// just ended is still written down.
async fn due(host: &Host, runtime: &Runtime<Capabilities>, quiet: &mut HashSet<InstallationId>) -> Result<()> {
    let now = host.clock.now();
    for one in host.store.installations().await? {
        let InstallationState::Uninstalled { purge_at, .. } = &one.state else { continue };
        if *purge_at > now {
            continue;
        }
        runtime.end(&one.id, one.generation);
        if runtime.live(&one.id) > 0 || quiet.insert(one.id.clone()) {
            continue;
        }
        let installer = Installer { actor: Actor::Host, platform: false, ..host.installer() };
        revoke_all(host, &one, Actor::Host).await?;
        // Providers may have taken their time.
        let same = host.store.installation(&one.id).await?.is_some_and(|now| now.generation == one.generation);
        if !same {
            continue;
        }
        let files = remove_files(host, &one)?;
        match installer.erase(host.store.as_ref(), &one, files).await {
            Ok((_, erased)) => tracing::info!(installation = %one.id, ?erased, "what an installation stored is erased"),
            // Taken back or changed just now: it is looked at again.
            Err(InstallError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
