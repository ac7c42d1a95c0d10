//! The keys that sign the log, and how one follows another (`portcullis audit key rotate`).
//!
//! ```text
//! keys/log.key        signs
//! keys/log.next.key   is about to: an entry of the log names it, or it is dropped
//! keys/log.old.key    signs as well, until the time in keys/log.old.until; then it is destroyed
//! log.vkey            the public half of keys/log.key
//! ```
//!
//! Invariants: a new key signs only after an entry of the log names it, with the old one still there to sign for that entry; an old
//! key is destroyed only after what shows that change is stored beside the log; a destruction that was cut off is finished by whoever
//! looks next.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use portcullis_audit::{Keys, LogKey, key_changes};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    time::Timestamp,
};
use portcullis_store::SqliteStore;

use crate::home::Home;

/// Where the keys of a home's log lie.
pub(crate) struct Files {
    pub key: PathBuf,
    pub next: PathBuf,
    pub old: PathBuf,
    pub until: PathBuf,
}

impl Files {
    pub(crate) fn of(home: &Home) -> Self {
        let beside = |name: &str| home.dir().join("keys").join(name);
        Self {
            key: home.log_key(),
            next: beside("log.next.key"),
            old: beside("log.old.key"),
            until: beside("log.old.until"),
        }
    }

    /// Until when the old key signs, where there is one.
    pub(crate) fn old_until(&self) -> Result<Option<Timestamp>> {
        if !self.old.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&self.until).with_context(|| format!("cannot read {}", self.until.display()))?;
        let until = Timestamp::parse(text.trim());
        Ok(Some(until.with_context(|| format!("{}: expected an RFC 3339 time", self.until.display()))?))
    }
}

/// Which keys a publisher has read.
pub(crate) struct Held {
    until: Option<Timestamp>,
}

impl Held {
    pub(crate) fn read(home: &Home) -> Result<(Self, Keys)> {
        let files = Files::of(home);
        finish_destroying(&files.old)?;
        let until = files.old_until()?;
        let old = until.map(|_| LogKey::read(&files.old)).transpose()?;
        Ok((Self { until }, Keys::new(LogKey::read(&files.key)?, old.into_iter().collect())))
    }

    /// Whether one of them must not sign any more.
    pub(crate) fn are_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

/// Destroys the old key, once its time is over and the change from it is on record.
pub(crate) async fn retire(home: &Home, store: &SqliteStore, now: Timestamp) -> Result<()> {
    let files = Files::of(home);
    finish_destroying(&files.old)?;
    if files.old_until()?.is_none_or(|until| now < until) {
        return Ok(());
    }
    let old = LogKey::read(&files.old)?.vkey();
    if !key_changes(&home.log())?.iter().any(|change| change.old == old) {
        tracing::warn!(
            "the log's old key is kept: what shows the change is not stored; run 'portcullis audit key rotate' again"
        );
        return Ok(());
    }
    let entry = Entry::new(now, Kind::LogKeyDestroyed, Actor::Host, None).with("old", old);
    store.record(vec![entry]).await?;
    destroy(&files.old)?;
    fs::remove_file(&files.until).with_context(|| format!("cannot remove {}", files.until.display()))
}

/// The most bytes of a file that can be a key that was overwritten.
const MAX_KEY: u64 = 4_096;

/// Removes a key's file that was overwritten, and not removed: whoever destroyed it died in between. Any other stays.
pub(crate) fn finish_destroying(file: &Path) -> Result<()> {
    let read = || {
        let length = fs::metadata(file)?.len();
        Ok::<_, io::Error>((1..=MAX_KEY).contains(&length) && fs::read(file)?.iter().all(|byte| *byte == 0))
    };
    match read() {
        Ok(true) => destroy(file),
        Ok(false) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Overwrites a file and removes it; one that is gone already is destroyed. What a disk keeps of it below that is out of a
/// program's reach.
pub(crate) fn destroy(file: &Path) -> Result<()> {
    let overwrite = || {
        let length = usize::try_from(fs::metadata(file)?.len()).unwrap_or(0);
        let mut handle = fs::File::options().write(true).open(file)?;
        handle.write_all(&vec![0; length])?;
        handle.sync_all()?;
        fs::remove_file(file)
    };
    match overwrite() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot destroy {}", file.display()))
        }
        _ => Ok(()),
    }
}
