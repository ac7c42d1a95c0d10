//! Proofs of single entries and of views, from the published log and the tiles in the database.
//!
//! Invariant: what a proof costs does not depend on how many entries there are, but on the depth of two trees.

use anyhow::{Context, Result, bail};
use portcullis_audit::{Checkpoint, ENTRY_PROOF, EntryProof, InView, Leaf, Log, LogVerifier, ViewLog};
use portcullis_model::id::TenantId;
use portcullis_store::{SqliteStore, StoredView};

use crate::{home::Home, publish::tiles_of};

/// The log's public key, as it lies in the home.
pub fn vkey(home: &Home) -> Result<String> {
    let file = home.log_vkey();
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// An entry that is published, with its proofs into the log as of the head that it was opened at.
pub async fn of_entry_in(log: &Log, key: &LogVerifier, store: &SqliteStore, index: u64) -> Result<EntryProof> {
    if index >= log.head().size() {
        bail!("entry {index} is not published: the log has {} entries", log.head().size());
    }
    let (logged, proof) = tokio::task::block_in_place(|| -> Result<(Vec<u8>, Vec<u8>)> {
        let mut logged = Vec::new();
        log.entries(index..index + 1, |_, bytes| logged = bytes.to_vec())?;
        Ok((logged, log.proof_text(index)?))
    })?;
    let row = store.log_rows(index, 1).await?.into_iter().next();
    let row = row.with_context(|| format!("the database has no entry {index}"))?;
    let Some(body) = row.body else {
        bail!("entry {index} was disposed of; 'portcullis audit tail' says when and by whom")
    };
    let leaf = Leaf::read(&logged);
    let view = match &leaf {
        Some(leaf) => Some(in_view(store, key, leaf).await?),
        None => None,
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("an entry that is no text");
    let evidence = EntryProof {
        format: ENTRY_PROOF.to_owned(),
        index,
        entry: text(body)?,
        leaf: leaf.is_some().then(|| text(logged)).transpose()?,
        proof: text(proof)?,
        key: key.vkey(),
        view,
    };
    let advice = "the database does not agree with the published log; run 'portcullis audit verify'";
    evidence.check(key).context(advice)?;
    Ok(evidence)
}

async fn in_view(store: &SqliteStore, key: &LogVerifier, leaf: &Leaf) -> Result<InView> {
    let known = store.view(leaf.view.clone()).await?;
    let known = known.with_context(|| format!("the database does not know view {}", leaf.view))?;
    let (key, log) = view(store, key, &known)?;
    let position = leaf.size - 1;
    let proof = tokio::task::block_in_place(|| log.proof_text(position))?;
    let proof = String::from_utf8(proof).context("a proof that is no text")?;
    Ok(InView { tag: known.tag, position, proof, key: key.vkey() })
}

/// What the tiles of a view are read by.
pub type ViewTiles = Box<dyn Fn(u8, u64) -> Result<Option<Vec<u8>>, String>>;

/// A view as a log of its own: what its checkpoints are checked with, and its newest state.
pub fn view(store: &SqliteStore, key: &LogVerifier, known: &StoredView) -> Result<(LogVerifier, ViewLog<ViewTiles>)> {
    let key = key.of_view(&known.tag);
    let note =
        known.checkpoint.as_deref().with_context(|| format!("nothing of view {} is published yet", known.tag))?;
    let head = Checkpoint::open(note, &key).with_context(|| format!("the stored checkpoint of view {}", known.tag))?;
    let tiles: ViewTiles = Box::new(tiles_of(store, &known.tag));
    Ok((key, ViewLog::new(head, tiles)))
}

/// The view of a tenant, by the tenant's name; the host's own by `-`.
pub async fn named(store: &SqliteStore, name: &str) -> Result<StoredView> {
    let tenant: Option<TenantId> = match name {
        "-" => None,
        name => Some(name.parse().context("expected a tenant's name, or '-' for the host's own entries")?),
    };
    let known = store.view_of(tenant).await?;
    known.with_context(|| format!("there is no entry of '{name}' in the published log yet"))
}
