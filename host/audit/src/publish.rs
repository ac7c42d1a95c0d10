//! Appends entries to a log directory and moves its head.
//!
//! Invariants: everything that a checkpoint covers is durable before the checkpoint is; the head only moves forward, from
//! where it was read, under a lock; a file that others may have seen is never rewritten with other bytes. A crash at any
//! point leaves the old head with all its files, or the new one with all of its.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tlog_tiles::record_hash;

use crate::{
    bundle,
    checkpoint::Checkpoint,
    disk::{self, Batch, Disk, Durable},
    fault::{Fault, LogError},
    key::{Keys, LogVerifier},
    layout::{self, CHECKPOINT, TILES, WIDTH},
    proven::{self, Files},
    read,
    tree::{Edge, Spine},
    view::View,
};

/// The one who writes a log.
pub struct Publisher {
    dir: PathBuf,
    keys: Keys,
    head: Checkpoint,
    edge: Edge,
    known: BTreeSet<PathBuf>,
    disk: Box<dyn Disk>,
}

impl Publisher {
    /// Begins a log: signs the checkpoint of no entries. A folder that holds any part of a log is refused.
    pub fn create(dir: &Path, keys: impl Into<Keys>) -> Result<Self, LogError> {
        Self::create_on(dir, keys.into(), Box::new(Durable))
    }

    /// Opens a log: checks its head, and that the right edge of its tree and its newest entries lead to it. All the
    /// rest is for [`crate::verify()`].
    pub fn open(dir: &Path, keys: impl Into<Keys>) -> Result<Self, LogError> {
        Self::open_on(dir, keys.into(), Box::new(Durable))
    }

    fn create_on(dir: &Path, keys: Keys, disk: Box<dyn Disk>) -> Result<Self, LogError> {
        fs::create_dir_all(dir).map_err(LogError::io(dir.display()))?;
        let _lock = disk::lock(dir)?;
        if [CHECKPOINT, TILES].iter().any(|name| dir.join(name).exists()) {
            return Err(LogError::Exists(dir.display().to_string()));
        }
        let edge = Edge::default();
        let head = Checkpoint::sign(&keys, 0, edge.spine.root())?;
        let publisher = Self { dir: dir.to_owned(), keys, head, edge, known: BTreeSet::new(), disk };
        publisher.put_head(&publisher.head)?;
        if let Some(parent) = dir.canonicalize().ok().as_deref().and_then(Path::parent) {
            publisher.disk.sync(parent).map_err(LogError::io(parent.display()))?;
        }
        Ok(publisher)
    }

    fn open_on(dir: &Path, keys: Keys, disk: Box<dyn Disk>) -> Result<Self, LogError> {
        let _lock = disk::lock(dir)?;
        let head = read::checkpoint(dir, &keys.verifiers())?;
        let edge = edge(dir, &head).map_err(LogError::Damaged)?;
        Ok(Self { dir: dir.to_owned(), keys, head, edge, known: BTreeSet::new(), disk })
    }

    /// Goes on with the entries of a log under another name, with other keys: under the old name it has ended. For a log of which an older
    /// state was restored: under its own name it would contradict what is known of it elsewhere.
    ///
    /// # Errors
    /// The log is not `old`'s, its edge does not lead to its head, or it cannot be written.
    pub fn begin_anew(dir: &Path, old: &LogVerifier, keys: impl Into<Keys>) -> Result<Self, LogError> {
        let (keys, disk) = (keys.into(), Box::new(Durable));
        if keys.origin() == old.origin() {
            return Err(LogError::Exists(dir.display().to_string()));
        }
        let _lock = disk::lock(dir)?;
        let ended = read::checkpoint(dir, std::slice::from_ref(old))?;
        let edge = edge(dir, &ended).map_err(LogError::Damaged)?;
        let head = Checkpoint::sign(&keys, ended.size(), ended.root())?;
        let publisher = Self { dir: dir.to_owned(), keys, head, edge, known: BTreeSet::new(), disk };
        publisher.put_head(&publisher.head)?;
        Ok(publisher)
    }

    /// How many entries the log has: the index that the next one gets.
    pub fn size(&self) -> u64 {
        self.head.size()
    }

    /// The present head.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// Appends entries, in order, and returns the new head when all is durable. On an error nothing was appended, with
    /// one exception: where the folder's last sync failed the head may have moved, and the next call says
    /// [`LogError::Moved`]; open the log anew then.
    pub fn append<T: AsRef<[u8]>>(&mut self, entries: &[T]) -> Result<Checkpoint, LogError> {
        self.lengths(entries)?;
        let _lock = disk::lock(&self.dir)?;
        self.unmoved()?;
        if entries.is_empty() {
            return Ok(self.head.clone());
        }
        let mut edge = self.edge.clone();
        let mut batch = Batch::new(&self.dir, &*self.disk, &self.known);
        for entry in entries {
            edge.push(entry.as_ref(), |name, bytes| batch.put(&name, &bytes))?;
        }
        for (name, bytes) in edge.partials(self.edge.spine.size) {
            batch.put(&name, &bytes)?;
        }
        let known = batch.finish()?;
        let head = Checkpoint::sign(&self.keys, edge.spine.size, edge.spine.root())?;
        self.put_head(&head)?;
        self.known.extend(known);
        self.edge = edge;
        let old = std::mem::replace(&mut self.head, head);
        self.remove_partials(old.size());
        Ok(self.head.clone())
    }

    /// Whether all of the log's keys, and no others, have signed the present head.
    pub fn is_signed_by_all(&self) -> Result<bool, LogError> {
        Ok(self.signed_again()?.note() == self.head.note())
    }

    /// Signs the present head anew, where not all of the log's keys have signed it: after a key was added or taken away. Gives
    /// whether it had to.
    pub fn sign_again(&mut self) -> Result<bool, LogError> {
        let _lock = disk::lock(&self.dir)?;
        self.unmoved()?;
        let head = self.signed_again()?;
        if head.note() == self.head.note() {
            return Ok(false);
        }
        self.put_head(&head)?;
        self.head = head;
        Ok(true)
    }

    fn signed_again(&self) -> Result<Checkpoint, LogError> {
        Ok(Checkpoint::sign(&self.keys, self.head.size(), self.head.root())?)
    }

    /// The signed head of a view: a log of its own, with the view's tag behind this log's origin.
    pub fn sign_view(&self, view: &View) -> Result<Checkpoint, LogError> {
        Ok(Checkpoint::sign(&self.keys.of_view(view.tag()), view.size(), view.root())?)
    }

    fn lengths<T: AsRef<[u8]>>(&self, entries: &[T]) -> Result<(), LogError> {
        let too_long = |(index, entry): (u64, &T)| {
            let bytes = entry.as_ref().len();
            (bytes > usize::from(u16::MAX)).then_some(LogError::TooLong { index, bytes })
        };
        (self.size()..).zip(entries).find_map(too_long).map_or(Ok(()), Err)
    }

    fn unmoved(&self) -> Result<(), LogError> {
        let most = self.head.note().len() as u64;
        match read::file(&self.dir, CHECKPOINT, most) {
            Ok(Some(found)) if found == self.head.note() => Ok(()),
            _ => Err(LogError::Moved(self.size())),
        }
    }

    fn put_head(&self, head: &Checkpoint) -> Result<(), LogError> {
        let file = self.dir.join(CHECKPOINT);
        self.disk.put(&file, head.note()).map_err(LogError::io(file.display()))?;
        self.disk.sync(&self.dir).map_err(LogError::io(self.dir.display()))
    }

    /// Removes the partial files of the tiles that are full now. What cannot be removed does no harm.
    fn remove_partials(&mut self, old: u64) {
        for level in layout::levels(old) {
            let (n, width) = layout::partial(old, level);
            if width == 0 || layout::partial(self.size(), level).0 == n {
                continue;
            }
            let bundle = (level == 0).then(|| layout::bundle(n, WIDTH));
            for name in bundle.into_iter().chain([layout::tile(level, n, WIDTH)]) {
                let folder = self.dir.join(name + ".p");
                self.known.remove(&folder);
                let _harmless = self.disk.remove(&folder);
            }
        }
    }
}

/// Reads the right edge of a log, and checks that it leads to the root.
fn edge(dir: &Path, head: &Checkpoint) -> Result<Edge, Fault> {
    let spine = Spine { size: head.size(), levels: proven::edge(&Files(dir), head)? };
    let mut edge = Edge { spine, bundle: Vec::new() };
    let (n, width) = layout::partial(head.size(), 0);
    if width > 0 {
        edge.bundle = read::entries(dir, n, width)?;
        let hashes = bundle::split(&edge.bundle, width).map(|all| all.into_iter().map(record_hash).collect::<Vec<_>>());
        if hashes.as_ref() != Ok(&edge.spine.levels[0]) {
            let tile = layout::tile(0, n, width);
            return Err(Fault::new(
                layout::bundle(n, width),
                format!("its entries do not match their hashes in {tile}"),
            ));
        }
    }
    Ok(edge)
}

#[cfg(test)]
mod tests;
