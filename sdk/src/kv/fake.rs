//! The store of plain tests: a map that keeps the real host's rules.

use std::collections::BTreeMap;

use crate::Limit;
use crate::testing::{Host, Need, print_bytes, with_host};
use crate::types::WitError;

const VALUE_BYTES: usize = 64 * 1024;
const MOST_SECONDS: u64 = 100 * 366 * 86_400;
const PAGE: usize = 100;

#[derive(Default)]
struct Store(BTreeMap<(String, String), Kept>);

struct Kept {
    value: Vec<u8>,
    /// From when on it is gone.
    until: Option<u64>,
}

impl Store {
    /// What is there now: whatever is over is removed first.
    fn now(&mut self, now: u64) -> &mut BTreeMap<(String, String), Kept> {
        self.0.retain(|_, kept| kept.until.is_none_or(|until| now < until));
        &mut self.0
    }
}

impl Host {
    /// Puts a value into the installation's store.
    pub fn with_kv(self, bucket: &str, key: &str, value: impl AsRef<[u8]>) -> Self {
        let kept = Kept { value: value.as_ref().to_vec(), until: None };
        self.part(|store: &mut Store| store.0.insert((bucket.to_owned(), key.to_owned()), kept));
        self
    }

    /// What lies under a key now.
    pub fn kv(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let place = (bucket.to_owned(), key.to_owned());
        let (now, _) = self.time();
        self.part(|store: &mut Store| store.now(now).get(&place).map(|kept| kept.value.clone()))
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

    pub(super) fn set(&self, key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), WitError> {
        check_write(key, value, ttl)?;
        with_host(|host| self.write(host, key, value, ttl))
    }

    pub(super) fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Option<u64>,
    ) -> Result<(), WitError> {
        check_write(key, value, ttl)?;
        with_host(|host| {
            host.require("kv:read", &[])?;
            if host.has("kv:write") && host.kv(&self.0, key).as_deref() != expected {
                return Err(WitError::Conflict);
            }
            self.write(host, key, value, ttl)
        })
    }

    fn write(&self, host: &Host, key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), WitError> {
        host.require("kv:write", &[])?;
        let (ttl, allowed) = terms(host, ttl)?;
        let (now, _) = host.time();
        host.part(|store: &mut Store| {
            let place = (self.0.clone(), key.to_owned());
            let store = store.now(now);
            let others = store.iter().filter(|(other, _)| **other != place);
            let used: usize = others.map(|((_, key), kept)| key.len() + kept.value.len()).sum();
            if (used + key.len() + value.len()) as u64 > allowed {
                let name = "kv-bytes".to_owned();
                return Err(WitError::Limited(Limit { name, allowed, retry_after_ms: None }));
            }
            let until = ttl.map(|seconds| now.saturating_add(seconds.saturating_mul(1000)));
            store.insert(place, Kept { value: value.to_vec(), until });
            Ok(())
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
            let (now, _) = host.time();
            host.part(|store: &mut Store| {
                let keys = store.now(now).keys().filter(|(bucket, _)| *bucket == self.0).map(|(_, key)| key);
                let later = keys.filter(|key| after.is_none_or(|after| key.as_str() > after));
                let wanted = later.filter(|key| key.starts_with(prefix));
                Ok(wanted.take(PAGE).cloned().collect())
            })
        })
    }
}

/// For how long a value is kept, and the quota of a scope that covers that.
fn terms(host: &Host, asked: Option<u64>) -> Result<(Option<u64>, u64), WitError> {
    let granted = host.bounds("kv:write");
    let longest = if granted.iter().any(|(_, most)| most.is_none()) {
        None
    } else {
        granted.iter().filter_map(|(_, most)| *most).max()
    };
    let ttl = asked.or(longest);
    let within = |most: Option<u64>| most.is_none_or(|most| ttl.is_some_and(|ttl| ttl <= most));
    match granted.iter().filter(|(_, most)| within(*most)).map(|(bytes, _)| *bytes).max() {
        Some(bytes) => Ok((ttl, bytes)),
        None => {
            let most = granted.iter().map(|(bytes, _)| *bytes).max().unwrap_or(1);
            let (bytes, time) = (print_bytes(most), format!("{}s", ttl.unwrap_or_default()));
            let needs = [Need { key: "bytes", value: &bytes }, Need { key: "ttl<", value: &time }];
            Err(host.deny("kv:write", &needs, Some(format!("keeping a value for {time} is not granted"))))
        }
    }
}

fn check_write(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), WitError> {
    check(key)?;
    if value.len() > VALUE_BYTES {
        return Err(WitError::Invalid("value: at most 64 KiB".to_owned()));
    }
    if ttl.is_some_and(|ttl| !(1..=MOST_SECONDS).contains(&ttl)) {
        return Err(WitError::Invalid("ttl-seconds: 1 to 3162240000 (100 years)".to_owned()));
    }
    Ok(())
}

fn check(key: &str) -> Result<(), WitError> {
    if key.is_empty() || key.len() > 256 || key.chars().any(char::is_control) {
        return Err(WitError::Invalid("key: 1 to 256 bytes without control characters".to_owned()));
    }
    Ok(())
}
