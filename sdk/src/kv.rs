//! The capability `kv`: a small store of the installation's own, and the only memory that outlives a call.
//!
//! Nobody else can read it, not even the same plugin in another tenant. A bucket's name is 1 to 64 characters of
//! `a-z 0-9 - _`, a key 1 to 256 bytes of text without control characters, a value at most 64 KiB.

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::kv as host;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world kv { import portcullis:plugin/kv@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        generate_all,
    });
}

/// A named set of keys.
#[derive(Debug)]
pub struct Bucket(host::Bucket);

/// Opens a bucket, which need not exist before.
///
/// Scope: any of `kv:*`. Errors: `denied`, `invalid`.
pub fn open(name: &str) -> Result<Bucket, Error> {
    Ok(Bucket(host::open(name)?))
}

impl Bucket {
    /// The value under a key, if there is one.
    ///
    /// Scope: `kv:read`. Errors: `denied`, `invalid`, `unavailable`.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(key)?)
    }

    /// The value under a key as text.
    ///
    /// Scope: `kv:read`. Errors: as [`get`](Self::get), and `invalid` when the value is no UTF-8.
    pub fn get_str(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        String::from_utf8(value).map(Some).map_err(|_| Error::invalid("kv: the value is no text"))
    }

    /// The value under a key, read from JSON.
    ///
    /// Scope: `kv:read`. Errors: as [`get`](Self::get), and `invalid` when the value has another shape.
    pub fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&value)?))
    }

    /// Sets the value under a key, at most 64 KiB. It is kept for as long as the grant allows: without a `ttl<=` in it, until
    /// it is removed.
    ///
    /// Scope: `kv:write bytes=...`, which bounds all values and keys of the installation together.
    /// Errors: `denied`, `invalid`, `limited` (`kv-bytes`), `unavailable`.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(self.0.set(key, value.as_ref(), None)?)
    }

    /// Sets the value under a key for so long: after that it is gone. Whole seconds; a part of one counts as one.
    ///
    /// Scope: `kv:write bytes=... ttl<=...` that covers the time. Errors: as [`set`](Self::set).
    pub fn set_for(&self, key: &str, value: impl AsRef<[u8]>, ttl: Duration) -> Result<(), Error> {
        Ok(self.0.set(key, value.as_ref(), Some(seconds(ttl)))?)
    }

    /// Sets the value where the one that is there is `expected` (`None`: where there is none), for so long (`None`: for as long
    /// as the grant allows). One step: of two calls that expect the same value only one succeeds.
    ///
    /// ```
    /// # use portcullis_sdk::{kv, testing::Host, Error};
    /// # let host = Host::new().grant("kv:read").grant("kv:write bytes=1KiB");
    /// # host.run(|| {
    /// let bucket = kv::open("counters")?;
    /// loop {
    ///     let old = bucket.get("seen")?;
    ///     let count: u64 = old.as_deref().map(serde_json::from_slice).transpose()?.unwrap_or(0);
    ///     match bucket.compare_and_set("seen", old.as_deref(), (count + 1).to_string(), None) {
    ///         Err(Error::Conflict) => continue, // another call was faster: look again
    ///         done => break done,
    ///     }
    /// }
    /// # }).unwrap();
    /// # assert_eq!(host.kv("counters", "seen"), Some(b"1".to_vec()));
    /// ```
    ///
    /// Scope: `kv:write` and `kv:read`. Errors: as [`set`](Self::set), and `conflict` where another value is there.
    pub fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        Ok(self.0.compare_and_set(key, expected, value.as_ref(), ttl.map(seconds))?)
    }

    /// Sets the value under a key to JSON.
    ///
    /// Scope and errors: as [`set`](Self::set), and `invalid` when the value cannot be JSON.
    pub fn set_json(&self, key: &str, value: &impl Serialize) -> Result<(), Error> {
        self.set(key, serde_json::to_vec(value)?)
    }

    /// Removes a key; one that is not there is no error.
    ///
    /// Scope: `kv:write`. Errors: `denied`, `invalid`, `unavailable`.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        Ok(self.0.delete(key)?)
    }

    /// Keys that begin with `prefix` and come after `after`, in order, at most 100.
    ///
    /// Scope: `kv:read`. Errors: `denied`, `invalid`, `unavailable`.
    pub fn list_keys(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, Error> {
        Ok(self.0.list_keys(prefix, after)?)
    }
}

fn seconds(ttl: Duration) -> u64 {
    ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0))
}
