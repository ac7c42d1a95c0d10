//! Making a home from a backup, and showing that one could be made.
//!
//! What the log had after the backup is lost here, and may be known elsewhere. So whoever restores says which it is: here is the newest
//! checkpoint that is known anywhere, and the backup has all of it; or nobody knows, and the log goes on under a new name.
//!
//! Invariants: all of it was checked before anything is called a home; a log that may be behind its published self never goes on under
//! its own name.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use age::x25519::Identity;
use anyhow::{Context, Result, bail};
use portcullis_audit::{Chain, Checkpoint, Log, LogVerifier, verify as verify_log};
use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    id::Digest,
    time::{Clock, Rng},
};
use portcullis_store::{SqliteStore, problems};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    archive::{Extracted, extract},
    manifest::{LeftOut, Manifest},
    state::RESTORED,
};
use crate::{
    commands::audit::bodies,
    config::Config,
    home::Home,
    host::Host,
    log_proof,
    publish::{LogPublisher, begin_anew},
};

/// What the unpacked copies begin with.
const UNPACKED: &str = ".portcullis-restore-";

/// How the log goes on.
#[derive(Clone, Debug)]
pub enum Continue {
    /// As it is: this file is the newest checkpoint that is known anywhere.
    Known(PathBuf),
    /// Under a new name, since it may have gone on elsewhere.
    NewName,
}

/// What was found out, or made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Restored {
    /// The backup's file.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest: to be compared with the `backup.made` entry, or a note of it.
    pub sha256: Digest,
    /// The moment that it is of.
    pub made: portcullis_model::time::Timestamp,
    /// How many files are in it.
    pub files: usize,
    /// How many audit entries.
    pub entries: u64,
    /// How many of them are published in the log in it.
    pub log_size: u64,
    /// That log's root hash.
    pub log_root: String,
    /// That log's key.
    pub log_key: String,
    /// Whether the stored credentials open with the keys in it: how many do not. Absent where keys are missing.
    pub unopened: Option<usize>,
    /// Programs that a host runs which is started from it, as its configuration says: to be read before that.
    pub runs: Vec<String>,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
    /// The key of the log that goes on under a new name.
    pub new_log_key: Option<String>,
    /// How long it took, to the last check.
    pub took_ms: u64,
}

/// What a backup is checked with.
pub struct Checks<'a> {
    /// Who can decrypt it.
    pub identities: &'a [Identity],
    /// The log's public key, kept elsewhere. Absent: the one in the backup, which says nothing about who made it.
    pub key: Option<&'a str>,
    /// A checkpoint that was kept elsewhere.
    pub known: Option<&'a Path>,
}

/// Restores into a temporary directory below `scratch`, checks all of it, and removes it.
pub async fn verify_only(file: &Path, checks: &Checks<'_>, scratch: &Path, clock: &dyn Clock) -> Result<Restored> {
    let unpacked = tempfile::Builder::new().prefix(UNPACKED).tempdir_in(scratch);
    let unpacked = unpacked.with_context(|| format!("cannot write into {}", scratch.display()))?;
    checked(file, checks, unpacked.path(), clock).await
}

/// Makes the home. `said` is the person's own word about it.
pub async fn restore(
    file: &Path,
    checks: &Checks<'_>,
    home: &Home,
    how: &Continue,
    (actor, said): (Actor, &str),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<Restored> {
    let parent = free(home.dir())?;
    let unpacked = tempfile::Builder::new().prefix(UNPACKED).tempdir_in(&parent);
    let unpacked = unpacked.with_context(|| format!("cannot write into {}", parent.display()))?;
    let began = clock.now();
    let mut done = checked(file, checks, unpacked.path(), clock).await?;
    let inside = Home::at(unpacked.path());
    let store = Arc::new(SqliteStore::open(&inside.database())?);
    let entry = |kind| Entry::new(clock.now(), kind, actor.clone(), None);
    let mut log = entry(Kind::LogRestored).with("log-size", done.log_size).with("log-root", done.log_root.clone());
    match how {
        Continue::Known(checkpoint) => {
            log = log.with("goes-on", "as it is").with("checkpoint", digest(checkpoint)?.to_string());
        }
        Continue::NewName => {
            let ended = begin_anew(&inside, store.clone(), rng).await?;
            log =
                log.with("goes-on", "under a new name").with("ended", ended.key).with("log-key", ended.new_key.clone());
            done.new_log_key = Some(ended.new_key);
        }
    }
    let restored = entry(Kind::HostRestored)
        .with("file", done.file.clone())
        .with("sha256", done.sha256.to_string())
        .with("made", done.made.to_string())
        .with("key-given", checks.key.is_some())
        .with("reason", said);
    store.note_newest(RESTORED, restored, serde_json::to_string(&done)?).await?;
    store.note_newest("log-restored", log, "{}".into()).await?;
    if inside.log_key().is_file() {
        LogPublisher::new(&inside, store.clone()).catch_up().await?;
    }
    drop(store);
    done.took_ms = u64::try_from(clock.now().distance(began).as_millis()).unwrap_or(u64::MAX);
    if home.dir().exists() {
        fs::remove_dir(home.dir()).with_context(|| format!("{} is not empty", home.dir().display()))?;
    }
    let unpacked = unpacked.keep();
    fs::rename(&unpacked, home.dir()).with_context(|| format!("cannot move {} there", unpacked.display()))?;
    File::open(&parent)?.sync_all()?;
    Ok(done)
}

/// The directory that a home is to be made in, where nothing is in its place.
fn free(home: &Path) -> Result<PathBuf> {
    if home.is_file() || fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "{} is there already, and nothing is restored over it: give another --home, or move it away first",
            home.display()
        );
    }
    let parent = home.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match parent.is_dir() {
        true => Ok(parent.to_owned()),
        false => bail!("there is no directory {}", parent.display()),
    }
}

async fn checked(file: &Path, checks: &Checks<'_>, into: &Path, clock: &dyn Clock) -> Result<Restored> {
    let began = clock.now();
    let Extracted { manifest, bytes, sha256 } = tokio::task::block_in_place(|| extract(file, checks.identities, into))
        .with_context(|| format!("{} cannot be restored", file.display()))?;
    let home = Home::at(into);
    home.check().context("the backup has no configuration")?;
    Config::load(&home)?;
    whole(&home, &manifest)?;
    logged(&home, &manifest, checks).await?;
    let unopened = opened(&home, &manifest).await?;
    let runs = Config::load(&home)?.vault.programs();
    Ok(Restored {
        file: file.display().to_string(),
        bytes,
        sha256,
        made: manifest.made,
        files: manifest.files.len(),
        entries: manifest.entries,
        log_size: manifest.log.size,
        log_root: manifest.log.root,
        log_key: manifest.log.key,
        unopened,
        runs,
        left_out: manifest.left_out,
        new_log_key: None,
        took_ms: u64::try_from(clock.now().distance(began).as_millis()).unwrap_or(u64::MAX),
    })
}

/// Whether each database is one, to the last page.
fn whole(home: &Home, manifest: &Manifest) -> Result<()> {
    for listed in manifest.files.iter().filter(|listed| listed.path.ends_with(".db") && !listed.path.contains('/')) {
        let found = tokio::task::block_in_place(|| problems(&home.dir().join(&listed.path), false));
        let found = found.with_context(|| listed.path.clone())?;
        if !found.is_empty() {
            bail!("{}: {}", listed.path, plain(&found.join("; ")));
        }
    }
    Ok(())
}

/// Whether the log holds, is the one that the database belongs to, and has what is known of it elsewhere.
async fn logged(home: &Home, manifest: &Manifest, checks: &Checks<'_>) -> Result<()> {
    let own = log_proof::vkey(home)?;
    let key = checks.key.map_or(own.as_str(), str::trim);
    let known = checks.known.map(|file| known(file, home, key)).transpose()?;
    if let Some(known) = known.as_ref().filter(|known| known.size() > manifest.log.size) {
        bail!(
            "the log had {} entries when it was published last, and this backup has {}: the host would contradict what others have \
             seen. Restore a newer backup, or let the log go on under a new name: --new-log in place of --checkpoint",
            known.size(),
            manifest.log.size
        );
    }
    let report = tokio::task::block_in_place(|| verify_log(&home.log(), key, known.as_ref()))
        .map_err(|error| anyhow::anyhow!("the log in it does not hold: {error}"))?;
    if (report.size, report.root.to_string()) != (manifest.log.size, manifest.log.root.clone()) {
        bail!("the log in it is not the one that its manifest names");
    }
    let store = SqliteStore::open(&home.database())?;
    let chain = Chain::around(&home.log(), LogVerifier::parse(key)?)?;
    let newest = chain.newest().context("a log without a key")?;
    let compared = bodies::compare(&store, &Log::open(&home.log(), newest)?, newest, None).await?;
    match compared.faults.is_empty() {
        true => Ok(()),
        false => bail!("the database in it does not agree with the log: {}", compared.faults.join("; ")),
    }
}

fn known(file: &Path, home: &Home, key: &str) -> Result<Checkpoint> {
    let note = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let key = LogVerifier::parse(key)?;
    let keys = Chain::around(&home.log(), key.clone()).map_or_else(|_| vec![key], |chain| chain.keys);
    Checkpoint::open_any(&note, &keys).with_context(|| format!("{}", file.display()))
}

fn digest(file: &Path) -> Result<Digest> {
    Ok(Digest::of(&fs::read(file).with_context(|| format!("cannot read {}", file.display()))?))
}

/// How many stored credentials do not open. None where the keys are not in the backup.
async fn opened(home: &Home, manifest: &Manifest) -> Result<Option<usize>> {
    let config = Config::load(home)?;
    // Who made the backup is not proven by its being encrypted: no program that its configuration names is run to look into it, and no
    // file outside of it is read.
    let inside = config.vault.keepers().all(|keeper| keeper.lies_below());
    if !inside || !manifest.files.iter().any(|listed| listed.path == "keys/vault.key") {
        return Ok(None);
    }
    let host = Host::open(home.clone()).await.context("a host cannot be opened from it")?;
    Ok(Some(host.vault().status().await?.unopened.len()))
}

impl Restored {
    /// What stands in an audit entry.
    pub fn told(&self) -> Value {
        json!(self)
    }
}
