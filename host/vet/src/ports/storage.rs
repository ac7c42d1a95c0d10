//! The recorder as the plugin's own storage: what one call writes, it can read again, and no other call can.

use async_trait::async_trait;
use portcullis_model::{
    error::ServiceError,
    files::{Content, FileEntry, FileList, FileMakeDir, FileRead, FileRemove, FileStat, FileStore, FileWrite},
    kv::{Expected, KvDelete, KvGet, KvList, KvSet, KvStore},
    permit::Spent,
};

use super::Recording;
use crate::stage::Inner;

/// The most keys of one page.
const PAGE: usize = 100;
/// What a directory takes of the quota, in bytes.
const DIRECTORY: usize = 4_096;

#[async_trait]
impl KvStore for Recording {
    async fn get(&self, act: Spent<KvGet>) -> Result<Option<Vec<u8>>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let KvGet { bucket, key } = act.into_act();
        let mut inner = stage.inner();
        let value = inner.kept.get(&(bucket, key)).cloned();
        if let Some(text) = value.as_deref().and_then(|value| std::str::from_utf8(value).ok()) {
            inner.known.hear("kv.get value", text);
        }
        Ok(value)
    }

    async fn set(&self, act: Spent<KvSet>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let KvSet { bucket, key, value, quota, expected, .. } = act.into_act();
        let mut inner = stage.inner();
        let place = (bucket, key);
        let there = inner.kept.get(&place);
        let as_expected = match &expected {
            Expected::Anything => true,
            Expected::Nothing => there.is_none(),
            Expected::Value(wanted) => there == Some(wanted),
        };
        if !as_expected {
            return Err(ServiceError::Conflict);
        }
        let others = inner.kept.iter().filter(|(other, _)| **other != place);
        let used: usize = others.map(|((_, key), value)| key.len() + value.len()).sum();
        if (used + place.1.len() + value.len()) as u64 > quota {
            return Err(ServiceError::limited("kv-bytes", quota));
        }
        inner.kept.insert(place, value);
        Ok(())
    }

    async fn delete(&self, act: Spent<KvDelete>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let KvDelete { bucket, key } = act.into_act();
        stage.inner().kept.remove(&(bucket, key));
        Ok(())
    }

    async fn list(&self, act: Spent<KvList>) -> Result<Vec<String>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let act = act.act();
        let inner = stage.inner();
        let keys = inner.kept.keys().filter(|(bucket, _)| *bucket == act.bucket).map(|(_, key)| key);
        let wanted =
            |key: &&String| key.starts_with(&act.prefix) && act.after.as_ref().is_none_or(|after| *key > after);
        Ok(keys.filter(wanted).take(PAGE).cloned().collect())
    }
}

fn invalid<T>(what: &str) -> Result<T, ServiceError> {
    Err(ServiceError::Invalid(what.to_owned()))
}

/// What is at a path: nothing, a directory, or a file.
fn at<'i>(inner: &'i Inner, path: &[String]) -> Option<&'i Option<Vec<u8>>> {
    const ROOT: &Option<Vec<u8>> = &None;
    if path.is_empty() { Some(ROOT) } else { inner.files.get(path) }
}

/// Makes the directories before a path. `Conflict` where a file stands in the way.
fn make_parents(inner: &mut Inner, path: &[String]) -> Result<(), ServiceError> {
    for end in 1..path.len() {
        if inner.files.entry(path[..end].to_vec()).or_insert(None).is_some() {
            return Err(ServiceError::Conflict);
        }
    }
    Ok(())
}

fn room(inner: &Inner, path: &[String], more: usize, quota: u64) -> Result<(), ServiceError> {
    let others = inner.files.iter().filter(|(other, _)| other.as_slice() != path);
    let used: usize = others.map(|(_, file)| file.as_ref().map_or(DIRECTORY, Vec::len)).sum();
    if (used + more) as u64 > quota { Err(ServiceError::limited("files-bytes", quota)) } else { Ok(()) }
}

#[async_trait]
impl FileStore for Recording {
    async fn read(&self, act: Spent<FileRead>) -> Result<Content, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        match at(&stage.inner(), act.act().path.parts()) {
            None => Err(ServiceError::NotFound),
            Some(None) => invalid("path: a directory"),
            Some(Some(content)) => Ok(Content(content.clone())),
        }
    }

    async fn write(&self, act: Spent<FileWrite>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let FileWrite { path, content, quota } = act.into_act();
        let mut inner = stage.inner();
        if path.is_root() || matches!(at(&inner, path.parts()), Some(None)) {
            return Err(ServiceError::Conflict);
        }
        room(&inner, path.parts(), content.len(), quota)?;
        make_parents(&mut inner, path.parts())?;
        inner.files.insert(path.parts().to_vec(), Some(content));
        Ok(())
    }

    async fn make_dir(&self, act: Spent<FileMakeDir>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let FileMakeDir { path, quota } = act.into_act();
        let mut inner = stage.inner();
        match at(&inner, path.parts()) {
            Some(None) => return Ok(()),
            Some(Some(_)) => return Err(ServiceError::Conflict),
            None => {}
        }
        room(&inner, path.parts(), DIRECTORY, quota)?;
        make_parents(&mut inner, path.parts())?;
        inner.files.insert(path.parts().to_vec(), None);
        Ok(())
    }

    async fn remove(&self, act: Spent<FileRemove>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let path = act.act().path.parts();
        let mut inner = stage.inner();
        if inner.files.keys().any(|other| other.len() > path.len() && other.starts_with(path)) {
            return Err(ServiceError::Conflict);
        }
        inner.files.remove(path);
        Ok(())
    }

    async fn list(&self, act: Spent<FileList>) -> Result<Vec<FileEntry>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let path = act.act().path.parts();
        let inner = stage.inner();
        match at(&inner, path) {
            None => return Err(ServiceError::NotFound),
            Some(Some(_)) => return invalid("path: a file"),
            Some(None) => {}
        }
        let below = inner.files.iter().filter(|(other, _)| other.len() == path.len() + 1 && other.starts_with(path));
        Ok(below.filter_map(|(path, file)| entry(path, file)).collect())
    }

    async fn stat(&self, act: Spent<FileStat>) -> Result<FileEntry, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let path = act.act().path.parts();
        let inner = stage.inner();
        let root = || FileEntry { name: String::new(), directory: true, size: 0 };
        let found = at(&inner, path).map(|file| entry(path, file).unwrap_or_else(root));
        found.ok_or(ServiceError::NotFound)
    }
}

fn entry(path: &[String], file: &Option<Vec<u8>>) -> Option<FileEntry> {
    let size = file.as_ref().map_or(0, |content| content.len() as u64);
    Some(FileEntry { name: path.last()?.clone(), directory: file.is_none(), size })
}
