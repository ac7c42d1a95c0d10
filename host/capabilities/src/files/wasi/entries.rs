//! What is in a directory, one after the other.

use std::collections::VecDeque;

use portcullis_model::files::FileEntry;
use portcullis_runtime::{
    wasmtime::{self, component::Resource},
    wasmtime_wasi::p2::{
        FsError, FsResult, ReaddirIterator,
        bindings::filesystem::types::{self, DescriptorType, DirectoryEntry},
    },
};

use super::Files;

/// What is left of a list. As with descriptors, wasmtime's name for it stands for a number only.
struct Entries(VecDeque<FileEntry>);

/// What sort of thing an entry is.
pub fn kind(entry: &FileEntry) -> DescriptorType {
    if entry.directory { DescriptorType::Directory } else { DescriptorType::RegularFile }
}

impl Files<'_> {
    pub(super) fn entries(&mut self, entries: Vec<FileEntry>) -> FsResult<Resource<ReaddirIterator>> {
        let pushed = self.table.push(Entries(entries.into())).map_err(FsError::trap)?;
        Ok(Resource::new_own(pushed.rep()))
    }
}

impl types::HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(&mut self, stream: Resource<ReaddirIterator>) -> FsResult<Option<DirectoryEntry>> {
        let own = Resource::<Entries>::new_borrow(stream.rep());
        let next = self.table.get_mut(&own).map_err(FsError::trap)?.0.pop_front();
        Ok(next.map(|entry| DirectoryEntry { type_: kind(&entry), name: entry.name }))
    }

    fn drop(&mut self, stream: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Entries>::new_own(stream.rep()))?;
        Ok(())
    }
}
