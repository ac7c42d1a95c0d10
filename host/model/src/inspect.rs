//! The port through which people read what a release's component was found to be.

use async_trait::async_trait;
use serde_json::Value;

use crate::{error::StoreError, id::Digest};

/// Inspects releases that lie in the registry.
#[async_trait]
pub trait Inspects: Send + Sync {
    /// What the component with this digest is, imports and can do, with the install plan of each manifest that it was released
    /// with, as JSON; `None` where the registry has no such component. Derived anew from bytes that have that digest.
    async fn inspected(&self, component: &Digest) -> Result<Option<Value>, StoreError>;
}
