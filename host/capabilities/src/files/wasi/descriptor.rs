//! Descriptors: open directories, which are paths, and open files.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use portcullis_model::files::{FileList, FileMakeDir, Path};
use portcullis_runtime::{
    wasmtime::{self, component::Resource},
    wasmtime_wasi::p2::{
        DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator,
        bindings::filesystem::types::{
            self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
            OpenFlags, PathFlags,
        },
    },
    wit,
};

use super::{
    Files, Handle, code,
    entries::kind,
    open_file::OpenFile,
    streams::{CHUNK, Input},
};

/// What a descriptor stands for.
#[derive(Clone)]
pub enum Descriptor {
    Directory(Path),
    File(OpenFile),
}

impl Descriptor {
    fn path(&self) -> &Path {
        match self {
            Self::Directory(path) => path,
            Self::File(file) => &file.path,
        }
    }
}

fn stat(kind: DescriptorType, size: u64) -> DescriptorStat {
    DescriptorStat {
        type_: kind,
        link_count: 1,
        size,
        data_access_timestamp: None,
        data_modification_timestamp: None,
        status_change_timestamp: None,
    }
}

fn hash(path: &Path) -> MetadataHashValue {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    MetadataHashValue { lower: hasher.finish(), upper: 0 }
}

impl types::HostDescriptor for Files<'_> {
    async fn open_at(
        &mut self,
        fd: Handle,
        _: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Handle> {
        let wants_directory = open.contains(OpenFlags::DIRECTORY) || path.ends_with('/');
        let path = self.resolve(&fd, &path)?;
        let changes = flags.contains(DescriptorFlags::WRITE)
            || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::EXCLUSIVE);
        let opened = if path.is_root() || wants_directory {
            let entry = match self.seen(&path).await? {
                Some(entry) => entry.map_err(|error| code(&error))?,
                None => return Err(self.denied_reading(&path).await?.into()),
            };
            match entry.directory {
                true if changes => return Err(ErrorCode::IsDirectory.into()),
                true => Descriptor::Directory(path),
                false => return Err(ErrorCode::NotDirectory.into()),
            }
        } else {
            match self.open_file(path.clone(), open, flags).await {
                // What was opened without a word about what it is may be a directory.
                Err(error) if !changes && error.downcast_ref() == Some(&ErrorCode::IsDirectory) => {
                    Descriptor::Directory(path)
                }
                opened => opened?,
            }
        };
        self.open(opened).map_err(FsError::trap)
    }

    fn read_via_stream(&mut self, fd: Handle, at: u64) -> FsResult<Resource<DynInputStream>> {
        let file = self.file(&fd)?;
        file.read(at, 0)?;
        let stream: DynInputStream = Box::new(Input { file, at });
        self.table.push(stream).map_err(FsError::trap)
    }

    fn write_via_stream(&mut self, fd: Handle, at: u64) -> FsResult<Resource<DynOutputStream>> {
        self.output(&fd, Some(at))
    }

    fn append_via_stream(&mut self, fd: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.output(&fd, None)
    }

    async fn advise(&mut self, fd: Handle, _: u64, _: u64, _: Advice) -> FsResult<()> {
        self.file(&fd).map(drop)
    }

    async fn sync_data(&mut self, fd: Handle) -> FsResult<()> {
        self.sync(fd).await
    }

    async fn get_flags(&mut self, fd: Handle) -> FsResult<DescriptorFlags> {
        Ok(match self.descriptor(&fd)? {
            Descriptor::Directory(_) => DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
            Descriptor::File(file) => file.flags & (DescriptorFlags::READ | DescriptorFlags::WRITE),
        })
    }

    async fn get_type(&mut self, fd: Handle) -> FsResult<DescriptorType> {
        Ok(match self.descriptor(&fd)? {
            Descriptor::Directory(_) => DescriptorType::Directory,
            Descriptor::File(_) => DescriptorType::RegularFile,
        })
    }

    async fn set_size(&mut self, fd: Handle, size: u64) -> FsResult<()> {
        Ok(self.file(&fd)?.set_len(size)?)
    }

    async fn set_times(&mut self, _: Handle, _: NewTimestamp, _: NewTimestamp) -> FsResult<()> {
        Err(ErrorCode::Unsupported.into())
    }

    async fn read(&mut self, fd: Handle, most: u64, at: u64) -> FsResult<(Vec<u8>, bool)> {
        let file = self.file(&fd)?;
        let bytes = file.read(at, usize::try_from(most).unwrap_or(CHUNK).min(CHUNK))?;
        let end = at.saturating_add(bytes.len() as u64) >= file.len() as u64;
        Ok((bytes, end))
    }

    async fn write(&mut self, fd: Handle, bytes: Vec<u8>, at: u64) -> FsResult<u64> {
        self.file(&fd)?.write(Some(at), &bytes)?;
        Ok(bytes.len() as u64)
    }

    async fn read_directory(&mut self, fd: Handle) -> FsResult<Resource<ReaddirIterator>> {
        let Descriptor::Directory(path) = self.descriptor(&fd)?.clone() else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let listed = self.act(FileList { path }, |store, act| async move { store.list(act).await }).await?;
        self.entries(listed.map_err(|error| code(&error))?)
    }

    async fn sync(&mut self, fd: Handle) -> FsResult<()> {
        match self.descriptor(&fd)?.clone() {
            Descriptor::Directory(_) => Ok(()),
            Descriptor::File(file) => self.flush(&file).await,
        }
    }

    async fn create_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        let path = self.resolve(&fd, &path)?;
        if let Some(Ok(_)) = self.seen(&path).await? {
            return Err(ErrorCode::Exist.into());
        }
        let make = FileMakeDir { path, quota: self.quota() };
        match self.act(make, |store, act| async move { store.make_dir(act).await }).await? {
            Err(wit::types::Error::Conflict) => Err(ErrorCode::NotDirectory.into()),
            done => Ok(done.map_err(|error| code(&error))?),
        }
    }

    async fn stat(&mut self, fd: Handle) -> FsResult<DescriptorStat> {
        Ok(match self.descriptor(&fd)? {
            Descriptor::Directory(_) => stat(DescriptorType::Directory, 0),
            Descriptor::File(file) => stat(DescriptorType::RegularFile, file.len() as u64),
        })
    }

    async fn stat_at(&mut self, fd: Handle, _: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let path = self.resolve(&fd, &path)?;
        let entry = match self.seen(&path).await? {
            Some(entry) => entry.map_err(|error| code(&error))?,
            None => return Err(self.denied_reading(&path).await?.into()),
        };
        Ok(stat(kind(&entry), entry.size))
    }

    async fn set_times_at(
        &mut self,
        _: Handle,
        _: PathFlags,
        _: String,
        _: NewTimestamp,
        _: NewTimestamp,
    ) -> FsResult<()> {
        Err(ErrorCode::Unsupported.into())
    }

    async fn link_at(&mut self, _: Handle, _: PathFlags, _: String, _: Handle, _: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn readlink_at(&mut self, fd: Handle, path: String) -> FsResult<String> {
        self.resolve(&fd, &path)?;
        // Whatever is there is no link.
        Err(ErrorCode::Invalid.into())
    }

    async fn remove_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        let path = self.resolve(&fd, &path)?;
        self.remove(path, true).await
    }

    async fn rename_at(&mut self, _: Handle, _: String, _: Handle, _: String) -> FsResult<()> {
        Err(ErrorCode::Unsupported.into())
    }

    async fn symlink_at(&mut self, _: Handle, _: String, _: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn unlink_file_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        let path = self.resolve(&fd, &path)?;
        self.remove(path, false).await
    }

    async fn is_same_object(&mut self, a: Handle, b: Handle) -> wasmtime::Result<bool> {
        Ok(self.look(&a)?.path() == self.look(&b)?.path())
    }

    async fn metadata_hash(&mut self, fd: Handle) -> FsResult<MetadataHashValue> {
        Ok(hash(self.descriptor(&fd)?.path()))
    }

    async fn metadata_hash_at(&mut self, fd: Handle, _: PathFlags, path: String) -> FsResult<MetadataHashValue> {
        // Of the path alone: it says nothing of what is there, and so needs no act.
        Ok(hash(&self.resolve(&fd, &path)?))
    }

    /// Never linked: what is linked is [`Files::close`], which can wait.
    fn drop(&mut self, fd: Handle) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Descriptor>::new_own(fd.rep()))?;
        Ok(())
    }
}
