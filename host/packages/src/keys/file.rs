//! Key files: PKCS#8 as PEM (RFC 7468), encrypted by PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC, so that other
//! tools read them too.
//!
//! Invariants: what a file asks of the processor is bounded before it is done; a file is written with mode 0600, and is
//! durable or not there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey as _, KeypairBytes},
};
use pkcs8::{
    EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument,
    der::pem::PemLabel as _,
    pkcs5::{
        pbes2::{EncryptionScheme, Kdf, Parameters, ScryptParams},
        scrypt,
    },
};
use portcullis_model::time::Rng;
use zeroize::Zeroizing;

use super::{KeyError, Passphrase, SecretKey, Unlock};

const MAX_FILE: usize = 4096;

/// 16 MiB, five times over: as much as other tools read with their default limits.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 5;

/// 256 MiB: what a file may ask for at most.
const MAX_LOG_N: u8 = 18;
const MAX_P: u16 = 16;

const OLD: &str = "portcullis-secret-key-v1:";
const NOT_PEM: &str = "expected PEM that begins with '-----BEGIN ENCRYPTED PRIVATE KEY-----'";
const NOT_ED25519: &str = "it holds another kind of key than Ed25519";
const OTHERWISE_ENCRYPTED: &str = "it is encrypted in another way than by PBES2 with scrypt (N from 16384 to 262144, r 8, \
     p up to 16) and AES-256-CBC; 'openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc' makes that form of it";

pub(super) fn load(path: &Path, unlock: &dyn Unlock) -> Result<SecretKey, KeyError> {
    let not = |why| KeyError::NotSecret { path: path.to_owned(), why };
    let bytes = read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| not(NOT_PEM))?;
    if text.starts_with(OLD) {
        return Err(KeyError::Old(path.to_owned()));
    }
    let (label, document) = SecretDocument::from_pem(text).map_err(|_| not(NOT_PEM))?;
    if label == PrivateKeyInfo::PEM_LABEL {
        return key(&document).map_err(|_| not(NOT_ED25519));
    }
    if label != EncryptedPrivateKeyInfo::PEM_LABEL {
        return Err(not(NOT_PEM));
    }
    let Ok(encrypted) = EncryptedPrivateKeyInfo::try_from(document.as_bytes()) else {
        return Err(not(OTHERWISE_ENCRYPTED));
    };
    if !is_ours(&encrypted) {
        return Err(not(OTHERWISE_ENCRYPTED));
    }
    let passphrase = unlock.passphrase(path)?;
    let wrong = |_| KeyError::WrongPassphrase(path.to_owned());
    key(&encrypted.decrypt(passphrase.as_bytes()).map_err(wrong)?).map_err(|Wrong(known)| match known {
        true => not(NOT_ED25519),
        false => KeyError::WrongPassphrase(path.to_owned()),
    })
}

/// Whether it is encrypted as [`to_pem`] does it, or costlier within bounds.
fn is_ours(encrypted: &EncryptedPrivateKeyInfo<'_>) -> bool {
    let Some(Parameters { kdf: Kdf::Scrypt(kdf), encryption }) = encrypted.encryption_algorithm.pbes2() else {
        return false;
    };
    let ScryptParams { cost_parameter, block_size, parallelization, salt, .. } = *kdf;
    matches!(encryption, EncryptionScheme::Aes256Cbc { .. })
        && (LOG_N..=MAX_LOG_N).any(|log_n| cost_parameter == 1 << log_n)
        && u32::from(block_size) == R
        && (1..=MAX_P).contains(&parallelization)
        && salt.len() >= 8
}

/// What does not hold an Ed25519 key, and whether it is a key at all.
struct Wrong(bool);

fn key(document: &SecretDocument) -> Result<SecretKey, Wrong> {
    let info = PrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| Wrong(false))?;
    SigningKey::try_from(info).map(SecretKey).map_err(|_| Wrong(true))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let failed = KeyError::io(path);
    // Before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(path).map_err(&failed)?.is_file() {
        return Err(KeyError::NotSecret { path: path.to_owned(), why: "it is not a regular file" });
    }
    let file = File::open(path).map_err(&failed)?;
    if file.metadata().map_err(&failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Open(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() > MAX_FILE {
        true => Err(KeyError::NotSecret { path: path.to_owned(), why: "it is longer than a key" }),
        false => Ok(bytes),
    }
}

pub(super) fn to_pem(
    key: &SecretKey,
    passphrase: Option<&Passphrase>,
    rng: &dyn Rng,
) -> Result<Zeroizing<String>, KeyError> {
    // Without the public half: OpenSSL reads version 1 alone.
    let pair = KeypairBytes { secret_key: key.0.to_bytes(), public_key: None };
    let plain = pair.to_pkcs8_der().map_err(|_| KeyError::NotEncrypted)?;
    let Some(passphrase) = passphrase else {
        return plain.to_pem(PrivateKeyInfo::PEM_LABEL, LineEnding::LF).map_err(|_| KeyError::NotEncrypted);
    };
    let (mut salt, mut iv) = ([0u8; 16], [0u8; 16]);
    rng.fill(&mut salt);
    rng.fill(&mut iv);
    encrypted(&plain, passphrase, &salt, &iv).map_err(|_| KeyError::NotEncrypted)
}

fn encrypted(
    plain: &SecretDocument,
    passphrase: &Passphrase,
    salt: &[u8],
    iv: &[u8; 16],
) -> pkcs8::Result<Zeroizing<String>> {
    let cost = scrypt::Params::new(LOG_N, R, P, 32).map_err(|_| pkcs8::Error::ParametersMalformed)?;
    let parameters = Parameters::scrypt_aes256cbc(cost, salt, iv)?;
    let info = PrivateKeyInfo::try_from(plain.as_bytes())?;
    let document = info.encrypt_with_params(parameters, passphrase.as_bytes())?;
    Ok(document.to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF)?)
}

/// A new file, readable by its owner alone. Never overwrites.
pub(super) fn create(path: &Path, text: &str) -> Result<(), KeyError> {
    let failed = KeyError::io(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(&failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
    written.map_err(|error| {
        // Half a key helps nobody, and would be in the way of the next try.
        let _ = fs::remove_file(path);
        failed(error)
    })
}

/// The same in place of a file that is there.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), KeyError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    create(&new, text)?;
    fs::rename(&new, path).and_then(|()| sync_folder(path)).map_err(KeyError::io(path))
}

/// Makes the names in a file's folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
