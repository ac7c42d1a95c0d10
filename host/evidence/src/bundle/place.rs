//! Where the files of a bundle lie: in a directory, or in a tar, which is read where it lies and never unpacked.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use portcullis_model::audit::plain;

use super::{BundleError, MAX_TEXT, packed::Packed};

/// A bundle's files.
#[derive(Debug)]
pub(super) enum Place {
    Dir(PathBuf),
    Tar(Packed),
}

impl Place {
    /// A directory, or else a tar.
    pub(super) fn open(path: &Path) -> Result<Self, BundleError> {
        let found = fs::metadata(path).map_err(|error| BundleError::new(plain(&path.display().to_string()), error))?;
        if found.is_dir() { Ok(Self::Dir(path.to_owned())) } else { Packed::read(path).map(Self::Tar) }
    }

    /// All names, in order.
    pub(super) fn names(&self) -> Result<Vec<String>, BundleError> {
        match self {
            Self::Tar(packed) => Ok(packed.files.keys().cloned().collect()),
            Self::Dir(dir) => {
                let mut names = listed(dir, "")?;
                if names.iter().any(|name| name == "keys") {
                    names.retain(|name| name != "keys");
                    names.extend(listed(&dir.join("keys"), "keys/")?);
                }
                names.sort_unstable();
                Ok(names)
            }
        }
    }

    /// A file and its size. One that is neither a link nor a device.
    pub(super) fn file(&self, name: &str) -> Result<(Box<dyn Read>, u64), BundleError> {
        match self {
            Self::Tar(packed) => {
                let (part, size) = packed.file(name).ok_or_else(|| BundleError::new(name, "is not there"))?;
                Ok((Box::new(part), size))
            }
            Self::Dir(dir) => {
                let (path, failed) = (dir.join(name), |error| BundleError::new(name, error));
                if !fs::symlink_metadata(&path).map_err(failed)?.is_file() {
                    return Err(BundleError::new(name, "is no plain file"));
                }
                let file = File::open(&path).map_err(failed)?;
                let size = file.metadata().map_err(failed)?.len();
                Ok((Box::new(file), size))
            }
        }
    }

    /// All of a file that is no lines.
    pub(super) fn text(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::new();
        let read = self.file(name)?.0.take(MAX_TEXT + 1).read_to_end(&mut bytes);
        read.map_err(|error| BundleError::new(name, error))?;
        if bytes.len() as u64 > MAX_TEXT { Err(BundleError::new(name, "is longer than 1 MiB")) } else { Ok(bytes) }
    }
}

fn listed(dir: &Path, prefix: &str) -> Result<Vec<String>, BundleError> {
    let failed = |error| BundleError::new(if prefix.is_empty() { "." } else { prefix }, error);
    let mut names = Vec::new();
    for found in fs::read_dir(dir).map_err(failed)? {
        names.push(format!("{prefix}{}", found.map_err(failed)?.file_name().to_string_lossy()));
    }
    Ok(names)
}
