//! All of an installation's directory at once: to hand it over, and to remove it.
//!
//! Invariant: links are never followed; what no plugin can make is removed with the rest, and never handed over.

use std::io::{self, Read as _};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, OpenOptions};
use portcullis_model::{
    error::ServiceError,
    files::{MAX_FILE, MAX_PARTS},
    id::{InstallationId, TenantId},
};

use super::{Owner, PoisonError, PrivateDirs, place};

/// Files and their size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What is done with each file: its path below the directory, and what is in it.
type Visit<'a> = &'a mut dyn FnMut(&str, Vec<u8>) -> io::Result<()>;

type Done<T> = Result<T, ServiceError>;

fn failed(what: &'static str) -> impl Fn(io::Error) -> ServiceError {
    move |error| ServiceError::Unavailable(format!("files: cannot {what}: {error}"))
}

impl PrivateDirs {
    /// Hands over every file of an installation, with its path. For use off the async threads.
    pub fn visit(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        visit: Visit<'_>,
    ) -> Result<(), ServiceError> {
        self.alone(tenant, installation, |own| match own {
            Some(own) => walk(&own, "", 1, visit),
            None => Ok(()),
        })
    }

    /// Removes those files of an installation that this says yes to, by path and content, and directories of such names that are empty
    /// then. For use off the async threads.
    pub fn remove_where(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        is_meant: &dyn Fn(&str, &[u8]) -> bool,
    ) -> Result<Removed, ServiceError> {
        self.alone(tenant, installation, |own| {
            let mut removed = Removed::default();
            if let Some(own) = own {
                prune(&own, "", 1, is_meant, &mut removed)?;
            }
            Ok(removed)
        })
    }

    /// Removes an installation's directory. For use off the async threads.
    pub fn remove_all(&self, tenant: &TenantId, installation: &InstallationId) -> Result<Removed, ServiceError> {
        self.alone(tenant, installation, |data| {
            let mut removed = Removed::default();
            if let Some(data) = data {
                count(&data, 1, &mut removed)?;
            }
            let Some(parent) = enter(&self.root, tenant.as_str())? else { return Ok(removed) };
            match parent.remove_dir_all(installation.as_str()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove a directory")(error)),
                _ => Ok(removed),
            }
        })
    }

    /// Removes all that there is of a tenant, whose installations are gone. For use off the async threads.
    pub fn remove_tenant(&self, tenant: &TenantId) -> Result<(), ServiceError> {
        match self.root.remove_dir_all(tenant.as_str()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove a directory")(error)),
            _ => Ok(()),
        }
    }

    /// Works on an installation's directory with its lock held; what it uses is counted anew after it.
    fn alone<T>(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        work: impl FnOnce(Option<Dir>) -> Done<T>,
    ) -> Done<T> {
        if installation.as_str().bytes().all(|b| b == b'.') {
            return Err(ServiceError::Unavailable("files: an installation's id is no name for a directory".into()));
        }
        let known = self.known(&Owner { tenant: tenant.clone(), installation: installation.clone() });
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = None;
        let mut dir = enter(&self.root, tenant.as_str())?;
        for name in [installation.as_str(), place::DATA] {
            dir = match dir {
                Some(parent) => enter(&parent, name)?,
                None => None,
            };
        }
        work(dir)
    }
}

/// The directory of this name, where there is one.
fn enter(dir: &Dir, name: &str) -> Done<Option<Dir>> {
    match place::look(dir, name)? {
        place::Found::Directory => place::enter(dir, name).map(Some),
        _ => Ok(None),
    }
}

fn walk(dir: &Dir, path: &str, depth: usize, visit: Visit<'_>) -> Done<()> {
    for entry in dir.entries().map_err(failed("read a directory"))? {
        let entry = entry.map_err(failed("read a directory"))?;
        let name = entry.file_name().into_string().map_err(|_| place::planted("an installation"))?;
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        match place::look(dir, &name)? {
            place::Found::Nothing => {}
            place::Found::File(_) => {
                visit(&below, content(dir, &name)?).map_err(failed("hand over a file"))?;
            }
            place::Found::Directory if depth == MAX_PARTS => return Err(place::planted("an installation")),
            place::Found::Directory => walk(&place::enter(dir, &name)?, &below, depth + 1, visit)?,
        }
    }
    Ok(())
}

/// What of a file is read.
fn content(dir: &Dir, name: &str) -> Done<Vec<u8>> {
    let file = dir.open_with(name, OpenOptions::new().read(true).follow(FollowSymlinks::No));
    let mut content = Vec::new();
    let mut file = file.map_err(failed("open a file"))?.take(MAX_FILE as u64);
    file.read_to_end(&mut content).map_err(failed("read a file"))?;
    Ok(content)
}

fn prune(
    dir: &Dir,
    path: &str,
    depth: usize,
    is_meant: &dyn Fn(&str, &[u8]) -> bool,
    removed: &mut Removed,
) -> Done<()> {
    for entry in dir.entries().map_err(failed("read a directory"))? {
        let entry = entry.map_err(failed("read a directory"))?;
        let name = entry.file_name().into_string().map_err(|_| place::planted("an installation"))?;
        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
        match place::look(dir, &name)? {
            place::Found::Nothing => {}
            place::Found::File(_) => {
                let content = content(dir, &name)?;
                if is_meant(&below, &content) {
                    dir.remove_file(&name).map_err(failed("remove a file"))?;
                    removed.files += 1;
                    removed.bytes += content.len() as u64;
                }
            }
            place::Found::Directory if depth == MAX_PARTS => return Err(place::planted("an installation")),
            place::Found::Directory => {
                prune(&place::enter(dir, &name)?, &below, depth + 1, is_meant, removed)?;
                if is_meant(&below, b"") {
                    // One that is not empty stays.
                    dir.remove_dir(&name).or_else(|error| match error.kind() {
                        io::ErrorKind::DirectoryNotEmpty => Ok(()),
                        _ => Err(failed("remove a directory")(error)),
                    })?;
                }
            }
        }
    }
    Ok(())
}

fn count(dir: &Dir, depth: usize, removed: &mut Removed) -> Done<()> {
    for entry in dir.entries().map_err(failed("read a directory"))? {
        let entry = entry.map_err(failed("read a directory"))?;
        let meta = entry.metadata().map_err(failed("look at a file"))?;
        match entry.file_name().into_string() {
            Ok(name) if meta.is_dir() && depth <= MAX_PARTS => count(&place::enter(dir, &name)?, depth + 1, removed)?,
            _ => {
                removed.files += 1;
                removed.bytes += meta.len();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    #[test]
    fn all_of_one_is_handed_over_and_removed_and_nothing_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = PrivateDirs::open(dir.path()).unwrap();
        let (tenant, one, other): (TenantId, InstallationId, InstallationId) =
            ("acme".parse().unwrap(), "ins_1".parse().unwrap(), "ins_2".parse().unwrap());
        for (id, name, text) in [("ins_1", "a", "1"), ("ins_1", "deep/er/b", "22"), ("ins_2", "c", "333")] {
            let path = dir.path().join("acme").join(id).join("data").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let seen = |id: &InstallationId| {
            let mut seen = BTreeMap::new();
            let visited = dirs.visit(&tenant, id, &mut |path, content| {
                seen.insert(path.to_owned(), content);
                Ok(())
            });
            visited.map(|()| seen)
        };
        let found = seen(&one).unwrap();
        assert_eq!(found, BTreeMap::from([("a".into(), b"1".to_vec()), ("deep/er/b".into(), b"22".to_vec())]));

        #[cfg(unix)]
        {
            let planted = dir.path().join("acme/ins_1/data/link");
            std::os::unix::fs::symlink(dir.path().join("acme/ins_2/data"), &planted).unwrap();
            assert!(seen(&one).is_err(), "a link is never followed");
        }
        let removed = dirs.remove_all(&tenant, &one).unwrap();
        assert!(removed.files >= 2 && removed.bytes >= 3, "{removed:?}");
        assert!(!dir.path().join("acme/ins_1").exists());
        assert_eq!(seen(&other).unwrap().len(), 1, "what the link led to is there");
        assert_eq!(dirs.remove_all(&tenant, &one).unwrap(), Removed::default(), "again is no error");
        assert!(seen(&one).unwrap().is_empty());
    }
}
