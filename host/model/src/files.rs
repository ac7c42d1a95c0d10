//! The installation's own directory: acts and the port.
//!
//! Invariants: an operation reaches only the directory of the spent permit's own tenant and installation; a [`Path`] has no
//! part that leads out of it; a file is written whole or not at all.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::ServiceError,
    permit::{Act, Effect, Spent},
};

/// The most bytes in one file.
pub const MAX_FILE: usize = 4 * 1024 * 1024;
/// The most parts in a path.
pub const MAX_PARTS: usize = 8;
/// The most bytes in one part of a path.
pub const MAX_PART: usize = 128;

/// A checked path below the installation's directory; without parts the directory itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<String>);

impl Path {
    /// Reads a path: parts divided by `/`; the empty text is the directory itself. Refuses what could lead out, or means
    /// different things to different systems.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
        let fine = |part: &String| {
            let plain = (1..=MAX_PART).contains(&part.len()) && !part.chars().any(|c| c.is_control() || c == '\\');
            plain && part != "." && part != ".."
        };
        match parts.len() <= MAX_PARTS && parts.iter().all(fine) {
            true => Ok(Self(parts)),
            false => Err(format!(
                "path: expected at most {MAX_PARTS} parts divided by '/', each 1 to {MAX_PART} bytes, none of them '.' or '..', \
                 without control characters and backslashes"
            )),
        }
    }

    /// Its parts, outermost first.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Whether it is the directory itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name, without the path before it.
    pub name: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Bytes; 0 for a directory.
    pub size: u64,
}

/// Read the whole of a file.
#[derive(Clone, Debug)]
pub struct FileRead {
    /// Which.
    pub path: Path,
}

/// Write the whole of a file; directories before it are made.
#[derive(Clone, Debug)]
pub struct FileWrite {
    /// Which.
    pub path: Path,
    /// At most [`MAX_FILE`].
    pub content: Vec<u8>,
    /// What all files of the installation may take together, in bytes.
    pub quota: u64,
}

/// Make a directory, those before it included. One that is there already is no error.
#[derive(Clone, Debug)]
pub struct FileMakeDir {
    /// Which.
    pub path: Path,
    /// As at [`FileWrite`]: a directory takes some as well.
    pub quota: u64,
}

/// Remove a file or an empty directory. What is not there is no error.
#[derive(Clone, Debug)]
pub struct FileRemove {
    /// Which.
    pub path: Path,
}

/// List a directory in the order of names.
#[derive(Clone, Debug)]
pub struct FileList {
    /// Which.
    pub path: Path,
}

/// Look at what a path leads to.
#[derive(Clone, Debug)]
pub struct FileStat {
    /// Which.
    pub path: Path,
}

macro_rules! acts {
    ($($act:ident, $name:literal;)*) => {$(
        impl Act for $act {
            const NAME: &'static str = $name;
            /// Names of files are the plugin's own and may hold data: the log has their number of parts only.
            fn resource(&self) -> String { format!("file at depth {}", self.path.parts().len()) }
        }
    )*};
}

acts! {
    FileRead, "files.read";
    FileWrite, "files.write";
    FileMakeDir, "files.make-dir";
    FileRemove, "files.remove";
    FileList, "files.list";
    FileStat, "files.stat";
}

/// The content of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(pub Vec<u8>);

impl Effect for Content {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("bytes", self.0.len() as u64)]
    }
}

impl Effect for FileEntry {}

impl Effect for Vec<FileEntry> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("entries", self.len() as u64)]
    }
}

/// A store of private directories.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Reads a file. `NotFound`; `Invalid` for a directory.
    async fn read(&self, act: Spent<FileRead>) -> Result<Content, ServiceError>;

    /// Writes a file, at once or not at all. `Limited` (`files-bytes`) where the quota would be passed, `Conflict` where a
    /// directory is there, or a file stands where a directory is needed.
    async fn write(&self, act: Spent<FileWrite>) -> Result<(), ServiceError>;

    /// Makes a directory. Failures as for [`FileStore::write`].
    async fn make_dir(&self, act: Spent<FileMakeDir>) -> Result<(), ServiceError>;

    /// Removes. `Conflict` where a directory is not empty.
    async fn remove(&self, act: Spent<FileRemove>) -> Result<(), ServiceError>;

    /// Lists at most 1,000 entries. `NotFound`; `Invalid` for a file.
    async fn list(&self, act: Spent<FileList>) -> Result<Vec<FileEntry>, ServiceError>;

    /// What is there; `NotFound`.
    async fn stat(&self, act: Spent<FileStat>) -> Result<FileEntry, ServiceError>;
}
