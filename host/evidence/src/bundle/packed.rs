//! A bundle as one file: a plain tar (POSIX ustar) of its files.
//!
//! Invariants: the same files make the same bytes, for names are in order and of a header only name and size are a file's own; what
//! is not exactly so is not read, so no name leads elsewhere, nothing is a link or stands twice, and nothing lies outside the tar.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use portcullis_model::audit::plain;
use tar::{EntryType, Header};

use super::{BundleError, MANIFEST, MAX_TEXT, SUMMARY, is_text, names_a_file, place::Place};

const BLOCK: u64 = 512;
/// The most that the size of a ustar header says: eleven octal digits.
const MAX_FILE: u64 = 0o777_7777_7777;
/// The most bytes of the page for people.
const MAX_PAGE: u64 = 64 << 20;

/// Writes the bundle in a directory as a tar, which must not be there yet. The directory stays.
///
/// # Errors
/// A file cannot be read or written, or is too large for a tar. Nothing is left of the tar then.
pub fn pack(dir: &Path, out: &Path) -> Result<(), BundleError> {
    let wrong = |error: io::Error| BundleError::new(out.display().to_string(), error);
    let place = Place::open(dir)?;
    let file = File::create_new(out).map_err(wrong)?;
    let written = write(&place, BufWriter::new(file), &wrong);
    if written.is_err() {
        // The first error says what happened.
        let _ = fs::remove_file(out);
    }
    written
}

fn write(
    place: &Place,
    mut tar: BufWriter<File>,
    wrong: &impl Fn(io::Error) -> BundleError,
) -> Result<(), BundleError> {
    for name in place.names()? {
        let (mut file, size) = place.file(&name)?;
        if !names_a_file(&name) || size > most(&name) {
            return Err(BundleError::new(name, "does not fit into a tar"));
        }
        tar.write_all(header(&name, size).as_bytes()).map_err(wrong)?;
        let copied = io::copy(&mut (&mut file).take(size), &mut tar).map_err(wrong)?;
        if copied != size {
            return Err(BundleError::new(name, "became shorter"));
        }
        tar.write_all(&vec![0; usize::try_from(padding(size)).unwrap_or_default()]).map_err(wrong)?;
    }
    tar.write_all(&[0; 2 * BLOCK as usize]).map_err(wrong)?;
    tar.into_inner().map_err(|error| wrong(error.into_error()))?.sync_all().map_err(wrong)
}

/// Writes the files of a bundle's tar into a directory, which must not be there yet: the manifest last.
///
/// # Errors
/// It is no such tar, or a file cannot be written. Nothing is left of the directory then, unless it was there before.
pub fn unpack(tar: &Path, dir: &Path) -> Result<(), BundleError> {
    let packed = Packed::read(tar)?;
    fs::create_dir(dir).map_err(|error| BundleError::new(dir.display().to_string(), error))?;
    let written = spread(&packed, dir);
    if written.is_err() {
        // The first error says what happened.
        let _ = fs::remove_dir_all(dir);
    }
    written
}

fn spread(packed: &Packed, dir: &Path) -> Result<(), BundleError> {
    if packed.files.keys().any(|name| name.starts_with("keys/")) {
        fs::create_dir(dir.join("keys")).map_err(|error| BundleError::new("keys", error))?;
    }
    let (manifest, others): (Vec<&String>, Vec<&String>) = packed.files.keys().partition(|name| *name == MANIFEST);
    for name in others.into_iter().chain(manifest) {
        let Some((mut part, _)) = packed.file(name) else { continue };
        let mut copied = || {
            let mut file = File::create_new(dir.join(name))?;
            io::copy(&mut part, &mut file)?;
            file.sync_all()
        };
        copied().map_err(|error: io::Error| BundleError::new(name.as_str(), error))?;
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| BundleError::new(MANIFEST, error))
}

/// The most bytes of a file in a tar.
fn most(name: &str) -> u64 {
    match name {
        SUMMARY => MAX_PAGE,
        name if is_text(name) => MAX_TEXT,
        _ => MAX_FILE,
    }
}

/// What follows a file of this size, up to the next block.
const fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK
}

fn header(name: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    if let Some(fields) = header.as_ustar_mut() {
        // Every name of a file in a bundle is shorter than the field.
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.set_device_major(0);
        fields.set_device_minor(0);
    }
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    header
}

/// The files of a tar.
#[derive(Debug)]
pub(super) struct Packed {
    file: Arc<File>,
    /// Where each begins, and how long it is.
    pub files: BTreeMap<String, (u64, u64)>,
}

impl Packed {
    /// Finds out where each file lies.
    pub(super) fn read(path: &Path) -> Result<Self, BundleError> {
        let tar = plain(&path.display().to_string());
        let wrong = |what: String| BundleError::new(&tar, what);
        let failed = |error: io::Error| wrong(error.to_string());
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let (mut files, mut at) = (BTreeMap::new(), 0);
        loop {
            let block = zeroed(&file, at, BLOCK, length).map_err(failed)?.ok_or_else(|| wrong("is cut off".into()))?;
            if block.iter().all(|byte| *byte == 0) {
                let end = zeroed(&file, at + BLOCK, BLOCK, length).map_err(failed)?;
                let ends = end.is_some_and(|end| end.iter().all(|byte| *byte == 0)) && at + 2 * BLOCK == length;
                return match ends {
                    true => Ok(Self { file: Arc::new(file), files }),
                    false => Err(wrong("does not end as a tar of a bundle does".into())),
                };
            }
            let (name, size) = entry(&block).map_err(|what| wrong(format!("at byte {at}: {what}")))?;
            if files.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(BundleError::new(name, "is not in its place in the tar"));
            }
            at += BLOCK;
            let after = zeroed(&file, at + size, padding(size), length).map_err(failed)?;
            if after.is_none_or(|after| after.iter().any(|byte| *byte != 0)) {
                return Err(BundleError::new(name, "is cut off in the tar, or something lies behind it"));
            }
            files.insert(name, (at, size));
            at += size + padding(size);
        }
    }

    /// A file of it, and its size.
    pub(super) fn file(&self, name: &str) -> Option<(Part, u64)> {
        let (at, size) = *self.files.get(name)?;
        Some((Part { tar: Arc::clone(&self.file), at, end: at + size }, size))
    }
}

/// So many bytes from there. None where the file ends before. Only for what is not longer than a block.
fn zeroed(file: &File, at: u64, count: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
    if at > length || length - at < count {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(count).unwrap_or_default()];
    file.read_exact_at(&mut bytes, at)?;
    Ok(Some(bytes))
}

/// Name and size in a header. Everything that is not as [`header`] makes it is refused.
fn entry(block: &[u8]) -> Result<(String, u64), String> {
    let found = Header::from_byte_slice(block);
    let name = plain(&String::from_utf8_lossy(&found.path_bytes()));
    if found.as_ustar().is_none() {
        return Err("is no header of a plain tar (ustar)".to_owned());
    }
    if found.entry_type() != EntryType::Regular {
        return Err(format!("'{name}' is no plain file"));
    }
    if !names_a_file(&name) {
        return Err(format!("'{name}' is no file of a bundle"));
    }
    let size = found.entry_size().ok().filter(|size| *size <= most(&name));
    let size = size.ok_or_else(|| format!("'{name}' is longer than {} bytes", most(&name)))?;
    match header(&name, size).as_bytes()[..] == *block {
        true => Ok((name, size)),
        false => Err(format!("the header of '{name}' is not as a bundle's is")),
    }
}

/// What lies between two places of a tar.
pub(super) struct Part {
    tar: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.tar.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
