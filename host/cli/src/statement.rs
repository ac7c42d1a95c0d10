//! Statements that the host signs about what it did, for whoever does not ask the host: certificates. Checked without one.
//!
//! The envelope is DSSE with an in-toto Statement, signed with the key that reports are signed with.
//!
//! Invariants: the subject's digest is that of what is said, so that an envelope whose parts were put together is refused; a file is
//! read within a bound, and nothing of it is believed before the signature was checked.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{audit::plain, id::Digest, json::sorted};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::PublicKey,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{host::Host, rotation};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The most bytes of an envelope.
const MOST: usize = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: Sha256,
}

#[derive(Serialize, Deserialize)]
struct Sha256 {
    sha256: String,
}

/// What was signed.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The envelope, as JSON on one line.
    pub envelope: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// By which key.
    pub key: PublicKey,
}

/// Signs what is said of this name, as a statement of this type.
pub fn sign<P: Serialize>(host: &Host, predicate_type: &str, name: String, said: &P) -> Result<Signed> {
    let predicate = sorted(said)?;
    let digest = Sha256 { sha256: Digest::of(&serde_json::to_vec(&predicate)?).hex() };
    let statement = Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![Subject { name, digest }],
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    let key = rotation::key(host)?;
    let statement = serde_json::to_vec(&sorted(&statement)?)?;
    let envelope = Envelope::sign(PayloadType::Statement, statement, &key)?.to_json();
    Ok(Signed { digest: Digest::of(envelope.as_bytes()), key: key.public(), envelope })
}

/// Reads what a file says that this key signed, as a statement of this type, with the digest of the envelope. Needs no host.
pub fn read<P: Serialize + DeserializeOwned>(
    file: &Path,
    trusted: &PublicKey,
    predicate_type: &str,
) -> Result<(P, Digest)> {
    let found = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !found.is_file() || found.len() > MOST as u64 {
        bail!("{} is no certificate: expected a file of at most {MOST} bytes", file.display());
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    read_text(&text, trusted, predicate_type)
}

/// The same, of what is in no file.
pub fn read_text<P: Serialize + DeserializeOwned>(
    text: &str,
    trusted: &PublicKey,
    predicate_type: &str,
) -> Result<(P, Digest)> {
    let text = text.trim_end();
    let envelope = Envelope::parse_within(PayloadType::Statement, text, MOST)?;
    let said = envelope.verify(&[*trusted], 1, "the host that certified")?;
    let of: Statement<serde_json::Value> = serde_json::from_slice(said).context("the statement is no certificate")?;
    if of.kind != STATEMENT || of.predicate_type != predicate_type {
        bail!("it is a statement of another sort: {}", plain(&of.predicate_type));
    }
    let said: P = serde_json::from_value(of.predicate).context("the statement is no certificate of this version")?;
    let digest = Digest::of(&serde_json::to_vec(&sorted(&said)?)?).hex();
    if !matches!(of.subject.as_slice(), [one] if one.digest.sha256 == digest) {
        bail!("the certificate contradicts itself");
    }
    Ok((said, Digest::of(text.as_bytes())))
}
