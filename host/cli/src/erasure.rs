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
    audit::{
        Actor,
        query::{Field, Filter},
        reader::{AuditReader as _, LARGEST_PAGE, Shown, Window},
    },
    ending::Ending,
    erasure::Erased,
    id::{Digest, InstallationId, TenantId},
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
    reading::LogReader,
    rotation,
};

/// How often it is looked for installations whose time is over.
const TICK: Duration = Duration::from_millis(500);
/// How many rows are read at once.
const PAGE: usize = 500;
/// What the host's log says of an installation.
const AUDIT: &str = "audit.ndjson";
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
    stored(host, one, dir).await?;
    audit(host, &one.tenant, &BTreeMap::from([(&one.id, dir.join(AUDIT))])).await?;
    seal(dir)
}

/// The same for all of these, which are a tenant's: each into a new directory of its own below this one.
pub(crate) async fn export_all(host: &Host, tenant: &TenantId, all: &[Installation], below: &Path) -> Result<()> {
    let dir = |one: &Installation| below.join(format!("of-{}", one.id));
    for one in all {
        stored(host, one, &dir(one)).await?;
    }
    audit(host, tenant, &all.iter().map(|one| (&one.id, dir(one).join(AUDIT))).collect()).await?;
    all.iter().try_for_each(|one| seal(&dir(one)).map(drop))
}

/// All but what the log of the host says of it.
async fn stored(host: &Host, one: &Installation, dir: &Path) -> Result<()> {
    fresh_dir(dir)?;
    fs::write(dir.join("installation.json"), serde_json::to_vec_pretty(one)?)?;
    if let Some(release) = host.store.release(&one.release_id()).await? {
        fs::write(dir.join("portcullis.toml"), release.manifest)?;
    }
    values(host, one, &dir.join("values.ndjson")).await?;
    log(host, one, &dir.join("log.ndjson")).await?;
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
    Ok(())
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

/// The entries that are about these installations of a tenant or by them, each with its index, and each into its own file. The tenant's part
/// of the log is read once for all of them.
async fn audit(host: &Host, tenant: &TenantId, files: &BTreeMap<&InstallationId, PathBuf>) -> Result<()> {
    files.values().try_for_each(|path| File::create_new(path).map(drop))?;
    let reader = LogReader::new(&host.home, host.store.clone());
    let filter = Filter::default().and(Field::Tenant, tenant.as_str());
    let (mut from, to) = (0, reader.written().await?);
    loop {
        let window = Window { from, to, backwards: false, most: LARGEST_PAGE };
        let found = reader.search(&filter, window).await?;
        for (id, path) in files {
            let lines = found.entries.iter().map(|shown| line(id, shown)).collect::<Result<Vec<_>>>()?.concat();
            if !lines.is_empty() {
                File::options().append(true).open(path)?.write_all(lines.as_bytes())?;
            }
        }
        match found.next {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(files.values().try_for_each(|path| File::open(path)?.sync_all())?)
}

/// What an installation's file has of an entry.
fn line(of: &InstallationId, shown: &Shown) -> Result<String> {
    let entry = match (&shown.entry, shown.disposed) {
        (Some(entry), _) => entry,
        // Whose it was is not known any more; that it was is.
        (None, Some(by)) => return Ok(format!("{}\n", json!({ "index": shown.index, "disposed-by": by }))),
        (None, None) => bail!("entry {}: {}", shown.index, shown.fault.as_deref().unwrap_or("it cannot be read")),
    };
    let by = matches!(&entry.actor, Actor::Plugin { installation, .. } if installation == of);
    if by || entry.resource.as_deref() == Some(format!("installation:{of}").as_str()) {
        return Ok(format!("{}\n", json!({ "index": shown.index, "entry": entry })));
    }
    Ok(String::new())
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

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::{Entry, Kind},
        time::Timestamp,
    };

    use super::*;

    #[test]
    fn each_installation_gets_the_entries_about_it_and_what_was_disposed_of_by_its_number() {
        let (one, other) = ("ins_1".parse().unwrap(), "ins_2".parse().unwrap());
        let about = Entry::new(Timestamp(1), Kind::PluginGranted, Actor::Host, Some("acme".parse().unwrap()));
        let shown = |entry: Option<Entry>, disposed| Shown {
            index: 7,
            entry,
            fault: None,
            body: None,
            openings: Vec::new(),
            erased: BTreeMap::new(),
            disposed,
            leaf: None,
        };
        let its = shown(Some(about.about("installation:ins_1")), None);
        assert!(line(&one, &its).unwrap().contains("plugin.granted") && line(&other, &its).unwrap().is_empty());
        let gone = line(&other, &shown(None, Some(9))).unwrap();
        assert!(gone.contains("\"disposed-by\":9") && gone.ends_with('\n'), "{gone}");
        assert!(line(&one, &shown(None, None)).is_err(), "what cannot be read is not left out");
    }
}
