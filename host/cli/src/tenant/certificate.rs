//! What shows that a tenant was deleted: signed by the host, with what there was, the entries of the log that say so, and what is left where
//! the host does not reach.
//!
//! Invariants: there is one only where nothing of the tenant was found any more; it says of backups what they hold, and does not count them as
//! deleted.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Actor, Entry, Kind, SealedError},
    id::{Digest, TenantId},
    time::Timestamp,
};
use portcullis_packages::keys::PublicKey;
use portcullis_store::Deletion;
use serde::{Deserialize, Serialize};

use crate::{
    backup,
    host::Host,
    statement::{self, Signed},
};

/// The type of what is certified.
pub const PREDICATE: &str = "https://portcullis.dev/statements/tenant-deletion/v1";
const PAGE: usize = 1_000;
/// Entries that are about the deletion.
const TOLD: [Kind; 6] = [
    Kind::TenantLeaving,
    Kind::PluginUninstalled,
    Kind::PluginErased,
    Kind::ConnectionEnded,
    Kind::AuditErased,
    Kind::TenantDeleted,
];

/// What is certified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Certificate {
    /// Of which tenant.
    pub tenant: TenantId,
    /// When its deletion was put on record: from then on nothing of it ran or was taken.
    pub begun: Timestamp,
    /// When nothing of it was found any more.
    pub ended: Timestamp,
    /// What there was of it when that began: rows, files and records, by part. All of them are deleted.
    pub deleted: BTreeMap<String, u64>,
    /// The entries of the log about it, by their indices. Of the tenant's entries the bodies stay, which commit to what is erased.
    pub entries: Vec<u64>,
    /// What is not the host's to delete.
    pub backups: Backups,
}

/// What backups that were made before still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Backups {
    /// The newest one that was made before the end; none: the host knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// When the last of those that the host makes by itself is overwritten by newer ones, if it goes on as it does; none: it makes none by
    /// itself, or the one is not among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_by: Option<Timestamp>,
    /// Whether backups have the host's keys in them. Where not, the tenant's credentials in them cannot be opened by whoever has a backup
    /// alone.
    pub with_keys: bool,
}

/// How backups stand.
pub async fn backups(host: &Host) -> Result<Backups> {
    let config = &host.config.backup;
    let newest = host.store.newest(backup::BACKUP).await?.map(|newest| newest.at);
    let gone_by = newest.zip(config.every()).map(|(newest, every)| {
        let turns = u32::try_from(config.keep).unwrap_or(u32::MAX);
        newest.plus(every.saturating_mul(turns))
    });
    Ok(Backups { newest, gone_by, with_keys: config.keys })
}

/// Signs that a tenant was deleted, and writes the certificate's digest into the log, in somebody's name.
pub(super) async fn certify_as(host: &Host, deletion: &Deletion, by: Actor) -> Result<Signed> {
    let tenant = &deletion.tenant;
    let Some(ended) = deletion.ended else {
        bail!("'{tenant}' is not deleted yet; say 'portcullis tenant delete' again, which goes on where it was cut off")
    };
    let certificate = Certificate {
        tenant: tenant.clone(),
        begun: deletion.begun,
        ended,
        deleted: deletion.found.clone(),
        entries: entries(host, deletion).await?,
        backups: backups(host).await?,
    };
    let signed = statement::sign(host, PREDICATE, format!("portcullis:tenant:{tenant}"), &certificate)?;
    let entry = Entry::new(host.clock.now(), Kind::TenantCertified, by, None)
        .about(format!("tenant:{tenant}"))
        .with("digest", signed.digest.to_string())
        .with("key", signed.key.to_string());
    host.store.certified_deletion(tenant.clone(), signed.digest, entry).await?;
    Ok(signed)
}

/// The entries about a deletion, from the one on that put it on record to the one that says that it is done.
async fn entries(host: &Host, deletion: &Deletion) -> Result<Vec<u64>> {
    let (mut next, mut found) = (deletion.entry, Vec::new());
    loop {
        let page = host.store.entries(next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        next = last.index + 1;
        for stored in page.iter().filter(|stored| stored.tenant.as_deref() == Some(deletion.tenant.as_str())) {
            match stored.read() {
                Ok(entry) if TOLD.contains(&entry.kind) => {
                    found.push(stored.index);
                    if entry.kind == Kind::TenantDeleted {
                        return Ok(found);
                    }
                }
                Ok(_) | Err(SealedError::Disposed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Checks a certificate's signature, and that it does not contradict itself. Needs no host.
pub fn verify(file: &Path, trusted: &PublicKey) -> Result<(Certificate, Digest)> {
    let found = statement::read(file, trusted, PREDICATE);
    consistent(found.with_context(|| format!("{} does not show that a tenant was deleted", file.display()))?)
}

/// The same, of what is in no file.
pub fn read(text: &str, trusted: &PublicKey) -> Result<(Certificate, Digest)> {
    consistent(statement::read_text(text, trusted, PREDICATE)?)
}

fn consistent((certificate, digest): (Certificate, Digest)) -> Result<(Certificate, Digest)> {
    let Certificate { begun, ended, entries, .. } = &certificate;
    if begun > ended || entries.is_empty() || !entries.is_sorted() {
        bail!("the certificate contradicts itself");
    }
    Ok((certificate, digest))
}
