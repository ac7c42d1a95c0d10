//! What descriptors do, through the gate.

use portcullis_model::files::{FileEntry, FileRead, FileRemove, FileStat, FileWrite, Path};
use portcullis_runtime::{
    wasmtime::{self, component::Resource},
    wasmtime_wasi::p2::{
        DynOutputStream, FsError, FsResult,
        bindings::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags},
    },
    wit,
};

use super::{Files, Handle, code, descriptor::Descriptor, open_file::OpenFile, paths::resolve, streams::Output};
use crate::files::scope::quota;

type Answer<T> = Result<T, wit::types::Error>;

/// The acts, each with its own errors as the gate gives them.
impl Files<'_> {
    /// Hands a descriptor out.
    pub fn open(&mut self, descriptor: Descriptor) -> wasmtime::Result<Handle> {
        let pushed = self.table.push(descriptor)?;
        Ok(Handle::new_own(pushed.rep()))
    }

    pub fn look(&self, fd: &Handle) -> wasmtime::Result<&Descriptor> {
        Ok(self.table.get(&Resource::new_borrow(fd.rep()))?)
    }

    pub fn descriptor(&self, fd: &Handle) -> FsResult<&Descriptor> {
        self.look(fd).map_err(FsError::trap)
    }

    pub fn file(&self, fd: &Handle) -> FsResult<OpenFile> {
        match self.descriptor(fd)? {
            Descriptor::File(file) => Ok(file.clone()),
            Descriptor::Directory(_) => Err(ErrorCode::IsDirectory.into()),
        }
    }

    pub fn resolve(&self, fd: &Handle, path: &str) -> FsResult<Path> {
        match self.descriptor(fd)? {
            Descriptor::Directory(from) => Ok(resolve(from, path)?),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    pub fn quota(&self) -> u64 {
        quota(self.state.authority.effective())
    }

    async fn stat_entry(&mut self, path: &Path) -> FsResult<Answer<FileEntry>> {
        self.act(FileStat { path: path.clone() }, |store, act| async move { store.stat(act).await }).await
    }

    /// What is there, for those who would have it in any case: `None` where the grant does not let the plugin see.
    pub async fn seen(&mut self, path: &Path) -> FsResult<Option<Answer<FileEntry>>> {
        if path.is_root() {
            return Ok(Some(Ok(FileEntry { name: String::new(), directory: true, size: 0 })));
        }
        match self.state.authority.covers(&FileStat { path: path.clone() }) {
            true => self.stat_entry(path).await.map(Some),
            false => Ok(None),
        }
    }

    async fn content(&mut self, path: &Path) -> FsResult<Answer<Vec<u8>>> {
        let read = FileRead { path: path.clone() };
        let got = self.act(read, |store, act| async move { store.read(act).await }).await?;
        Ok(got.map(|content| content.0))
    }

    async fn store(&mut self, path: &Path, content: Vec<u8>) -> FsResult<()> {
        let write = FileWrite { path: path.clone(), content, quota: self.quota() };
        match self.act(write, |store, act| async move { store.write(act).await }).await? {
            Err(wit::types::Error::Conflict) => Err(ErrorCode::IsDirectory.into()),
            done => Ok(done.map_err(|error| code(&error))?),
        }
    }

    /// Writes a file, if there is anything to write.
    pub async fn flush(&mut self, file: &OpenFile) -> FsResult<()> {
        let Some(content) = file.take_dirty() else { return Ok(()) };
        let stored = self.store(&file.path, content).await;
        if stored.is_err() {
            file.still_dirty();
        }
        stored
    }

    /// Refuses at opening what would be refused at writing. The refusal is recorded.
    async fn may_write(&mut self, path: &Path) -> FsResult<()> {
        let write = FileWrite { path: path.clone(), content: Vec::new(), quota: self.quota() };
        match self.state.authority.covers(&write) {
            true => Ok(()),
            false => self.store(path, Vec::new()).await,
        }
    }

    /// The content that a file begins with when it is opened, and whether that is not what lies there.
    async fn begin(&mut self, path: &Path, open: OpenFlags) -> FsResult<(Vec<u8>, bool)> {
        let (create, exclusive) = (open.contains(OpenFlags::CREATE), open.contains(OpenFlags::EXCLUSIVE));
        if create && (exclusive || open.contains(OpenFlags::TRUNCATE)) {
            return match self.seen(path).await? {
                Some(Ok(_)) if exclusive => Err(ErrorCode::Exist.into()),
                Some(Ok(entry)) if entry.directory => Err(ErrorCode::IsDirectory.into()),
                None if exclusive => Err(self.denied_reading(path).await?.into()),
                Some(Err(error)) if !matches!(error, wit::types::Error::NotFound) => Err(code(&error).into()),
                _ => Ok((Vec::new(), true)),
            };
        }
        match self.content(path).await? {
            Ok(_) if open.contains(OpenFlags::TRUNCATE) => Ok((Vec::new(), true)),
            Ok(content) => Ok((content, false)),
            Err(wit::types::Error::NotFound) if create => Ok((Vec::new(), true)),
            Err(wit::types::Error::Invalid(_)) => Err(ErrorCode::IsDirectory.into()),
            Err(error) => Err(code(&error).into()),
        }
    }

    /// Has the reading that is not granted denied, and so recorded.
    pub async fn denied_reading(&mut self, path: &Path) -> FsResult<ErrorCode> {
        let answer = self.stat_entry(path).await?;
        Ok(answer.err().map_or(ErrorCode::Access, |error| code(&error)))
    }

    pub async fn open_file(&mut self, path: Path, open: OpenFlags, flags: DescriptorFlags) -> FsResult<Descriptor> {
        let writes = flags.contains(DescriptorFlags::WRITE);
        if open.contains(OpenFlags::TRUNCATE) && !writes {
            return Err(ErrorCode::Invalid.into());
        }
        if writes || open.contains(OpenFlags::CREATE) {
            self.may_write(&path).await?;
        }
        let (content, new) = self.begin(&path, open).await?;
        let quota = self.quota();
        Ok(Descriptor::File(OpenFile::new(&self.state.room, path, flags, content, quota, new)?))
    }

    /// Removes what is there, if it is of this sort.
    pub async fn remove(&mut self, path: Path, directory: bool) -> FsResult<()> {
        match self.seen(&path).await? {
            _ if path.is_root() => return Err(ErrorCode::NotPermitted.into()),
            Some(Ok(entry)) if entry.directory && !directory => return Err(ErrorCode::IsDirectory.into()),
            Some(Ok(entry)) if !entry.directory && directory => return Err(ErrorCode::NotDirectory.into()),
            Some(Err(error)) => return Err(code(&error).into()),
            Some(Ok(_)) | None => {}
        }
        match self.act(FileRemove { path }, |store, act| async move { store.remove(act).await }).await? {
            Err(wit::types::Error::Conflict) => Err(ErrorCode::NotEmpty.into()),
            done => Ok(done.map_err(|error| code(&error))?),
        }
    }

    pub fn output(&mut self, fd: &Handle, at: Option<u64>) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(fd)?;
        if !file.flags.contains(DescriptorFlags::WRITE) {
            return Err(ErrorCode::BadDescriptor.into());
        }
        let stream: DynOutputStream = Box::new(Output { file, at });
        self.table.push(stream).map_err(FsError::trap)
    }

    /// Closes a descriptor: a file that was written to is written. Where that fails nobody can be told but the log's readers.
    pub async fn close(&mut self, fd: &Handle) -> wasmtime::Result<()> {
        let Descriptor::File(file) = self.table.delete(Resource::new_own(fd.rep()))? else { return Ok(()) };
        let flushed = self.flush(&file).await;
        file.close();
        if let Err(error) = flushed {
            let (code, depth) = (error.downcast()?, file.path.parts().len());
            self.state
                .gate
                .log("warn", &format!("a file at depth {depth} was not written when it was closed: {}", code.name()));
        }
        Ok(())
    }
}
