//! The host's side of each function in `wit/kv.wit`.

use portcullis_model::kv::{KvDelete, KvGet, KvList, KvSet};
use portcullis_runtime::{
    gate::HostResult,
    wasmtime::{self, component::Resource},
    wit::types,
};

use super::{Bucket, State, scope::quota, wit};

const MAX_KEY: usize = 256;
const MAX_VALUE: usize = 64 * 1024;

fn invalid<T>(what: &str) -> HostResult<T> {
    Ok(Err(types::Error::Invalid(what.into())))
}

fn key_is_fine(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && !key.chars().any(char::is_control)
}

const KEY_RULE: &str = "key: expected 1 to 256 bytes without control characters";

impl State {
    fn name(&self, bucket: &Resource<Bucket>) -> wasmtime::Result<String> {
        Ok(self.buckets.get(bucket)?.0.clone())
    }
}

impl wit::Host for State {
    async fn open(&mut self, name: String) -> HostResult<Resource<Bucket>> {
        self.gate.count()?;
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(fine) {
            return invalid("name: expected 1 to 64 of a-z 0-9 - _");
        }
        match self.buckets.push(Bucket(name)) {
            Ok(bucket) => Ok(Ok(bucket)),
            Err(_) => Ok(Err(types::Error::Limited(types::Limit {
                name: "kv-handles".into(),
                allowed: super::HANDLES as u64,
                retry_after_ms: None,
            }))),
        }
    }
}

impl wit::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<Option<Vec<u8>>> {
        self.gate.count()?;
        if !key_is_fine(&key) {
            return invalid(KEY_RULE);
        }
        let act = KvGet { bucket: self.name(&bucket)?, key };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.get(spent).await }).await
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> HostResult<()> {
        self.gate.count()?;
        if !key_is_fine(&key) {
            return invalid(KEY_RULE);
        }
        if value.len() > MAX_VALUE {
            return invalid("value: expected at most 64 KiB");
        }
        let quota = quota(self.authority.effective());
        let act = KvSet { bucket: self.name(&bucket)?, key, value, quota };
        let store = self.store.clone();
        self.gate.act(&self.authority, act, |spent| async move { store.set(spent).await }).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> HostResult<()> {
        self.gate.count()?;
        if !key_is_fine(&key) {
            return invalid(KEY_RULE);
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
            return invalid("prefix, after: expected at most 256 bytes");
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
