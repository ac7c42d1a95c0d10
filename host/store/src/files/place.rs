//! One installation's directory, worked on by one thread at a time.
//!
//! Invariant: each step goes from a handle on a directory to one name in it, after a look at what that is.

use std::io::{self, Read as _, Write as _};

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, OpenOptions};
use portcullis_model::{
    error::ServiceError,
    files::{FileEntry, MAX_FILE, MAX_PARTS, Path},
};

use super::Owner;

/// What a directory counts towards the quota.
pub(super) const DIRECTORY: u64 = 4096;
/// The most files and directories of one installation.
pub(super) const MOST_ENTRIES: u64 = 10_000;
/// The most files and directories in one directory: as many as a list shows.
pub(super) const MOST_LISTED: u64 = 1_000;

/// The plugin's own directory.
pub(super) const DATA: &str = "data";
/// Where files are written before they are whole.
const NEW: &str = "new";
/// The one that is being written: the lock allows for one at a time.
const UNDER_WAY: &str = "file";

/// What an installation uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub bytes: u64,
    pub entries: u64,
}

/// An installation's directory, opened.
pub(super) struct Place {
    data: Dir,
    new: Dir,
    pub used: Used,
}

/// What a name in a directory stands for.
pub(super) enum Found {
    Nothing,
    File(u64),
    Directory,
}

/// How far down a path there are directories.
struct Reached<'a> {
    /// The last one there is.
    dir: Dir,
    /// The names below it that are still to be made.
    missing: &'a [String],
    /// Whether the first of them is there, as a file.
    blocked: bool,
}

type Done<T> = Result<T, ServiceError>;

fn failed(what: &'static str) -> impl Fn(io::Error) -> ServiceError {
    move |error| ServiceError::Unavailable(format!("files: cannot {what}: {error}"))
}

pub(super) fn planted(owner: &str) -> ServiceError {
    let what = "there is something that no plugin can make (a link, a device, a name that is no text)";
    ServiceError::Unavailable(format!("files: in the directory of {owner} {what}; look at it and remove it"))
}

pub(super) fn look(dir: &Dir, name: &str) -> Done<Found> {
    match dir.symlink_metadata(name) {
        Ok(meta) if meta.is_file() => Ok(Found::File(meta.len())),
        Ok(meta) if meta.is_dir() => Ok(Found::Directory),
        Ok(_) => Err(planted("an installation")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(failed("look at a file")(error)),
    }
}

pub(super) fn enter(dir: &Dir, name: &str) -> Done<Dir> {
    dir.open_dir_nofollow(name).map_err(failed("open a directory"))
}

/// Makes the names of a directory durable.
fn keep(dir: &Dir) -> Done<()> {
    dir.open(".").and_then(|dir| dir.sync_all()).map_err(failed("make a directory durable"))
}

/// Opens a directory of the host's own, or makes it.
fn enter_or_make(dir: &Dir, name: &str) -> Done<Dir> {
    match look(dir, name)? {
        Found::Directory => {}
        Found::File(_) => return Err(planted(name)),
        Found::Nothing => {
            dir.create_dir(name).map_err(failed("make a directory"))?;
            keep(dir)?;
        }
    }
    enter(dir, name)
}

/// What lies in a directory and below, and that it is nothing else than files and directories.
fn count(dir: &Dir, depth: usize) -> Done<Used> {
    let mut used = Used::default();
    for entry in dir.entries().map_err(failed("read a directory"))? {
        let entry = entry.map_err(failed("read a directory"))?;
        let name = entry.file_name().into_string().map_err(|_| planted("an installation"))?;
        used.entries += 1;
        match look(dir, &name)? {
            Found::Nothing => {}
            Found::File(size) => used.bytes += size,
            Found::Directory if depth == MAX_PARTS => return Err(planted("an installation")),
            Found::Directory => {
                let below = count(&enter(dir, &name)?, depth + 1)?;
                used.bytes += DIRECTORY + below.bytes;
                used.entries += below.entries;
            }
        }
    }
    Ok(used)
}

fn remove_leftovers(new: &Dir) -> Done<()> {
    for entry in new.entries().map_err(failed("read a directory"))? {
        let entry = entry.map_err(failed("read a directory"))?;
        new.remove_file(entry.file_name()).map_err(failed("remove what was left half written"))?;
    }
    Ok(())
}

fn directory_in_the_way<T>() -> Done<T> {
    Err(ServiceError::Invalid("path: expected a file; a directory is there".into()))
}

impl Place {
    /// Opens an installation's directory, makes it where it is not there, and counts what is in it where that is not known.
    pub fn open(root: &Dir, owner: &Owner, known: Option<Used>) -> Done<Self> {
        let installation = owner.installation.as_str();
        if installation.bytes().all(|b| b == b'.') {
            return Err(ServiceError::Unavailable("files: an installation's id is no name for a directory".into()));
        }
        let own = enter_or_make(&enter_or_make(root, owner.tenant.as_str())?, installation)?;
        let (data, new) = (enter_or_make(&own, DATA)?, enter_or_make(&own, NEW)?);
        let used = match known {
            Some(used) => used,
            None => {
                remove_leftovers(&new)?;
                count(&data, 1).map_err(|error| match error {
                    ServiceError::Unavailable(why) => ServiceError::Unavailable(format!("{installation}: {why}")),
                    other => other,
                })?
            }
        };
        Ok(Self { data, new, used })
    }

    /// Goes down these names as far as there are directories.
    fn reach<'a>(&self, parts: &'a [String]) -> Done<Reached<'a>> {
        let mut dir = self.data.try_clone().map_err(failed("open a directory"))?;
        for (at, name) in parts.iter().enumerate() {
            match look(&dir, name)? {
                Found::Directory => dir = enter(&dir, name)?,
                found => {
                    let blocked = matches!(found, Found::File(_));
                    return Ok(Reached { dir, missing: &parts[at..], blocked });
                }
            }
        }
        Ok(Reached { dir, missing: &[], blocked: false })
    }

    /// The directory that a path's last name is in, and that name; `None` where there is no such directory.
    fn parent<'a>(&self, path: &'a Path) -> Done<Option<(Dir, &'a str)>> {
        let Some((name, parts)) = path.parts().split_last() else {
            return Err(ServiceError::Invalid("path: expected a name, not the directory itself".into()));
        };
        let reached = self.reach(parts)?;
        Ok(reached.missing.is_empty().then_some((reached.dir, name.as_str())))
    }

    /// Checks that what is added can be: bytes in place of others, and so many new entries, the first of them in this directory.
    fn afford(&self, dir: &Dir, gone: u64, bytes: u64, entries: u64, quota: u64) -> Done<Used> {
        let used = Used { bytes: self.used.bytes.saturating_sub(gone) + bytes, entries: self.used.entries + entries };
        if used.bytes > quota {
            return Err(ServiceError::limited("files-bytes", quota));
        }
        if entries > 0 && used.entries > MOST_ENTRIES {
            return Err(ServiceError::limited("files-entries", MOST_ENTRIES));
        }
        let room = |dir: &Dir| Ok((dir.entries()?.take(MOST_LISTED as usize).count() as u64) < MOST_LISTED);
        if entries > 0 && !room(dir).map_err(failed("read a directory"))? {
            return Err(ServiceError::limited("files-entries", MOST_LISTED));
        }
        Ok(used)
    }

    pub fn read(&self, path: &Path) -> Done<Vec<u8>> {
        let Some((dir, name)) = self.parent(path)? else { return Err(ServiceError::NotFound) };
        match look(&dir, name)? {
            Found::Nothing => return Err(ServiceError::NotFound),
            Found::Directory => return directory_in_the_way(),
            Found::File(_) => {}
        }
        let file = dir.open_with(name, OpenOptions::new().read(true).follow(FollowSymlinks::No));
        let file = file.map_err(failed("open a file"))?;
        let mut content = Vec::new();
        file.take(MAX_FILE as u64 + 1).read_to_end(&mut content).map_err(failed("read a file"))?;
        match content.len() > MAX_FILE {
            true => Err(ServiceError::Unavailable("files: a file is larger than any that a plugin can write".into())),
            false => Ok(content),
        }
    }

    pub fn write(&mut self, path: &Path, content: &[u8], quota: u64) -> Done<()> {
        let Some((name, parts)) = path.parts().split_last() else {
            return Err(ServiceError::Invalid("path: expected a name, not the directory itself".into()));
        };
        if content.len() > MAX_FILE {
            return Err(ServiceError::Invalid("content: expected at most 4 MiB".into()));
        }
        let reached = self.reach(parts)?;
        let there = if reached.missing.is_empty() { look(&reached.dir, name)? } else { Found::Nothing };
        let gone = match there {
            _ if reached.blocked => return Err(ServiceError::Conflict),
            Found::Directory => return Err(ServiceError::Conflict),
            Found::File(size) => Some(size),
            Found::Nothing => None,
        };
        let made = reached.missing.len() as u64;
        let bytes = made * DIRECTORY + content.len() as u64;
        let entries = made + u64::from(gone.is_none());
        let used = self.afford(&reached.dir, gone.unwrap_or(0), bytes, entries, quota)?;
        self.write_new(content)?;
        let dir = make(reached)?;
        self.new.rename(UNDER_WAY, &dir, name).map_err(failed("put a file in its place"))?;
        keep(&dir)?;
        self.used = used;
        Ok(())
    }

    /// Writes a file beside the directory, whole and durable.
    fn write_new(&self, content: &[u8]) -> Done<()> {
        // A write that failed may have left one; after a crash the next use has removed it already.
        match self.new.remove_file(UNDER_WAY) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove a file")(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        let mut file = self.new.open_with(UNDER_WAY, &options).map_err(failed("write a file"))?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(failed("write a file"))
    }

    pub fn make_dir(&mut self, path: &Path, quota: u64) -> Done<()> {
        let reached = self.reach(path.parts())?;
        if reached.blocked {
            return Err(ServiceError::Conflict);
        }
        let made = reached.missing.len() as u64;
        if made > 0 {
            let used = self.afford(&reached.dir, 0, made * DIRECTORY, made, quota)?;
            make(reached)?;
            self.used = used;
        }
        Ok(())
    }

    pub fn remove(&mut self, path: &Path) -> Done<()> {
        let Some((dir, name)) = self.parent(path)? else { return Ok(()) };
        let freed = match look(&dir, name)? {
            Found::Nothing => return Ok(()),
            Found::File(size) => {
                dir.remove_file(name).map_err(failed("remove a file"))?;
                size
            }
            Found::Directory => {
                if enter(&dir, name)?.entries().map_err(failed("read a directory"))?.next().is_some() {
                    return Err(ServiceError::Conflict);
                }
                dir.remove_dir(name).map_err(failed("remove a directory"))?;
                DIRECTORY
            }
        };
        keep(&dir)?;
        let Used { bytes, entries } = self.used;
        self.used = Used { bytes: bytes.saturating_sub(freed), entries: entries.saturating_sub(1) };
        Ok(())
    }

    pub fn list(&self, path: &Path) -> Done<Vec<FileEntry>> {
        let reached = self.reach(path.parts())?;
        match (reached.missing, reached.blocked) {
            ([], _) => {}
            ([_], true) => return Err(ServiceError::Invalid("path: expected a directory; a file is there".into())),
            _ => return Err(ServiceError::NotFound),
        }
        let mut listed = Vec::new();
        for entry in reached.dir.entries().map_err(failed("read a directory"))?.take(MOST_LISTED as usize) {
            let name = entry.map_err(failed("read a directory"))?.file_name();
            let name = name.into_string().map_err(|_| planted("an installation"))?;
            match look(&reached.dir, &name)? {
                Found::Nothing => {}
                Found::File(size) => listed.push(FileEntry { name, directory: false, size }),
                Found::Directory => listed.push(FileEntry { name, directory: true, size: 0 }),
            }
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    pub fn stat(&self, path: &Path) -> Done<FileEntry> {
        if path.is_root() {
            return Ok(FileEntry { name: String::new(), directory: true, size: 0 });
        }
        let Some((dir, name)) = self.parent(path)? else { return Err(ServiceError::NotFound) };
        match look(&dir, name)? {
            Found::Nothing => Err(ServiceError::NotFound),
            Found::File(size) => Ok(FileEntry { name: name.to_owned(), directory: false, size }),
            Found::Directory => Ok(FileEntry { name: name.to_owned(), directory: true, size: 0 }),
        }
    }
}

/// Makes the directories that are missing, each durable in the one before it.
fn make(reached: Reached<'_>) -> Done<Dir> {
    let mut dir = reached.dir;
    for name in reached.missing {
        dir.create_dir(name).map_err(failed("make a directory"))?;
        keep(&dir)?;
        dir = enter(&dir, name)?;
    }
    Ok(dir)
}
