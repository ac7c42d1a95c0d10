//! What the published log shows of itself: heads, that it only grew, single entries, keys.
//!
//! Invariant: what is shown was checked against the log's key.

use anyhow::Result;
use async_trait::async_trait;
use portcullis_api::admin::v1::log::{Growth, Head, Keys, LogError, Part, Proofs, View};
use portcullis_audit::{Checkpoint, Hash, Log, LogVerifier};
use portcullis_store::StoredView;
use serde_json::Value;

use super::failed;
use crate::{
    home::Home,
    host::Host,
    log_proof::{self, of_entry_in},
    publish::keys::Files,
};

/// The published log of a host.
pub(super) struct Published(pub Host);

/// A head, what it is checked with, and the proof from an older size to it where that was asked for.
struct Seen {
    head: Checkpoint,
    key: LogVerifier,
    grown: Vec<Hash>,
}

impl Published {
    fn key(&self) -> Result<LogVerifier> {
        Ok(LogVerifier::parse(&log_proof::vkey(&self.0.home)?)?)
    }

    fn open(&self) -> Result<(LogVerifier, Log)> {
        let key = self.key()?;
        let log = Log::open(&self.0.home.log(), &key)?;
        Ok((key, log))
    }

    /// The view that is meant; none where that is the whole log.
    async fn view(&self, of: &Part) -> Result<Option<StoredView>, LogError> {
        let Part::View(tenant) = of else { return Ok(None) };
        let known = self.0.store.view_of(tenant.clone()).await?.filter(|known| known.checkpoint.is_some());
        let name = tenant.as_ref().map_or("-", |tenant| tenant.as_str());
        let missing = || LogError::Unknown(format!("there is no entry of '{name}' in the published log yet"));
        known.map(Some).ok_or_else(missing)
    }

    /// The newest head of it, and what shows that it grew to that from so many entries where that is asked.
    async fn seen(&self, of: &Part, from: Option<u64>) -> Result<Seen, LogError> {
        let view = self.view(of).await?;
        let seen = tokio::task::block_in_place(|| self.look(view.as_ref(), from)).map_err(failed)?;
        match from.filter(|from| *from > seen.head.size()) {
            None => Ok(seen),
            Some(from) => {
                let size = seen.head.size();
                Err(LogError::Refused(format!("there were never {from} entries: it has {size}")))
            }
        }
    }

    fn look(&self, view: Option<&StoredView>, from: Option<u64>) -> Result<Seen> {
        let Some(known) = view else {
            let (key, log) = self.open()?;
            let head = log.head().clone();
            let grown = provable(from, &head).map(|from| log.consistency_from(from)).transpose()?;
            return Ok(Seen { head, key, grown: grown.unwrap_or_default() });
        };
        let (key, log) = log_proof::view(&self.0.store, &self.key()?, known)?;
        let head = log.head().clone();
        let grown = provable(from, &head).map(|from| log.consistency_from(from)).transpose()?;
        Ok(Seen { head, key, grown: grown.unwrap_or_default() })
    }
}

/// The older size, where there was ever one like that.
fn provable(from: Option<u64>, head: &Checkpoint) -> Option<u64> {
    from.filter(|from| *from <= head.size())
}

fn note(head: &Checkpoint) -> Result<String, LogError> {
    String::from_utf8(head.note().to_vec()).map_err(|_| LogError::Failed("a checkpoint that is no text".to_owned()))
}

#[async_trait]
impl Proofs for Published {
    async fn head(&self, of: &Part) -> Result<Head, LogError> {
        let Seen { head, key, .. } = self.seen(of, None).await?;
        let (origin, root) = (head.origin().to_owned(), head.root().to_string());
        Ok(Head { origin, size: head.size(), root, key: key.vkey(), checkpoint: note(&head)? })
    }

    async fn growth(&self, of: &Part, from: u64) -> Result<Growth, LogError> {
        let Seen { head, grown, .. } = self.seen(of, Some(from)).await?;
        let hashes = grown.iter().map(ToString::to_string).collect();
        Ok(Growth { from, to: head.size(), hashes, checkpoint: note(&head)? })
    }

    async fn views(&self) -> Result<Vec<View>, LogError> {
        let all = self.0.store.log_views().await?.into_iter();
        Ok(all.map(|view| View { tag: view.tag, tenant: view.tenant, size: view.size }).collect())
    }

    async fn entry(&self, index: u64) -> Result<Value, LogError> {
        let (key, log) = tokio::task::block_in_place(|| self.open()).map_err(failed)?;
        let size = log.head().size();
        if index >= size {
            return Err(LogError::Conflict(format!("entry {index} is not published: the log has {size} entries")));
        }
        let row = self.0.store.log_rows(index, 1).await?.into_iter().next();
        if row.is_some_and(|row| row.body.is_none()) {
            let why = format!("entry {index} was disposed of; 'portcullis audit tail' says when and by whom");
            return Err(LogError::Conflict(why));
        }
        let proof = of_entry_in(&log, &key, &self.0.store, index).await.map_err(failed)?;
        serde_json::to_value(proof).map_err(|error| LogError::Failed(error.to_string()))
    }

    async fn keys(&self) -> Result<Keys, LogError> {
        keys(&self.0.home).map_err(failed)
    }
}

/// The log's public keys, as they lie in a home: for that neither the database nor the vault is needed.
pub(crate) fn keys(home: &Home) -> Result<Keys> {
    let changes = portcullis_audit::key_changes(&home.log())?;
    Ok(Keys {
        key: log_proof::vkey(home)?,
        older: changes.into_iter().map(|change| change.old).collect(),
        old_signs_until: Files::of(home).old_until()?.map(|until| until.to_string()),
    })
}
