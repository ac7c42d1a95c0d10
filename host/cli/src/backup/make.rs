//! Making a backup of a home, whether or not its host runs.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use age::x25519::Recipient;
use anyhow::{Context, Result, bail};
use portcullis_audit::{Checkpoint, Log, LogError, LogVerifier, files_as_of};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _, plain},
    id::Digest,
    time::{Clock, Timestamp},
};
use portcullis_store::{Snapshot, SqliteStore};
use serde::Serialize;

use super::{
    archive::{Archive, Stop},
    manifest::{FORMAT, LeftOut, LogHead, Manifest},
    state::BACKUP,
};
use crate::{config::Config, home::Home, log_proof, parcel::OUTGOING};

/// What the directories of copies of databases begin with.
const COPIES: &str = ".backup-";
/// Before the name of a directory in which evidence is put together, with personal values opened.
const BUNDLES: &str = ".bundle-";
/// What the name of a backup that is not finished ends with.
const UNFINISHED: &str = ".partial";
/// How often a moment is looked for at which log and database agree, and how long is waited in between.
const TRIES: usize = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// What to make.
#[derive(Clone)]
pub struct Target {
    /// A directory, or a file that is not there yet.
    pub to: PathBuf,
    /// Who can decrypt it.
    pub recipients: Vec<Recipient>,
    /// Whether the home's keys are in it.
    pub keys: bool,
    /// In a directory: how many are kept.
    pub keep: Option<usize>,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Made {
    /// Where it is.
    pub file: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
    /// How many files are in it.
    pub files: usize,
    /// The published log in it.
    pub log: LogHead,
    /// How many audit entries are in it.
    pub entries: u64,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
    /// Older ones that were removed.
    pub removed: Vec<PathBuf>,
    /// How long it took.
    pub took_ms: u64,
}

/// Makes a backup, and says so in the audit log; or that it could not be made.
pub async fn make(
    home: &Home,
    store: &SqliteStore,
    target: Target,
    (actor, clock): (Actor, &dyn Clock),
    stop: Stop,
) -> Result<Made> {
    let began = clock.now();
    let entry = |kind| Entry::new(clock.now(), kind, actor.clone(), None);
    let to = target.to.display().to_string();
    let Some(lock) = home.try_lock_backup()? else { bail!("another backup of {} is being made", home.dir().display()) };
    // A log whose key changes in between would be checked with the wrong one.
    let Some(key) = home.try_lock_log_key().await? else { bail!("the log's key is just being replaced; try again") };
    let recipients = target.recipients.len();
    let (of, held) = (home.clone(), (lock, key));
    let written = tokio::task::spawn_blocking(move || {
        let made = write(&of, &target, began, &stop);
        drop(held);
        made
    });
    match written.await.map_err(anyhow::Error::from).flatten() {
        Ok(mut made) => {
            made.took_ms = u64::try_from(clock.now().distance(began).as_millis()).unwrap_or(u64::MAX);
            let said = entry(Kind::BackupMade)
                .with("file", made.file.display().to_string())
                .with("bytes", made.bytes)
                .with("sha256", made.sha256.to_string())
                .with("files", made.files)
                .with("recipients", recipients)
                .with("entries", made.entries)
                .with("log-size", made.log.size)
                .with("log-root", made.log.root.clone())
                .with("took-ms", made.took_ms)
                .with("removed", made.removed.len());
            store.note_newest(BACKUP, said, serde_json::to_string(&made)?).await?;
            Ok(made)
        }
        Err(error) => {
            let said = entry(Kind::BackupFailed).with("to", to).with("problem", format!("{error:#}"));
            if let Err(unsaid) = store.record(vec![said]).await {
                tracing::error!(error = %unsaid, "that a backup failed cannot be recorded");
            }
            Err(error)
        }
    }
}

/// Keeps the vault's key from being replaced meanwhile, by the lock that whoever replaces it takes.
fn hold_vault_key(home: &Home) -> Result<File> {
    let path = home.vault_key().with_extension("lock");
    let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let lock = lock.with_context(|| format!("cannot open {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => {
            bail!("the vault's key is being replaced at this moment: make the backup after that")
        }
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

fn write(home: &Home, target: &Target, began: Timestamp, stop: &Stop) -> Result<Made> {
    if target.recipients.is_empty() {
        bail!("a backup is always encrypted: name with --recipient, or in [backup], who can decrypt it");
    }
    let key = LogVerifier::parse(&log_proof::vkey(home)?)?;
    let (dir, name) = place(&target.to, key.origin(), began)?;
    if dir.canonicalize()?.starts_with(home.dir().canonicalize()?) {
        bail!("{} is in the home, and would be lost with it: name a directory elsewhere", dir.display());
    }
    let unfinished = unfinished(key.origin());
    tidy(home.dir(), COPIES, "");
    tidy(&dir, &unfinished, UNFINISHED);
    let output = tempfile::Builder::new().prefix(&unfinished).suffix(UNFINISHED).tempfile_in(&dir);
    let output = output.with_context(|| format!("cannot write into {}", dir.display()))?;
    let copies = tempfile::Builder::new().prefix(COPIES).tempdir_in(home.dir())?;
    // Until both are in the archive: a key that is replaced in between would open nothing of the database that was copied before.
    let _same_key = if target.keys { Some(hold_vault_key(home)?) } else { None };
    let (snapshot, head) = moment(home, &key)?;
    let (_, entries) = snapshot.log()?;
    let schema = snapshot.schema()?;
    let mut archive = Archive::new(output.as_file(), &target.recipients, stop.clone())?;
    let mut walk = Walk { home, keys: target.keys, plain: Vec::new(), databases: Vec::new(), left_out: Vec::new() };
    walk.dir(home.dir(), "")?;
    walk.elsewhere();
    let Walk { plain: files, databases, left_out, .. } = walk;
    log(&mut archive, home, &head)?;
    files.iter().try_for_each(|path| file(&mut archive, home.dir(), path))?;
    let mut host = Some(snapshot);
    for name in databases {
        let copy = copies.path().join(&name);
        // The host's own as of the moment at which the log was looked at, the others as of now.
        let of = match home.database().file_name().is_some_and(|own| own == name.as_str()) {
            true => host.take().context("two databases of one name")?,
            false => Snapshot::begin(&home.dir().join(&name))?,
        };
        of.write_to(&copy, || !stop.load(Ordering::Relaxed)).with_context(|| format!("cannot copy {name}"))?;
        drop(of);
        restrict(&copy)?;
        archive.file(&name, &File::open(&copy)?)?;
        fs::remove_file(&copy)?;
    }
    let head =
        LogHead { origin: key.origin().to_owned(), size: head.size(), root: head.root().to_string(), key: key.vkey() };
    let (of, without) = (head.clone(), left_out.clone());
    let (_, bytes, sha256, count) = archive.end(move |files| Manifest {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: began,
        log: of,
        entries,
        schema,
        files,
        left_out: without,
    })?;
    output.as_file().sync_all().with_context(|| format!("cannot write into {}", dir.display()))?;
    let file = dir.join(&name);
    output
        .persist_noclobber(&file)
        .map_err(|error| error.error)
        .with_context(|| format!("cannot make {}", file.display()))?;
    File::open(&dir)?.sync_all()?;
    let removed = match (target.to.is_dir(), target.keep) {
        (true, Some(keep)) => prune(&dir, key.origin(), keep),
        _ => Vec::new(),
    };
    Ok(Made { file, bytes, sha256, files: count, log: head, entries, left_out, removed, took_ms: 0 })
}

/// The directory and the name of a backup.
fn place(to: &Path, origin: &str, now: Timestamp) -> Result<(PathBuf, String)> {
    if to.is_dir() {
        let at: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        return Ok((to.to_owned(), format!("{}{at}.age", prefix(origin))));
    }
    if to.exists() {
        bail!("{} is there already", to.display());
    }
    let name = to.file_name().and_then(|name| name.to_str()).context("expected a file or a directory to write to")?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !dir.is_dir() {
        bail!("there is no directory {}", dir.display());
    }
    Ok((dir.to_owned(), name.to_owned()))
}

/// What the backups of a host begin with: the last part of its log's name, for people, and of the digest of the whole name as much as
/// tells it from others whose names end alike.
fn prefix(origin: &str) -> String {
    let name: String =
        origin.rsplit('/').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let whole = Digest::of(origin.as_bytes()).hex();
    format!("portcullis-{name}-{}-", whole.get(..16).unwrap_or(&whole))
}

/// What those begin with that a host has not finished: of another host in the same directory one may just be written.
fn unfinished(origin: &str) -> String {
    format!(".{}", prefix(origin))
}

/// Removes what a backup of this host that was killed has left. Whoever has its lock is alone.
fn tidy(dir: &Path, prefix: &str, suffix: &str) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(suffix)) {
            let path = entry.path();
            let _gone_or_not = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Removes the oldest backups of this host beyond so many. Their names sort by time.
fn prune(dir: &Path, origin: &str, keep: usize) -> Vec<PathBuf> {
    let prefix = prefix(origin);
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let time = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".age"));
        time.is_some_and(|time| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let found = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = found.filter(is_one).collect();
    found.sort();
    found.truncate(found.len().saturating_sub(keep));
    found.retain(|old| fs::remove_file(old).is_ok());
    found
}

/// A moment at which the database has all that the log has, and the log all that the database's views have.
fn moment(home: &Home, key: &LogVerifier) -> Result<(Snapshot, Checkpoint)> {
    for _ in 0..TRIES {
        let snapshot = Snapshot::begin(&home.database())?;
        let (advanced, entries) = snapshot.log()?;
        let head = Log::open(&home.log(), key)?.head().clone();
        if (advanced..=entries).contains(&head.size()) {
            return Ok((snapshot, head));
        }
        std::thread::sleep(PAUSE);
    }
    bail!("the published log and the database do not agree; run 'portcullis audit verify'")
}

fn log(archive: &mut Archive<&File>, home: &Home, head: &Checkpoint) -> Result<()> {
    let mut failed = None;
    let done = files_as_of(&home.log(), head, |name, bytes| {
        archive.bytes(&format!("log/{name}"), bytes, 0o644).map_err(|error| {
            let said = error.to_string();
            failed = Some(error);
            LogError::Proof(said)
        })
    });
    match (done, failed) {
        (_, Some(error)) => Err(error),
        (done, None) => Ok(done?),
    }
}

/// A file of the home's. One that is gone since it was listed was not there at a later moment.
fn file(archive: &mut Archive<&File>, home: &Path, path: &str) -> Result<()> {
    match File::open(home.join(path)) {
        Ok(opened) => archive.file(path, &opened),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
    }
}

fn restrict(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o600))?)
}

/// What is in a home, and what of it is copied how.
struct Walk<'a> {
    home: &'a Home,
    keys: bool,
    plain: Vec<String>,
    databases: Vec<String>,
    left_out: Vec<LeftOut>,
}

impl Walk<'_> {
    fn dir(&mut self, dir: &Path, below: &str) -> Result<()> {
        let mut entries = fs::read_dir(dir)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .with_context(|| format!("cannot read {}", dir.display()))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.left_out.push(LeftOut::new(format!("{below}{}", name.to_string_lossy()), "its name is no text"));
                continue;
            };
            let (path, kind) = (format!("{below}{name}"), entry.file_type()?);
            if self.is_left_out(&path, below.is_empty()) {
                continue;
            }
            match (kind.is_dir(), kind.is_file()) {
                (true, _) => self.dir(&entry.path(), &format!("{path}/"))?,
                (_, true) if below.is_empty() && name.ends_with(".db") => self.databases.push(path),
                (_, true) => self.plain.push(path),
                _ => self.left_out.push(LeftOut::new(path, "it is no file")),
            }
        }
        Ok(())
    }

    fn is_left_out(&mut self, path: &str, top: bool) -> bool {
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        let mut say = |why| self.left_out.push(LeftOut::new(path, why));
        match path {
            "log" => true,
            "locks" => true,
            "keys" if !self.keys => {
                say("backups are made without keys: put it back from elsewhere before the host is started");
                true
            }
            _ if top && path.starts_with("audit-index.db") => {
                // Once, for the file and what lies beside it.
                if path == "audit-index.db" {
                    say("it is made again from the log");
                }
                true
            }
            // Recent changes of databases are in their copies.
            _ if top && ends(&[".lock", ".db-wal", ".db-shm", ".db-journal"]) => true,
            // What somebody is just being handed over.
            _ if top && [COPIES, OUTGOING, BUNDLES].iter().any(|begin| path.starts_with(begin)) => true,
            _ => false,
        }
    }

    /// What the configuration says lies outside of the home.
    fn elsewhere(&mut self) {
        let Ok(config) = Config::load(self.home) else { return };
        let keepers = config.vault.key.iter().chain(&config.vault.previous);
        for keeper in keepers {
            let what = match (&keeper.file, &keeper.env, &keeper.command) {
                (Some(file), ..) if self.home.dir().join(file).starts_with(self.home.dir()) => continue,
                (Some(file), ..) => plain(&file.display().to_string()),
                (_, Some(variable), _) => format!("the environment variable {variable}"),
                _ => "the key of a program".to_owned(),
            };
            self.left_out.push(LeftOut::new(what, "the vault's key is kept there: a restored host needs it"));
        }
    }
}

/// What never stops.
pub fn unstopped() -> Stop {
    Arc::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_handed_over_is_in_no_backup() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".bundle-a", ".outgoing-a", ".backup-a", "kept"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("entries.ndjson"), "somebody's name").unwrap();
        }
        let home = Home::at(dir.path());
        let mut walk =
            Walk { home: &home, keys: false, plain: Vec::new(), databases: Vec::new(), left_out: Vec::new() };
        walk.dir(dir.path(), "").unwrap();
        assert_eq!(walk.plain, ["kept/entries.ndjson"]);
    }

    #[test]
    fn of_two_hosts_whose_names_end_alike_each_keeps_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = ("portcullis.acme.example/main", "portcullis.other.example/main");
        for origin in [ours, theirs] {
            for hour in 0..3 {
                let (_, name) = place(dir.path(), origin, Timestamp(hour * 3_600_000)).unwrap();
                fs::write(dir.path().join(name), "a backup").unwrap();
            }
        }
        fs::write(dir.path().join(format!("{}by-hand.age", prefix(ours))), "what somebody put aside").unwrap();
        let removed = prune(dir.path(), ours, 1);
        assert_eq!(removed.len(), 2);
        assert!(removed.iter().all(|path| path.to_str().unwrap().contains(&prefix(ours))), "{removed:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
        assert!(!unfinished(ours).starts_with(&unfinished(theirs)));
    }
}
