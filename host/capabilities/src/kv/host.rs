//! The host's side of each function in `wit/kv.wit`.

use portcullis_model::kv::{Expected, KvDelete, KvGet, KvList, KvSet};
use portcullis_runtime::{
    gate::HostResult,
    wasmtime::{self, component::Resource},
    wit::types,
};

use super::{Bucket, State, scope::terms, wit};

const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 64 * 1024;
/// 100 years: as long as a scope can say.
const MAX_TTL: u64 = 100 * 366 * 86_400;

fn invalid(what: &str) -> types::Error {
    types::Error::Invalid(what.into())
}

fn key_is_fine(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && !key.chars().any(char::is_control)
}

const KEY_RULE: &str = "key: expected 1 to 256 bytes without control characters";

/// What is wrong with a key, a value and a time.
fn unfit(key: &str, value: &[u8], ttl: Option<u64>) -> Option<&'static str> {
    if !key_is_fine(key) {
        return Some(KEY_RULE);
    }
    if value.len() > MAX_VALUE {
        return Some("value: expected at most 64 KiB");
    }
    let fine = ttl.is_none_or(|ttl| (1..=MAX_TTL).contains(&ttl));
    (!fine).then_some("ttl-seconds: expected 1 to 3162240000 (100 years)")
}

impl State {
    fn name(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<String> {
        Ok(self.buckets.get(bucket)?.0.clone())
    }

    async fn write(
        &mut self,
        bucket: String,
        key: String,
        value: Vec<u8>,
        ttl: Option<u64>,
        expected: Expected,
    ) -> HostResult<()> {
        let (ttl, quota) = terms(self.authority.effective(), ttl);
        let act = KvSet { bucket, key, value, quota, ttl, expected };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.set(spent).await }).await
    }
}

impl wit::Host for State {
    async fn open(&mut self, name: String) -> HostResult<Resource<Bucket>> {
        self.gate.count()?;
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fine) {
            return self.gate.refuse(invalid("name: expected 1 to 64 of a-z 0-9 - _"));
        }
        Ok(self.buckets.push(Bucket(name)).map_err(|_| self.gate.too_many_handles()))
    }
}

impl wit::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<Option<Vec<u8>>> {
        self.gate.count()?;
        if !key_is_fine(&key) {
            return self.gate.refuse(invalid(KEY_RULE));
        }
        let act = KvGet { bucket: self.name(&bucket)?, key };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.get(spent).await }).await
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
        ttl_seconds: Option<u64>,
    ) -> HostResult<()> {
        self.gate.count()?;
        if let Some(what) = unfit(&key, &value, ttl_seconds) {
            return self.gate.refuse(invalid(what));
        }
        self.write(self.name(&bucket)?, key, value, ttl_seconds, Expected::Anything).await
    }

    async fn compare_and_set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_seconds: Option<u64>,
    ) -> HostResult<()> {
        self.gate.count()?;
        if let Some(what) = unfit(&key, &value, ttl_seconds) {
            return self.gate.refuse(invalid(what));
        }
        let bucket = self.name(&bucket)?;
        let read = KvGet { bucket: bucket.clone(), key: key.clone() };
        if !self.authority.covers(&read) {
            // Denied, and recorded, as the reading that it would be: the scope that is missing is `kv:read`.
            let store = self.store.clone();
            let denied = self.gate.act(&self.authority, read, |spent| async move { store.get(spent).await }).await?;
            return Ok(denied.and(Err(types::Error::Unavailable)));
        }
        let expected = expected.map_or(Expected::Nothing, Expected::Value);
        self.write(bucket, key, value, ttl_seconds, expected).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<()> {
        self.gate.count()?;
        if !key_is_fine(&key) {
            return self.gate.refuse(invalid(KEY_RULE));
        }
        let act = KvDelete { bucket: self.name(&bucket)?, key };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.delete(spent).await }).await
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        prefix: String,
        after: Option<String>,
    ) -> HostResult<Vec<String>> {
        self.gate.count()?;
        if prefix.len() > MAX_KEY || after.as_ref().is_some_and(|a| a.len() > MAX_KEY) {
            return self.gate.refuse(invalid("prefix, after: expected at most 256 bytes"));
        }
        let act = KvList { bucket: self.name(&bucket)?, prefix, after };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.list(spent).await }).await
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.buckets.delete(bucket)?;
        Ok(())
    }
}
