//! What is handed over as one tar: put together beside the host's own files, packed, and handed over; and, by whoever asked for it, looked
//! through.
//!
//! Invariants: what is put together lies closed to others in the home, no longer than until it is packed, and the tar has no name; what a
//! process that was killed has left of it is removed by the next, and in no backup; a tenant's own is handed over once at a time; what
//! lacks a file that its list of digests names, or has another, is not taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io::{self, BufReader, BufWriter, Read, Seek as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, Result, bail};
use portcullis_api::admin::Parcel;
use portcullis_model::id::{Digest, TenantId};
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::{admin::Keyboard, erasure::SUMS, home::Home};

/// What the directories begin with in which something is put together.
pub const OUTGOING: &str = ".outgoing-";

/// How often a fresh one is tried.
const TRIES: usize = 3;
/// How many bytes of the disk are left free.
const LEFT: u64 = 64 << 20;

/// Held from when one is made until it is locked.
static MAKING: Mutex<()> = Mutex::new(());

/// Where something is put together. It goes with this.
pub struct Bench {
    dir: TempDir,
    // Whoever can lock it knows that its process is gone.
    _held: File,
}

impl Bench {
    /// A fresh one in this home.
    pub fn of(home: &Home) -> Result<Self> {
        // What was made and is not held yet looks like what a killed process has left.
        let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        sweep(home);
        // Another process may sweep it away all the same.
        let made = (1..TRIES).find_map(|_| Self::fresh(home).ok());
        made.map_or_else(|| Self::fresh(home), Ok)
    }

    fn fresh(home: &Home) -> Result<Self> {
        let cannot = || format!("cannot write into {}", home.dir().display());
        let dir = tempfile::Builder::new().prefix(OUTGOING).tempdir_in(home.dir()).with_context(cannot)?;
        let held = File::open(dir.path()).with_context(cannot)?;
        match held.try_lock() {
            Ok(()) if dir.path().exists() => Ok(Self { dir, _held: held }),
            Ok(()) => bail!("{} was taken away by another process", dir.path().display()),
            Err(TryLockError::WouldBlock) => bail!("{} is held by another process", dir.path().display()),
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }

    /// Where to: a directory that is not there yet.
    pub fn whole(&self) -> PathBuf {
        self.dir.path().join("whole")
    }

    /// All files of it as a tar, in the order of their names.
    pub fn pack(self) -> Result<Packed> {
        let whole = self.whole();
        let mut names = BTreeMap::new();
        walk(&whole, "", &mut names)?;
        room_for(self.dir.path(), names.values())?;
        let mut tar = tar::Builder::new(BufWriter::new(tempfile::tempfile_in(self.dir.path())?));
        for (name, path) in names {
            let mut content = File::open(&path)?;
            let mut header = tar::Header::new_gnu();
            header.set_size(content.metadata()?.len());
            header.set_mode(0o600);
            header.set_entry_type(tar::EntryType::Regular);
            tar.append_data(&mut header, &name, &mut content).with_context(|| format!("cannot pack {name}"))?;
        }
        let file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Packed::of(file)?)
    }
}

/// Fails where the disk would be too full with a copy of these: the host's own database and log lie on it.
fn room_for<'a>(dir: &Path, mut files: impl Iterator<Item = &'a PathBuf>) -> Result<()> {
    let bytes = files.try_fold(0_u64, |sum, file| io::Result::Ok(sum + fs::metadata(file)?.len()))?;
    let disk = match rustix::fs::statvfs(dir) {
        Ok(disk) => disk,
        Err(error) => bail!("it cannot be told how much room there is in {}: {error}", dir.display()),
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < bytes.saturating_add(LEFT) {
        bail!("there is no room to hand over {bytes} bytes: {free} are free in {}", dir.display());
    }
    Ok(())
}

fn walk(dir: &Path, below: &str, names: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file's name is no text")?;
        let name = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        match path.is_dir() {
            true => walk(&path, &name, names)?,
            false => drop(names.insert(name, path)),
        }
    }
    Ok(())
}

/// Removes what processes that were killed have left.
pub fn sweep(home: &Home) {
    for entry in fs::read_dir(home.dir()).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(OUTGOING)) {
            continue;
        }
        let path = entry.path();
        let Ok(dir) = File::open(&path) else { continue };
        // Held until it is gone, so that nobody takes it for theirs.
        let held = matches!(dir.try_lock(), Err(TryLockError::WouldBlock));
        if !held && let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "what was to be handed over cannot be removed");
        }
    }
}

/// A tar that has no name.
pub struct Packed {
    file: File,
    bytes: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

impl Packed {
    /// What is in this file, from its beginning on.
    pub fn of(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        let (digest, bytes) = digest_of(&mut file)?;
        file.rewind()?;
        Ok(Self { file, bytes, digest })
    }

    /// To be handed over in this turn, or these.
    pub fn parcel(self, turn: impl Send + 'static) -> Parcel {
        let Self { file, bytes, digest } = self;
        Parcel { content: Box::new(Content { file, _turn: Box::new(turn) }), bytes, digest }
    }
}

/// What is read of a tar until it was handed over.
struct Content {
    file: File,
    _turn: Box<dyn Send>,
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

/// Whose own is being put together or handed over; `None` in it: the platform's.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<BTreeSet<Option<TenantId>>>>);

impl Turns {
    /// The right to hand over a tenant's own; none where somebody has it.
    pub fn take(&self, tenant: &TenantId) -> Option<Turn> {
        self.hold(Some(tenant))
    }

    /// The right to hand over what is all of these'; none where somebody has it of one.
    pub fn take_all(&self, of: &[Option<TenantId>]) -> Option<Vec<Turn>> {
        of.iter().map(|whose| self.hold(whose.as_ref())).collect()
    }

    fn hold(&self, whose: Option<&TenantId>) -> Option<Turn> {
        let is_free = self.held().insert(whose.cloned());
        is_free.then(|| Turn { of: self.clone(), whose: whose.cloned() })
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<Option<TenantId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to hand over a tenant's own, until it is dropped.
pub struct Turn {
    of: Turns,
    whose: Option<TenantId>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.held().remove(&self.whose);
    }
}

/// What a tar has that was handed over.
#[derive(Debug, PartialEq, Eq)]
pub struct Contents {
    /// The SHA-256 of the list of digests in it.
    pub list: Digest,
    /// SHA-256 of each file, by its path.
    pub files: BTreeMap<String, String>,
}

/// Asks for a tar, and takes it where it is whole: into a file beside this one that goes where nobody keeps it.
pub async fn fetch(keyboard: &Keyboard, path: &str, beside: &Path) -> Result<(NamedTempFile, Contents)> {
    let dir = beside.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(dir).with_context(|| format!("cannot write into {}", dir.display()))?;
    keyboard.save(path, file.as_file_mut()).await?;
    file.as_file_mut().rewind()?;
    let contents = tokio::task::block_in_place(|| check(BufReader::new(file.as_file_mut())))?;
    file.as_file_mut().rewind()?;
    Ok((file, contents))
}

/// Looks whether a tar has just what its list of digests names.
pub fn check(tar: impl Read) -> Result<Contents> {
    let (mut list, mut files) = (None, BTreeMap::new());
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8(entry.path_bytes().into_owned()).context("a file's name is no text")?;
        if name == SUMS {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            list = Some(text);
            continue;
        }
        files.insert(name, digest_of(&mut entry)?.0.hex());
    }
    let list = list.with_context(|| format!("what was handed over has no {SUMS}; ask for it again"))?;
    let pair = |line: &str| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned()));
    let named: Option<BTreeMap<String, String>> = list.lines().map(pair).collect();
    if named.as_ref() != Some(&files) {
        bail!("what was handed over is not what its {SUMS} names; ask for it again");
    }
    Ok(Contents { list: Digest::of(list.as_bytes()), files })
}

/// Writes the files of a tar into a directory.
pub fn unpack(tar: impl Read, into: &Path) -> Result<()> {
    let mut archive = tar::Archive::new(tar);
    archive.set_preserve_mtime(false);
    for entry in archive.entries()? {
        if !entry?.unpack_in(into)? {
            bail!("a file that was handed over would not lie in {}", into.display());
        }
    }
    Ok(())
}

/// The digest of what is left to read, a part at a time, and how long that is.
pub fn digest_of(content: &mut impl Read) -> io::Result<(Digest, u64)> {
    let (mut hash, mut part, mut length) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        match content.read(&mut part)? {
            0 => return Ok((Digest::from_sha256(hash.finalize().into()), length)),
            n => {
                hash.update(&part[..n]);
                length += n as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erasure::{fresh_dir, seal};

    fn home() -> (TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        (dir, home)
    }

    /// What is put together, with this in a file.
    fn packed(home: &Home, text: &str) -> Vec<u8> {
        let bench = Bench::of(home).unwrap();
        fresh_dir(&bench.whole()).unwrap();
        fs::create_dir(bench.whole().join("below")).unwrap();
        fs::write(bench.whole().join("below/notes.txt"), text).unwrap();
        seal(&bench.whole()).unwrap();
        let packed = bench.pack().unwrap();
        let (digest, turns) = (packed.digest, Turns::default());
        let acme = "acme".parse().unwrap();
        let mut parcel = packed.parcel(turns.take(&acme).unwrap());
        assert!(turns.take(&acme).is_none(), "one at a time");
        let mut bytes = Vec::new();
        parcel.content.read_to_end(&mut bytes).unwrap();
        assert_eq!((parcel.bytes, digest), (bytes.len() as u64, Digest::of(&bytes)));
        drop(parcel);
        assert!(turns.take(&acme).is_some(), "it was handed over");
        bytes
    }

    fn left(home: &Home) -> usize {
        fs::read_dir(home.dir()).unwrap().count()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_packed_is_whole_and_nothing_of_it_is_left() {
        let (dir, home) = home();
        let tar = packed(&home, "likes tea");
        assert_eq!(left(&home), 0);
        let contents = check(&tar[..]).unwrap();
        assert_eq!(contents.files.keys().collect::<Vec<_>>(), ["below/notes.txt"]);
        let out = dir.path().join("out");
        fresh_dir(&out).unwrap();
        unpack(&tar[..], &out).unwrap();
        assert_eq!(fs::read_to_string(out.join("below/notes.txt")).unwrap(), "likes tea");
        assert_eq!(Digest::of(&fs::read(out.join(SUMS)).unwrap()), contents.list);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_cut_off_or_changed_is_not_taken() {
        let (_dir, home) = home();
        let mut tar = packed(&home, "likes tea");
        assert!(check(&tar[..512]).is_err() && check(&b""[..]).is_err());
        let at = tar.windows(9).rposition(|part| part == b"likes tea").unwrap();
        tar[at] = b'L';
        assert!(check(&tar[..]).unwrap_err().to_string().contains("not what its SHA256SUMS names"));
    }

    #[test]
    fn turns_of_several_are_taken_all_or_none() {
        let (turns, acme): (Turns, TenantId) = (Turns::default(), "acme".parse().unwrap());
        let held = turns.take(&acme).unwrap();
        assert!(turns.take_all(&[None, Some(acme.clone())]).is_none());
        let platform = turns.take_all(&[None]).unwrap();
        assert!(turns.take_all(&[None]).is_none(), "one at a time");
        drop((held, platform));
        assert!(turns.take_all(&[None, Some(acme)]).is_some());
    }

    #[test]
    fn those_that_are_made_at_once_do_not_end_each_other() {
        let (_dir, home) = home();
        let benches: Vec<Bench> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| Bench::of(&home).unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(left(&home), 8);
        assert!(benches.iter().all(|bench| bench.dir.path().exists()));
    }

    #[test]
    fn what_there_is_no_room_for_is_not_packed() {
        let (dir, _) = home();
        let file = dir.path().join("large");
        File::create(&file).unwrap().set_len(1 << 43).unwrap();
        assert!(room_for(dir.path(), [&file].into_iter()).unwrap_err().to_string().contains("no room"));
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_under_way_stays() {
        let (_dir, home) = home();
        fs::create_dir(home.dir().join(format!("{OUTGOING}old"))).unwrap();
        let bench = Bench::of(&home).unwrap();
        assert_eq!(left(&home), 1, "the old one is gone");
        sweep(&home);
        assert_eq!(left(&home), 1, "this one is held");
        drop(bench);
        assert_eq!(left(&home), 0);
    }
}
