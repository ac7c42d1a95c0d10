//! How the log of a restored host goes on where it may have gone on elsewhere: under another name.
//!
//! A log that was restored from a backup is shorter than the one that was published. Whatever it added now under its own name would
//! contradict what others have seen and witnesses have cosigned: a fork, which is what the log exists to show. So its name ends, and the
//! same entries go on under a new one, with a new key. Nobody can sign under the old name any more.
//!
//! Invariants: the old key is destroyed before the new one signs; entries, views and their tags stay what they are.

use std::{fs, io, path::Path, sync::Arc};

use anyhow::{Context, Result};
use portcullis_audit::{LogKey, LogVerifier, Publisher};
use portcullis_model::time::Rng;
use portcullis_store::SqliteStore;

use super::{
    forest::Forest,
    keys::{Files, destroy},
};
use crate::{home::Home, log_proof};

/// A log whose name has ended.
pub struct Ended {
    /// How many entries it had here.
    pub size: u64,
    /// The root hash of those.
    pub root: String,
    /// The key that it was checked with.
    pub key: String,
    /// The key of what goes on.
    pub new_key: String,
}

/// Ends the name of this home's log and goes on under a new one. Nobody else may be using the home.
pub async fn begin_anew(home: &Home, store: Arc<SqliteStore>, rng: &dyn Rng) -> Result<Ended> {
    let old = LogVerifier::parse(&log_proof::vkey(home)?)?;
    let files = Files::of(home);
    for file in [&files.key, &files.next, &files.old] {
        destroy(file)?;
    }
    gone(fs::remove_file(&files.until), &files.until)?;
    gone(fs::remove_file(home.log_vkey()), &home.log_vkey())?;
    // They lead from older keys to one that is gone.
    gone(fs::remove_dir_all(home.log().join("keys")), &home.log())?;
    // A backup without keys has no directory of them.
    home.create()?;
    let fresh = LogKey::create(&home.log_key(), &home.log_vkey(), rng)?;
    let new_key = fresh.vkey();
    let publisher = tokio::task::block_in_place(|| Publisher::begin_anew(&home.log(), &old, fresh))?;
    Forest::new(store.clone()).sign_again(&publisher).await?;
    store.forget_cosigned().await?;
    Ok(Ended { size: publisher.size(), root: publisher.head().root().to_string(), key: old.vkey(), new_key })
}

fn gone(removed: io::Result<()>, what: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", what.display()))
        }
        _ => Ok(()),
    }
}
