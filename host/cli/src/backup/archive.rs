//! The bytes of a backup: a tar in an age file, written and read as a stream.
//!
//! Invariants: a file's digest is that of the bytes that are in the archive; what is read is no link, no device and leads to no
//! place outside; reading stops at the first byte that was changed, as the encryption says it was.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path},
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use age::{
    Decryptor, Encryptor,
    stream::StreamWriter,
    x25519::{Identity, Recipient},
};
use anyhow::{Context, Result, anyhow, bail};
use portcullis_model::{audit::plain, id::Digest};
use sha2::{Digest as _, Sha256};

use super::manifest::{FORMAT, Listed, MANIFEST, Manifest};

/// The most bytes of a manifest: some million files.
const MAX_MANIFEST: u64 = 256 << 20;
/// The most bytes of a file of identities.
const MAX_IDENTITIES: u64 = 64 << 10;

/// What tells a backup that is being written to give up.
pub type Stop = Arc<AtomicBool>;

/// What is read, until it is told to give up.
struct Until<'a, R> {
    inner: R,
    stop: &'a AtomicBool,
}

impl<R: Read> Read for Until<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(io::Error::other("the host stops")),
            false => self.inner.read(buffer),
        }
    }
}

/// Hashes and counts what passes.
pub(super) struct Tee<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T> Tee<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    pub(super) fn end(self) -> (T, u64, Digest) {
        (self.inner, self.bytes, Digest::from_sha256(self.hash.finalize().into()))
    }

    fn saw(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.saw(&buffer[..read]);
        Ok(read)
    }
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.saw(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// An archive that is being written.
pub(super) struct Archive<W: Write> {
    tar: tar::Builder<StreamWriter<Tee<BufWriter<W>>>>,
    files: Vec<Listed>,
    stop: Stop,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(output: W, recipients: &[Recipient], stop: Stop) -> Result<Self> {
        let to = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(to).context("these recipients cannot be encrypted to")?;
        let output = encryptor.wrap_output(Tee::new(BufWriter::with_capacity(1 << 18, output)))?;
        Ok(Self { tar: tar::Builder::new(output), files: Vec::new(), stop })
    }

    /// A file of the home's, as long as it is now.
    pub(super) fn file(&mut self, path: &str, file: &File) -> Result<()> {
        let about = file.metadata()?;
        self.put(path, about.len(), about.permissions().mode() & 0o777, file)
    }

    /// A file with these bytes.
    pub(super) fn bytes(&mut self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        self.put(path, bytes.len() as u64, mode, bytes)
    }

    fn put(&mut self, path: &str, length: u64, mode: u32, content: impl Read) -> Result<()> {
        let listed = self.append(path, length, mode, content)?;
        self.files.push(listed);
        Ok(())
    }

    fn append(&mut self, path: &str, length: u64, mode: u32, content: impl Read) -> Result<Listed> {
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        let stop = self.stop.clone();
        let mut content = Tee::new(Until { inner: content.take(length), stop: &stop });
        self.tar.append_data(&mut header, path, &mut content).with_context(|| format!("{path}, into the backup"))?;
        let (_, bytes, sha256) = content.end();
        if bytes != length {
            bail!("{path} became shorter while it was read");
        }
        Ok(Listed { path: path.to_owned(), bytes, sha256, mode: format!("{mode:o}") })
    }

    /// Writes the manifest, and ends the encryption. Gives what was written to, and length and digest of what was.
    pub(super) fn end(mut self, manifest: impl FnOnce(Vec<Listed>) -> Manifest) -> Result<(W, u64, Digest, usize)> {
        let files = std::mem::take(&mut self.files);
        let count = files.len();
        let text = serde_json::to_vec(&manifest(files))?;
        self.append(MANIFEST, text.len() as u64, 0o600, text.as_slice())?;
        let (output, bytes, digest) = self.tar.into_inner()?.finish()?.end();
        let output = output.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((output, bytes, digest, count))
    }
}

/// The secret keys in a file, as `age-keygen` writes it.
///
/// # Errors
/// There is none in it, or something else is. Nothing of the file is repeated.
pub fn identities(file: &Path) -> Result<Vec<Identity>> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    opened.take(MAX_IDENTITIES).read_to_string(&mut text).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        Identity::from_str(line)
            .map_err(|_| anyhow!("{}: expected lines 'AGE-SECRET-KEY-1...', as age-keygen writes them", file.display()))
    };
    let found = lines.map(read).collect::<Result<Vec<_>>>()?;
    match found.is_empty() {
        true => bail!("there is no key in {}", file.display()),
        false => Ok(found),
    }
}

/// What was read.
pub(super) struct Extracted {
    pub manifest: Manifest,
    /// Length and digest of the backup's file itself.
    pub bytes: u64,
    pub sha256: Digest,
}

/// Decrypts a backup into a directory that is there and empty, and checks each file against the manifest.
/// The most files that are taken out of a backup: plugins' files and tiles of a log are many.
const MOST_FILES: usize = 4_000_000;

pub(super) fn extract(file: &Path, identities: &[Identity], into: &Path) -> Result<Extracted> {
    let whole = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    // Nothing is packed: what is in it is no longer than it is, whatever it says of itself.
    let room = whole.metadata().with_context(|| format!("cannot read {}", file.display()))?.len();
    let mut encrypted = Tee::new(BufReader::with_capacity(1 << 18, whole));
    let manifest = {
        let decryptor = Decryptor::new(&mut encrypted)
            .with_context(|| format!("{} is no backup: it does not begin as an age file", file.display()))?;
        let keys = identities.iter().map(|identity| identity as &dyn age::Identity);
        let mut plaintext = decryptor.decrypt(keys).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => anyhow!("it is encrypted to others than the identity that was given"),
            other => anyhow!(other),
        })?;
        let manifest = unpack(&mut plaintext, into, room)?;
        // To its very end: the last chunk says that it is the last.
        io::copy(&mut plaintext, &mut io::sink()).context("its end was changed or cut off")?;
        manifest
    };
    io::copy(&mut encrypted, &mut io::sink())?;
    let (_, bytes, sha256) = encrypted.end();
    Ok(Extracted { manifest, bytes, sha256 })
}

fn unpack(plaintext: &mut impl Read, into: &Path, mut room: u64) -> Result<Manifest> {
    let (mut found, mut manifest): (Vec<Listed>, Option<Manifest>) = (Vec::new(), None);
    let mut archive = tar::Archive::new(plaintext);
    for entry in archive.entries()? {
        let entry = entry.context("it was changed or cut off")?;
        if manifest.is_some() {
            bail!("something comes after its manifest");
        }
        let path = entry.path()?.to_str().context("a path that is no text")?.to_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            bail!("'{}' in it is no file", plain(&path));
        }
        room = room.checked_sub(entry.size()).context("it says that it holds more than it is long")?;
        if found.len() == MOST_FILES {
            bail!("it has more than {MOST_FILES} files");
        }
        match path == MANIFEST {
            true => manifest = Some(read_manifest(entry)?),
            false => found.push(write(&path, entry, into)?),
        }
    }
    let manifest = manifest.context("it has no manifest: it was cut off while it was written")?;
    if let Some((is, _)) = found.iter().zip(&manifest.files).find(|(is, says)| is != says) {
        bail!("'{}' in it is not what its manifest says", plain(&is.path));
    }
    match found.len() == manifest.files.len() {
        true => Ok(manifest),
        false => bail!("it has {} files, and its manifest says {}", found.len(), manifest.files.len()),
    }
}

fn read_manifest(entry: impl Read) -> Result<Manifest> {
    let mut text = Vec::new();
    entry.take(MAX_MANIFEST).read_to_end(&mut text).context("its manifest was changed or cut off")?;
    let value: serde_json::Value = serde_json::from_slice(&text).context("its manifest is not right")?;
    match value["format"].as_str() {
        Some(FORMAT) => serde_json::from_value(value).context("its manifest is not right"),
        other => bail!("it has the form '{}', this program reads {FORMAT}", plain(other.unwrap_or("none"))),
    }
}

fn write(path: &str, mut entry: tar::Entry<'_, impl Read>, into: &Path) -> Result<Listed> {
    let below = Path::new(path);
    let plainly = below.components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !plainly || path.contains(['\\', '\0']) {
        bail!("'{}' in it leads elsewhere", plain(path));
    }
    let target = into.join(below);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    let mode = entry.header().mode()?;
    // One that is there is in the archive twice.
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode & 0o755).open(&target);
    let file = file.with_context(|| format!("cannot write {}", target.display()))?;
    let mut file = Tee::new(BufWriter::with_capacity(1 << 18, file));
    io::copy(&mut entry, &mut file).with_context(|| format!("'{}' cannot be read out of it", plain(path)))?;
    let (file, bytes, sha256) = file.end();
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all().with_context(|| format!("cannot write {}", target.display()))?;
    Ok(Listed { path: path.to_owned(), bytes, sha256, mode: format!("{mode:o}") })
}
