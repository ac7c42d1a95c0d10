//! Plugins' own directories: `<root>/<tenant>/<installation>/data`, and beside it `new` for what is not whole yet.
//!
//! What is ABSENT: paths of the process. The root is opened once, in [`PrivateDirs::open`]; everything else goes from a handle on a
//! directory to one name in it, and follows no link.
//!
//! Invariants:
//! - one installation, one lock: what it uses is known exactly while anything is changed, so its quota holds at any concurrency;
//! - what it uses is counted from what lies there, at the first use and again after any failure: a crash leaves no wrong sum;
//! - a file is replaced by a rename of one that is whole and durable; what a crash left half written is removed at the next use;
//! - something that no plugin can make (a link, a device) is not touched, and the operator is told.
//!
//! One host at a time works on a root; the lock on its home sees to that.

mod place;
mod whole;

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use cap_std::{ambient_authority, fs::Dir};
use place::{Place, Used};
use portcullis_model::{
    error::{ServiceError, StoreError},
    files::{Content, FileEntry, FileList, FileMakeDir, FileRead, FileRemove, FileStat, FileStore, FileWrite},
    id::{InstallationId, TenantId},
    payer,
    permit::Spent,
};
pub use whole::Removed;

/// What an installation uses; `None` where nobody has counted yet.
type Known = Arc<Mutex<Option<Used>>>;

/// The private directories of all installations.
#[derive(Clone)]
pub struct PrivateDirs {
    root: Arc<Dir>,
    known: Arc<Mutex<HashMap<Owner, Known>>>,
}

/// Whose directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    tenant: TenantId,
    installation: InstallationId,
}

impl Owner {
    fn of<A>(act: &Spent<A>) -> Self {
        let call = act.call();
        Self { tenant: call.tenant.clone(), installation: call.installation.clone() }
    }
}

impl PrivateDirs {
    /// Opens the root, or makes it. The only place that names a path of the process.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError(format!("cannot open {}: {error}", root.display()));
        std::fs::create_dir_all(root).map_err(failed)?;
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(failed)?;
        Ok(Self { root: Arc::new(dir), known: Arc::default() })
    }

    fn known(&self, owner: &Owner) -> Known {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(owner.clone()).or_default().clone()
    }

    /// Works on one installation's directory, off the async threads, with its lock held.
    async fn work<T, F>(&self, owner: Owner, work: F) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Place) -> Result<T, ServiceError> + Send + 'static,
    {
        let (root, known) = (self.root.clone(), self.known(&owner));
        let run = move || {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let mut place = Place::open(&root, &owner, known.take())?;
            let result = work(&mut place);
            // After a failure nobody knows how far it got: the next use counts anew.
            if !matches!(result, Err(ServiceError::Unavailable(_))) {
                *known = Some(place.used);
            }
            result
        };
        let ran = tokio::task::spawn_blocking(payer::carried(run)).await;
        ran.map_err(|error| ServiceError::Unavailable(format!("files: the work was cut off: {error}")))?
    }
}

#[async_trait]
impl FileStore for PrivateDirs {
    async fn read(&self, act: Spent<FileRead>) -> Result<Content, ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.read(&act.act().path).map(Content)).await
    }

    async fn write(&self, act: Spent<FileWrite>) -> Result<(), ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.write(&act.act().path, &act.act().content, act.act().quota)).await
    }

    async fn make_dir(&self, act: Spent<FileMakeDir>) -> Result<(), ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.make_dir(&act.act().path, act.act().quota)).await
    }

    async fn remove(&self, act: Spent<FileRemove>) -> Result<(), ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.remove(&act.act().path)).await
    }

    async fn list(&self, act: Spent<FileList>) -> Result<Vec<FileEntry>, ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.list(&act.act().path)).await
    }

    async fn stat(&self, act: Spent<FileStat>) -> Result<FileEntry, ServiceError> {
        let owner = Owner::of(&act);
        self.work(owner, move |place| place.stat(&act.act().path)).await
    }
}

#[cfg(test)]
mod tests;
