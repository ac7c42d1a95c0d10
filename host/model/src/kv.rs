//! The installation's own storage: acts and the port.
//!
//! Invariants: an operation reaches only the rows of the spent permit's own tenant and installation; a value whose time is over is
//! as good as not there, and is disposed of.

use async_trait::async_trait;

use crate::{
    error::ServiceError,
    permit::{Act, Effect, Spent},
};

/// Read one value.
#[derive(Clone, Debug)]
pub struct KvGet {
    /// In which bucket.
    pub bucket: String,
    /// Under which key.
    pub key: String,
}

/// Write one value.
#[derive(Clone, Debug)]
pub struct KvSet {
    /// In which bucket.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// At most 64 KiB.
    pub value: Vec<u8>,
    /// What all keys and values of the installation may take together, in bytes.
    pub quota: u64,
    /// For how many seconds it is kept; `None`: until it is removed.
    pub ttl: Option<u64>,
    /// Which value must be there for this to happen.
    pub expected: Expected,
}

/// A condition on the value that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// None: whatever is there is replaced.
    #[default]
    Anything,
    /// Nothing may be there.
    Nothing,
    /// Just this value.
    Value(Vec<u8>),
}

/// Remove one value.
#[derive(Clone, Debug)]
pub struct KvDelete {
    /// In which bucket.
    pub bucket: String,
    /// Under which key.
    pub key: String,
}

/// List up to 100 keys.
#[derive(Clone, Debug)]
pub struct KvList {
    /// In which bucket.
    pub bucket: String,
    /// That begin with this.
    pub prefix: String,
    /// And come after this.
    pub after: Option<String>,
}

macro_rules! acts {
    ($($act:ident, $name:literal;)*) => {$(
        impl Act for $act {
            const NAME: &'static str = $name;
            fn resource(&self) -> String { format!("bucket:{}", self.bucket) }
        }
    )*};
}

acts! {
    KvGet, "kv.get";
    KvSet, "kv.set";
    KvDelete, "kv.delete";
    KvList, "kv.list-keys";
}

impl Effect for Option<Vec<u8>> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("bytes", self.as_ref().map_or(0, Vec::len) as u64)]
    }
}

impl Effect for Vec<String> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("keys", self.len() as u64)]
    }
}

/// A store of small values.
#[async_trait]
pub trait KvStore: Send + Sync {
    /// Reads.
    async fn get(&self, act: Spent<KvGet>) -> Result<Option<Vec<u8>>, ServiceError>;

    /// Writes. `Limited` (`kv-bytes`) where the quota would be passed, `Conflict` where another value is there than was
    /// expected; nothing is written then.
    async fn set(&self, act: Spent<KvSet>) -> Result<(), ServiceError>;

    /// Removes.
    async fn delete(&self, act: Spent<KvDelete>) -> Result<(), ServiceError>;

    /// Lists, in byte order.
    async fn list(&self, act: Spent<KvList>) -> Result<Vec<String>, ServiceError>;
}
