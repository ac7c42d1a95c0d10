//! The host's side of each function in `wit/files.wit`.

use portcullis_model::files::{FileEntry, FileList, FileRead, FileRemove, FileWrite, MAX_FILE, Path};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, scope::quota, wit};

fn file(path: &str) -> Result<Path, types::Error> {
    match Path::parse(path).map_err(types::Error::Invalid)? {
        root if root.is_root() => Err(types::Error::Invalid("path: expected a name, not the directory itself".into())),
        path => Ok(path),
    }
}

fn entry(entry: FileEntry) -> wit::Entry {
    wit::Entry { name: entry.name, directory: entry.directory, size: entry.size }
}

impl wit::Host for State {
    async fn read(&mut self, path: String) -> HostResult<Vec<u8>> {
        self.gate.count()?;
        let path = match file(&path) {
            Ok(path) => path,
            Err(error) => return self.gate.refuse(error),
        };
        let store = self.store.clone();
        let read = FileRead { path };
        let got = self.gate.act(&self.authority, read, |spent| async move { store.read(spent).await }).await?;
        Ok(got.map(|content| content.0))
    }

    async fn write(&mut self, path: String, content: Vec<u8>) -> HostResult<()> {
        self.gate.count()?;
        let path = match file(&path) {
            Ok(path) => path,
            Err(error) => return self.gate.refuse(error),
        };
        if content.len() > MAX_FILE {
            return self.gate.refuse(types::Error::Invalid("content: expected at most 4 MiB".into()));
        }
        let write = FileWrite { path, content, quota: quota(self.authority.effective()) };
        let store = self.store.clone();
        self.gate.act(&self.authority, write, |spent| async move { store.write(spent).await }).await
    }

    async fn remove(&mut self, path: String) -> HostResult<()> {
        self.gate.count()?;
        let path = match file(&path) {
            Ok(path) => path,
            Err(error) => return self.gate.refuse(error),
        };
        let store = self.store.clone();
        let remove = FileRemove { path };
        self.gate.act(&self.authority, remove, |spent| async move { store.remove(spent).await }).await
    }

    async fn list(&mut self, path: String) -> HostResult<Vec<wit::Entry>> {
        self.gate.count()?;
        let path = match Path::parse(&path) {
            Ok(path) => path,
            Err(problem) => return self.gate.refuse(types::Error::Invalid(problem)),
        };
        let store = self.store.clone();
        let list = FileList { path };
        let got = self.gate.act(&self.authority, list, |spent| async move { store.list(spent).await }).await?;
        Ok(got.map(|entries| entries.into_iter().map(entry).collect()))
    }
}
