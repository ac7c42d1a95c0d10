//! The store of plain tests: a map that keeps the real host's rules.

use std::collections::BTreeMap;

use crate::Limit;
use crate::testing::{Host, with_host};
use crate::types::WitError;

const VALUE_BYTES: usize = 64 * 1024;
const PAGE: usize = 100;

#[derive(Default)]
struct Store(BTreeMap<(String, String), Vec<u8>>);

impl Host {
    /// Puts a value into the installation's store.
    pub fn with_kv(self, bucket: &str, key: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref().to_vec();
        self.part(|store: &mut Store| store.0.insert((bucket.to_owned(), key.to_owned()), value));
        self
    }

    /// What lies under a key now.
    pub fn kv(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.part(|store: &mut Store| store.0.get(&(bucket.to_owned(), key.to_owned())).cloned())
    }
}

#[derive(Debug)]
pub(super) struct Bucket(String);

pub(super) fn open(name: &str) -> Result<Bucket, WitError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        return Err(WitError::Invalid("name: 1 to 64 characters of a-z 0-9 - _".to_owned()));
    }
    with_host(|host| {
        if host.has("kv:write") {
            return Ok(());
        }
        host.require("kv:read", &[])
    })?;
    Ok(Bucket(name.to_owned()))
}

impl Bucket {
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, WitError> {
        check(key)?;
        with_host(|host| {
            host.require("kv:read", &[])?;
            Ok(host.kv(&self.0, key))
        })
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Result<(), WitError> {
        check(key)?;
        if value.len() > VALUE_BYTES {
            return Err(WitError::Invalid("value: at most 64 KiB".to_owned()));
        }
        with_host(|host| {
            host.require("kv:write", &[])?;
            let allowed = host.greatest("kv:write", "bytes");
            host.part(|store: &mut Store| {
                let place = (self.0.clone(), key.to_owned());
                let others = store.0.iter().filter(|(other, _)| **other != place);
                let used: usize = others.map(|((_, key), value)| key.len() + value.len()).sum();
                if (used + key.len() + value.len()) as u64 > allowed {
                    return Err(WitError::Limited(Limit {
                        name: "kv-bytes".to_owned(),
                        allowed,
                        retry_after_ms: None,
                    }));
                }
                store.0.insert(place, value.to_vec());
                Ok(())
            })
        })
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), WitError> {
        check(key)?;
        with_host(|host| {
            host.require("kv:write", &[])?;
            host.part(|store: &mut Store| store.0.remove(&(self.0.clone(), key.to_owned())));
            Ok(())
        })
    }

    pub(super) fn list_keys(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, WitError> {
        with_host(|host| {
            host.require("kv:read", &[])?;
            host.part(|store: &mut Store| {
                let keys = store.0.keys().filter(|(bucket, _)| *bucket == self.0).map(|(_, key)| key);
                let later = keys.filter(|key| after.is_none_or(|after| key.as_str() > after));
                let wanted = later.filter(|key| key.starts_with(prefix));
                Ok(wanted.take(PAGE).cloned().collect())
            })
        })
    }
}

fn check(key: &str) -> Result<(), WitError> {
    if key.is_empty() || key.len() > 256 || key.chars().any(char::is_control) {
        return Err(WitError::Invalid("key: 1 to 256 bytes without control characters".to_owned()));
    }
    Ok(())
}
