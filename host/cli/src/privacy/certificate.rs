//! What shows that a request was met: signed by the host, with the entries of the log that bear witness to each part of it.
//!
//! Invariants: it has neither whom the request was about nor what was answered; what is not proven is in it as that.

use std::path::Path;

use anyhow::{Result, bail};
use portcullis_api::admin::v1::privacy::Certificate as Shown;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _, SealedError},
    id::{Digest, PrivacyId, TenantId},
    privacy::{HeldCopies, PrivacyKind, PrivacyPart, PrivacyRequest, Stage},
    time::Timestamp,
};
use portcullis_packages::keys::PublicKey;
use serde::{Deserialize, Serialize};

use crate::{
    host::{Host, person},
    statement::{self, Signed},
};

/// The type of what is certified.
pub const PREDICATE: &str = "https://portcullis.dev/statements/data-subject-request/v1";
const PAGE: usize = 1_000;

/// What is certified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Certificate {
    /// Which request.
    pub request: PrivacyId,
    /// Of whose data.
    pub tenant: TenantId,
    /// What was asked for.
    pub kind: PrivacyKind,
    /// When it was put on record.
    pub opened: Timestamp,
    /// By when all had to be answered.
    pub deadline: Timestamp,
    /// When it was closed.
    pub closed: Timestamp,
    /// What each installation made of it; a note is the plugin's own words.
    pub parts: Vec<PrivacyPart>,
    /// How many parts nobody has proven.
    pub unproven: usize,
    /// What the host erased of what it keeps itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<HeldCopies>,
    /// The request to erase the same person by which it was emptied before it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emptied_by: Option<PrivacyId>,
    /// The entries of the log about it, by their indices.
    pub entries: Vec<u64>,
}

/// A certificate with its signature.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The envelope, as JSON on one line.
    pub envelope: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// By which key.
    pub key: PublicKey,
    /// What it says.
    pub certificate: Certificate,
}

/// Signs what became of a closed request in the name of the person at the keyboard, and writes the certificate's digest into the log.
pub async fn certify(host: &Host, request: &PrivacyRequest) -> Result<Certified> {
    certify_as(host, request, person()).await
}

/// The same in this name.
pub(super) async fn certify_as(host: &Host, request: &PrivacyRequest, actor: Actor) -> Result<Certified> {
    let Some(closed) = request.closed else { bail!("the request is not closed yet; see 'portcullis privacy close'") };
    if request.kind == PrivacyKind::Erase && request.stage != Stage::Forgotten {
        bail!("the last of what the host keeps itself is being erased; try again in a moment");
    }
    let certificate = Certificate {
        request: request.id.clone(),
        tenant: request.tenant.clone(),
        kind: request.kind,
        opened: request.opened,
        deadline: request.deadline,
        closed,
        unproven: request.unproven().count(),
        parts: request.parts.clone(),
        erased: request.erased.clone(),
        emptied_by: request.emptied_by.clone(),
        entries: entries(host, request).await?,
    };
    let name = format!("portcullis:privacy:{}:{}", request.tenant, request.id);
    let Signed { envelope, digest, key } = statement::sign(host, PREDICATE, name, &certificate)?;
    let certified = Certified { digest, key, envelope, certificate };
    let entry = Entry::new(host.clock.now(), Kind::PrivacyCertified, actor, Some(request.tenant.clone()))
        .about(format!("privacy:{}", request.id))
        .with("digest", certified.digest.to_string())
        .with("key", certified.key.to_string());
    host.store.record(vec![entry]).await?;
    Ok(certified)
}

/// The entries about a request, from the one on that put it on record.
async fn entries(host: &Host, request: &PrivacyRequest) -> Result<Vec<u64>> {
    let (about, mut next, mut found) = (format!("privacy:{}", request.id), request.entry, Vec::new());
    loop {
        let page = host.store.entries(next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        next = last.index + 1;
        for stored in page.iter().filter(|stored| stored.tenant.as_deref() == Some(request.tenant.as_str())) {
            match stored.read() {
                Ok(entry) if entry.resource.as_deref() == Some(&about) => found.push(stored.index),
                Ok(_) | Err(SealedError::Disposed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A certificate as the API hands it out, read and checked by the key that it names.
pub fn certified(shown: Shown) -> Result<Certified> {
    let key: PublicKey = shown.key.parse()?;
    let (certificate, digest) = statement::read_text::<Certificate>(&shown.envelope, &key, PREDICATE)?;
    Ok(Certified { envelope: shown.envelope, digest, key, certificate })
}

/// Checks a certificate's signature, and that it does not contradict itself. Needs no host.
pub fn verify(file: &Path, trusted: &PublicKey) -> Result<(Certificate, Digest)> {
    let (certificate, digest) = statement::read::<Certificate>(file, trusted, PREDICATE)?;
    if certificate.unproven != certificate.parts.iter().filter(|part| !part.state.is_proven()).count() {
        bail!("the certificate contradicts itself");
    }
    Ok((certificate, digest))
}
