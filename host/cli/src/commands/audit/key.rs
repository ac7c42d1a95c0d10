//! `portcullis audit key`: the key that signs the log, and its replacement, on record.

mod show;

use std::{fs::File, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use portcullis_audit::{KeyChange, Leaf, Log, LogKey, LogVerifier, put_key_change};
use portcullis_model::audit::{Entry, Kind, Recorder as _};
use portcullis_store::LogRow;
use serde_json::json;

use crate::{
    home::Home,
    host::Host,
    output::Output,
    publish::keys::{Files, destroy, finish_destroying},
};

/// The key that signs the log.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show the log's public key, and how it came about.
    Show,
    /// Replace it: an entry of the log names both keys, both sign for a time, then the old one is destroyed.
    #[command(after_help = "Example:\n  portcullis audit key rotate --overlap-days 30\n\n\
        Who holds the old public key finds the new one by itself: 'audit verify --key OLD' follows the change, which both keys \
        signed. Give the new one out all the same. A rotation that was cut off goes on when the command is given again.")]
    Rotate {
        /// For how many days the old key signs as well.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=366))]
        overlap_days: u64,
    },
}

impl Key {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        match self {
            Self::Show => show::run(home, output).await?,
            Self::Rotate { overlap_days } => rotate(home, output, overlap_days).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn rotate(home: Home, output: Output, overlap_days: u64) -> Result<()> {
    let Some(_alone) = home.try_lock_log_key().await? else { bail!("another process is replacing the log's key") };
    for file in [&Files::of(&home).old, &Files::of(&home).next] {
        finish_destroying(file)?;
    }
    let host = Host::open(home).await?;
    super::super::publish(&host).await?;
    let files = Files::of(&host.home);
    let named = rotations(&host).await?;
    if files.next.exists() {
        let next = LogKey::read(&files.next)?.vkey();
        if !named.iter().any(|(_, entry)| entry.text("new") == Some(next.as_str())) {
            // It was made, and nothing came of it.
            destroy(&files.next)?;
        }
    }
    let unfinished = files.next.exists() || !is_on_record(&host, &files)?;
    if !unfinished {
        if let Some(until) = files.old_until()?.filter(|_| differ(&files)) {
            bail!("the key before signs as well until {until}; replace the present one after that");
        }
        begin(&host, &files, overlap_days).await?;
    }
    let change = finish(&host, &files).await?;
    let until = files.old_until()?;
    output.result(&json!({ "old": change.old, "new": change.new, "old-signs-until": until }), || {
        let until = until.map_or_else(String::new, |until| format!(" The old key signs as well until {until}."));
        format!(
            "The log is signed with a new key; give it to everybody who checks the log:\n  {}\n{}",
            change.new,
            until.trim()
        )
    })
}

/// The entries that say that the key changed.
async fn rotations(host: &Host) -> Result<Vec<(LogRow, Entry)>> {
    let rows = host.store.log_rows_of(Kind::LogKeyRotated).await?.into_iter();
    let read = rows.filter_map(|row| {
        let entry = serde_json::from_slice(row.body.as_deref()?);
        Some(entry.map(|entry| (row, entry)))
    });
    Ok(read.collect::<Result<_, _>>()?)
}

/// Whether the key's file and the old one's hold different keys.
fn differ(files: &Files) -> bool {
    let read = |file: &Path| LogKey::read(file).ok().map(|key| key.vkey());
    read(&files.old) != read(&files.key)
}

/// Whether there is nothing to show, or what shows the last change is stored.
fn is_on_record(host: &Host, files: &Files) -> Result<bool> {
    if !files.old.exists() || !differ(files) {
        return Ok(true);
    }
    let old = LogKey::read(&files.old)?.vkey();
    Ok(portcullis_audit::key_changes(&host.home.log())?.iter().any(|change| change.old == old))
}

/// A new key, and the entry that names it. From here on the rotation goes on, whatever happens.
async fn begin(host: &Host, files: &Files, overlap_days: u64) -> Result<()> {
    let key = LogKey::read(&files.key)?;
    let next = key.successor(host.rng.as_ref());
    next.write(&files.next)?;
    let until = host.clock.now().plus(Duration::from_secs(overlap_days * 86_400));
    replace(&files.until, &format!("{until}\n"))?;
    if files.old.exists() {
        destroy(&files.old)?;
    }
    key.write(&files.old)?;
    let entry = host
        .entry(Kind::LogKeyRotated, None)
        .with("old", key.vkey())
        .with("new", next.vkey())
        .with("old-signs-until", until.to_string());
    host.store.record(vec![entry]).await?;
    Ok(())
}

/// Takes the new key into use, and stores what shows the change.
async fn finish(host: &Host, files: &Files) -> Result<KeyChange> {
    if files.next.exists() {
        std::fs::rename(&files.next, &files.key).with_context(|| format!("cannot rename {}", files.next.display()))?;
    }
    let vkey = LogKey::read(&files.key)?.vkey();
    replace(&host.home.log_vkey(), &format!("{vkey}\n"))?;
    super::super::publish(host).await?;
    let all = rotations(host).await?;
    let (row, entry) =
        all.iter().rev().find(|(_, entry)| entry.text("new") == Some(vkey.as_str())).with_context(|| {
            format!("no entry of the log names the key in {}; was it put there by hand?", files.key.display())
        })?;
    let log = Log::open(&host.home.log(), &LogVerifier::parse(&vkey)?)?;
    let (logged, proof) = tokio::task::block_in_place(|| -> Result<(Vec<u8>, Vec<u8>)> {
        let mut logged = Vec::new();
        log.entries(row.index..row.index + 1, |_, bytes| logged = bytes.to_vec())?;
        Ok((logged, log.proof_text(row.index)?))
    })?;
    anyhow::ensure!(Leaf::read(&logged).is_some(), "entry {} of the log is no head of a view", row.index);
    let old = entry.text("old").context("an entry without the old key")?.to_owned();
    let change = KeyChange {
        new: vkey,
        entry: String::from_utf8(row.body.clone().unwrap_or_default())?,
        leaf: String::from_utf8(logged)?,
        proof: String::from_utf8(proof)?,
        old,
    };
    change.check(&LogVerifier::parse(&change.old)?).map_err(anyhow::Error::msg)?;
    put_key_change(&host.home.log(), &change)?;
    Ok(change)
}

/// Writes a small file of the owner's alone, so that it is there whole or as it was.
fn replace(file: &Path, text: &str) -> Result<()> {
    let write = || {
        let mut temporary = file.as_os_str().to_owned();
        temporary.push(".tmp");
        let mut written = File::options().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        std::fs::rename(&temporary, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{commands::init, log_proof};

    async fn host(dir: &Path) -> Host {
        init::create(Home::at(dir), "").await.unwrap()
    }

    fn quiet() -> Output {
        Output { json: true }
    }

    fn verified(home: &Home, vkey: &str) -> bool {
        portcullis_audit::verify(&home.log(), vkey, None).is_ok()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_old_public_key_still_leads_to_the_log_and_the_old_key_is_destroyed_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path()).await;
        let home = host.home.clone();
        crate::commands::publish(&host).await.unwrap();
        let old = log_proof::vkey(&home).unwrap();
        rotate(home.clone(), quiet(), 30).await.unwrap();
        let new = log_proof::vkey(&home).unwrap();
        assert_ne!(old, new);
        assert!(verified(&home, &old) && verified(&home, &new));
        assert!(rotate(home.clone(), quiet(), 30).await.unwrap_err().to_string().contains("signs as well until"));
        for file in std::fs::read_dir(home.dir().join("keys")).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "others reach {:?}", file.path());
        }

        let files = Files::of(&home);
        std::fs::write(&files.until, "2020-01-01T00:00:00Z\n").unwrap();
        crate::commands::publish(&host).await.unwrap();
        assert!(!files.old.exists() && !files.until.exists());
        crate::commands::publish(&host).await.unwrap();
        let note = std::fs::read_to_string(home.log().join("checkpoint")).unwrap();
        assert_eq!(note.lines().filter(|line| line.starts_with('—')).count(), 1, "the new key alone: {note}");
        assert!(verified(&home, &old) && verified(&home, &new));

        rotate(home.clone(), quiet(), 0).await.unwrap();
        assert!(verified(&home, &old), "over two changes");
        assert!(verified(&home, &log_proof::vkey(&home).unwrap()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_public_key_is_shown_of_a_home_that_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let home = host(dir.path()).await.home.clone();
        std::fs::write(home.config(), "nonsense = 1\n").unwrap();
        assert!(Host::open(home.clone()).await.is_err());
        show::run(home, quiet()).await.unwrap();
        assert!(show::run(Home::at(dir.path().join("none")), quiet()).await.is_err(), "there is nothing to show");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_that_was_overwritten_and_not_removed_stops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path()).await;
        let (home, files) = (host.home.clone(), Files::of(&host.home));
        rotate(home.clone(), quiet(), 30).await.unwrap();
        std::fs::write(&files.until, "2020-01-01T00:00:00Z\n").unwrap();
        for file in [&files.old, &files.next] {
            std::fs::write(file, [0; 100]).unwrap();
        }
        crate::commands::publish(&host).await.unwrap();
        assert!(!files.old.exists());
        rotate(home.clone(), quiet(), 30).await.unwrap();
        assert!(LogKey::read(&files.old).is_ok() && !files.next.exists());
        // Any other damage is somebody's to look at.
        std::fs::write(&files.old, "no key").unwrap();
        finish_destroying(&files.old).unwrap();
        assert!(files.old.exists());
        destroy(&files.old).unwrap();
        destroy(&files.old).unwrap();
        finish_destroying(&files.old).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rotation_that_was_cut_off_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path()).await;
        let (home, files) = (host.home.clone(), Files::of(&host.home));
        let old = log_proof::vkey(&home).unwrap();
        // Before the entry: nothing came of it.
        LogKey::read(&files.key).unwrap().successor(host.rng.as_ref()).write(&files.next).unwrap();
        // After the entry, and before the new key was taken into use.
        let dropped = LogKey::read(&files.next).unwrap().vkey();
        rotate(home.clone(), quiet(), 1).await.unwrap();
        let first = log_proof::vkey(&home).unwrap();
        assert_ne!(first, dropped);
        std::fs::write(&files.until, "2020-01-01T00:00:00Z\n").unwrap();
        crate::commands::publish(&host).await.unwrap();
        begin(&host, &files, 1).await.unwrap();
        let next = LogKey::read(&files.next).unwrap().vkey();
        rotate(home.clone(), quiet(), 1).await.unwrap();
        assert_eq!(log_proof::vkey(&home).unwrap(), next, "the key that the entry names");
        // After the new key was taken into use, and before what shows it was stored.
        std::fs::remove_file(home.log().join("keys/001.json")).unwrap();
        let changes = || portcullis_audit::key_changes(&home.log()).unwrap().len();
        assert_eq!(changes(), 1);
        rotate(home.clone(), quiet(), 1).await.unwrap();
        assert_eq!(changes(), 2);
        assert!(verified(&home, &old) && verified(&home, &first) && verified(&home, &next));
        assert!(files.old_until().unwrap().is_some());
    }
}
