//! Reports of rotations: signed with a key of the host, anchored in its log, and checked offline.
//!
//! The envelope is DSSE with an in-toto Statement. Its digest and the key stand in the audit log, so that whoever has the log knows
//! which report it was and by which key.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context, Result, bail};
use portcullis_broker::rotation::{MAX_REPORT, Report};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::{KeyError, Passphrase, PublicKey, SecretKey, Unlock},
};

use crate::host::Host;

/// A report with its signature.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The envelope, as JSON on one line.
    pub envelope: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// By which key.
    pub key: PublicKey,
}

/// Nobody is there to ask: the host's own key has no passphrase.
struct Unattended;

impl Unlock for Unattended {
    fn passphrase(&self, file: &Path) -> Result<Passphrase, KeyError> {
        let why = "the host signs reports by itself: its key has no passphrase".to_owned();
        Err(KeyError::NoPassphrase { path: file.to_owned(), why })
    }

    fn agent(&self) -> Option<std::path::PathBuf> {
        None
    }
}

/// Signs a report, and writes its digest into the log in somebody's name.
pub async fn sign(host: &Host, report: &Report, by: Actor) -> Result<Signed> {
    let key = key(host)?;
    let envelope = Envelope::sign(PayloadType::Statement, report.statement()?, &key)?.to_json();
    if envelope.len() > MAX_REPORT {
        bail!("the report has {} bytes; the most is {MAX_REPORT}: rotate by tenant or provider", envelope.len());
    }
    let signed = Signed { digest: Digest::of(envelope.as_bytes()), key: key.public(), envelope };
    let entry = Entry::new(host.clock.now(), Kind::RotationReported, by, None)
        .about(format!("rotation:{}", report.act.id))
        .with("digest", signed.digest.to_string())
        .with("key", signed.key.to_string());
    host.store.record(vec![entry]).await?;
    Ok(signed)
}

/// Checks a report's signature and that it does not contradict itself. Needs no host.
pub fn verify(file: &Path, trusted: &PublicKey) -> Result<(Report, Digest)> {
    let found = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !found.is_file() || found.len() > MAX_REPORT as u64 + 1 {
        bail!("{} is no report: expected a file of at most {MAX_REPORT} bytes", file.display());
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = text.trim_end();
    let envelope = Envelope::parse_within(PayloadType::Statement, text, MAX_REPORT)?;
    let report = Report::read(envelope.verify(&[*trusted], 1, "the host that rotated")?)?;
    Ok((report, Digest::of(text.as_bytes())))
}

/// The key that reports are signed with: made where there is none yet, with its public half beside the log's.
pub(crate) fn key(host: &Host) -> Result<SecretKey> {
    let path = host.home.report_key();
    if !path.exists() {
        SecretKey::generate(host.rng.as_ref()).save(&path, None, host.rng.as_ref())?;
    }
    let key = SecretKey::load(&path, &Unattended)?;
    let public = host.home.report_public_key();
    if !public.exists() {
        let mut file = fs::File::create(&public).with_context(|| format!("cannot write {}", public.display()))?;
        writeln!(file, "{}", key.public()).and_then(|()| file.sync_all())?;
    }
    Ok(key)
}
