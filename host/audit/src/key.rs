//! The key that signs checkpoints, and the text by which others know it (C2SP signed-note, Ed25519).
//!
//! Invariants: the signing key lies in a file that only its owner can read, and is never printed; its name is the log's
//! origin; signatures are checked with `verify_strict` only.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use portcullis_model::time::Rng;
use signed_note::{Note, NoteError, VerificationError, Verifiers};
use zeroize::Zeroizing;

/// The signature type of Ed25519 in C2SP signed-note.
const ED25519: u8 = 1;

/// Why a key cannot be used. Never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// Which file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// Others can read the signing key.
    #[error("{0}: others than its owner can read it; run 'chmod 600' on it, and make a new log if they may have")]
    Exposed(String),
    /// The text is no key of this kind.
    #[error("{0}")]
    Malformed(&'static str),
}

/// The log's signing key.
pub struct LogKey {
    name: String,
    key: SigningKey,
}

impl LogKey {
    /// A fresh key, with a fresh name such as `portcullis.local/1f0a93c2`.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut name = [0u8; 4];
        rng.fill(&mut name);
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill(seed.as_mut());
        Self { name: format!("portcullis.local/{:08x}", u32::from_be_bytes(name)), key: SigningKey::from_bytes(&seed) }
    }

    /// A fresh key that goes on with the log of this one.
    pub fn successor(&self, rng: &dyn Rng) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill(seed.as_mut());
        Self { name: self.name.clone(), key: SigningKey::from_bytes(&seed) }
    }

    /// Writes the key to a new file (mode 0600). An existing file is refused.
    pub fn write(&self, file: &Path) -> Result<(), KeyError> {
        write_new(file, 0o600, &self.skey())
    }

    /// A fresh key, kept in `file` (mode 0600), and its public half in `vkey_file`. Existing files are refused.
    pub fn create(file: &Path, vkey_file: &Path, rng: &dyn Rng) -> Result<Self, KeyError> {
        let key = Self::generate(rng);
        key.write(file)?;
        write_new(vkey_file, 0o644, &format!("{}\n", key.vkey()))?;
        Ok(key)
    }

    /// Reads the key from its file.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { file: file.display().to_string(), source };
        if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(file.display().to_string()));
        }
        Self::parse(&Zeroizing::new(fs::read_to_string(file).map_err(failed)?))
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<key>`.
    fn parse(text: &str) -> Result<Self, KeyError> {
        let wrong = KeyError::Malformed("log key: expected 'PRIVATE+KEY+<name>+<id>+<key>' of an Ed25519 key");
        let Some((name, id, bytes)) = text.trim_end().strip_prefix("PRIVATE+KEY+").and_then(fields) else {
            return Err(wrong);
        };
        let Some(seed) = ed25519(&Zeroizing::new(bytes)).map(Zeroizing::new) else { return Err(wrong) };
        let key = Self { name, key: SigningKey::from_bytes(&seed) };
        if key.verifier().id != id {
            return Err(KeyError::Malformed("log key: its id is not that of its name and key"));
        }
        Ok(key)
    }

    fn skey(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(vec![ED25519]);
        bytes.extend_from_slice(self.key.as_bytes());
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*bytes));
        Zeroizing::new(format!("PRIVATE+KEY+{}+{:08x}+{}\n", self.name, self.verifier().id, *encoded))
    }

    /// The same key under the name of a view.
    pub(crate) fn of_view(&self, tag: &str) -> Self {
        Self { name: view_name(&self.name, tag), key: self.key.clone() }
    }

    /// The log's origin, which is the key's name.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// The public half as text: `<name>+<id>+<key>`. Not secret: give it to everybody who shall verify.
    pub fn vkey(&self) -> String {
        self.verifier().vkey()
    }

    /// The public half.
    pub fn verifier(&self) -> LogVerifier {
        LogVerifier::new(self.name.clone(), self.key.verifying_key())
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.name)
    }
}

impl signed_note::Signer for LogKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.verifier().id
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.key.try_sign(text)?.to_vec())
    }
}

/// The keys that sign a log: one, and while it is replaced those that are on their way out. All have the same name.
pub struct Keys {
    newest: LogKey,
    older: Vec<LogKey>,
}

impl From<LogKey> for Keys {
    fn from(newest: LogKey) -> Self {
        Self { newest, older: Vec::new() }
    }
}

impl Keys {
    /// A log's key, and those before it that still sign. One of another log, or the same one, is left out.
    pub fn new(newest: LogKey, older: Vec<LogKey>) -> Self {
        let older = older.into_iter().filter(|key| key.name == newest.name && key.key != newest.key).collect();
        Self { newest, older }
    }

    /// The log's origin.
    pub fn origin(&self) -> &str {
        self.newest.origin()
    }

    /// The public halves, the newest first.
    pub fn verifiers(&self) -> Vec<LogVerifier> {
        self.all().map(LogKey::verifier).collect()
    }

    /// The same keys under the name of a view.
    pub(crate) fn of_view(&self, tag: &str) -> Self {
        Self { newest: self.newest.of_view(tag), older: self.older.iter().map(|key| key.of_view(tag)).collect() }
    }

    pub(crate) fn signers(&self) -> Vec<&dyn signed_note::Signer> {
        self.all().map(|key| key as &dyn signed_note::Signer).collect()
    }

    fn all(&self) -> impl Iterator<Item = &LogKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

/// A view's name as a log of its own: the host's log's, and the view's tag.
fn view_name(origin: &str, tag: &str) -> String {
    format!("{origin}/{tag}")
}

/// Whom to believe: the public half of a log's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl LogVerifier {
    fn new(name: String, key: VerifyingKey) -> Self {
        let id = signed_note::key_id(&name, &[&[ED25519], &key.as_bytes()[..]].concat());
        Self { name, id, key }
    }

    /// Reads `<name>+<id>+<key>`; white space around it does not matter.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let wrong = KeyError::Malformed("log vkey: expected '<name>+<id>+<key>' of an Ed25519 key");
        let Some((name, id, bytes)) = fields(vkey.trim()) else { return Err(wrong) };
        let key = ed25519(&bytes).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let Some(key) = key.filter(|key| !key.is_weak()) else { return Err(wrong) };
        let verifier = Self::new(name, key);
        if verifier.id != id {
            return Err(KeyError::Malformed("log vkey: its id is not that of its name and key"));
        }
        Ok(verifier)
    }

    /// The log's origin, which is the key's name.
    pub fn origin(&self) -> &str {
        &self.name
    }

    /// What the checkpoints of a view are checked with: the same key under the view's name.
    #[must_use]
    pub fn of_view(&self, tag: &str) -> Self {
        Self::new(view_name(&self.name, tag), self.key)
    }

    /// As text: `<name>+<id>+<key>`.
    pub fn vkey(&self) -> String {
        signed_note::new_ed25519_verifier_key(&self.name, &self.key)
    }

    /// Whether a note carries a good signature by this key, and no bad one. Signatures by others do not count.
    pub(crate) fn check(&self, note: &Note) -> Result<(), NoteError> {
        note.verify(self).map(drop)
    }
}

impl fmt::Display for LogVerifier {
    /// Name and id, as in a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.id)
    }
}

impl signed_note::Verifier for LogVerifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl Verifiers for LogVerifier {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn signed_note::Verifier, VerificationError> {
        if name == self.name && id == self.id {
            return Ok(self);
        }
        Err(VerificationError::UnknownKey { name: name.to_owned(), id })
    }
}

/// `<name>+<id>+<base64>`, with an id of eight lower-case hexadecimal digits.
pub(crate) fn fields(text: &str) -> Option<(String, u32, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (digits, encoded) = rest.split_once('+')?;
    let id = u32::from_str_radix(digits, 16).ok().filter(|id| format!("{id:08x}") == digits)?;
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    signed_note::is_key_name_valid(name).then(|| (name.to_owned(), id, bytes))
}

fn ed25519(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.strip_prefix(&[ED25519])?.try_into().ok()
}

fn write_new(file: &Path, mode: u32, text: &str) -> Result<(), KeyError> {
    let write = || {
        let mut handle = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
        handle.write_all(text.as_bytes())?;
        handle.sync_all()?;
        fs::File::open(file.canonicalize()?.parent().unwrap_or(file))?.sync_all()
    };
    write().map_err(|source| KeyError::Io { file: file.display().to_string(), source })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Not random at all.
    pub(crate) struct Counter(pub u8);
    impl Rng for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.iter_mut().zip(self.0..).for_each(|(byte, n)| *byte = n);
        }
    }

    #[test]
    fn a_key_comes_back_from_its_file_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let (file, vkey) = (dir.path().join("log.key"), dir.path().join("log.vkey"));
        let key = LogKey::create(&file, &vkey, &Counter(1)).unwrap();
        assert_eq!(key.origin(), "portcullis.local/01020304");
        assert_eq!(LogKey::read(&file).unwrap().vkey(), key.vkey());
        assert_eq!(LogVerifier::parse(&fs::read_to_string(&vkey).unwrap()).unwrap(), key.verifier());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(LogKey::create(&file, &vkey, &Counter(2)), Err(KeyError::Io { .. })));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(LogKey::read(&file), Err(KeyError::Exposed(_))));
    }

    #[test]
    fn the_texts_are_those_of_signed_note() {
        let key = LogKey::generate(&Counter(1));
        assert!(signed_note::StandardSigner::new(key.skey().trim_end()).is_ok());
        assert!(signed_note::StandardVerifier::new(&key.vkey()).is_ok());
        let theirs = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(LogVerifier::parse(theirs).unwrap().to_string(), "PeterNeumann+c74f20a3");
    }

    #[test]
    fn refuses_what_is_no_key() {
        let vkey = LogKey::generate(&Counter(1)).vkey();
        let (name, rest) = vkey.split_once('+').unwrap();
        let weak = "x+".to_owned() + &format!("{:08x}", signed_note::key_id("x", &[&[1u8][..], &[0; 32]].concat()));
        let weak = format!("{weak}+{}", BASE64_STANDARD.encode([&[1u8][..], &[0; 32]].concat()));
        let upper = format!("{name}+{}+{}", rest[..8].to_uppercase(), &rest[9..]);
        for bad in
            ["", "a+b", "a+00000000+AAAA", &format!("x{vkey}"), &vkey[1..], &vkey[..vkey.len() - 1], &weak, &upper]
        {
            assert!(LogVerifier::parse(bad).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", LogKey::generate(&Counter(1))).contains("AQEC"));
    }
}
