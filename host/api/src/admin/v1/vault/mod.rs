//! The stored secrets: how they stand, and new keys for them (INT-5, DAT-6).
//!
//! Invariants: keys and secrets are shown by number and state, never as what they are; both are the platform's alone.

mod rotate;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_broker::{key::file::FileKeys, vault::Vault};
use portcullis_model::people::Resource;

use crate::admin::Group;

/// What the stored secrets are looked after with.
pub struct Ports {
    /// Where they lie.
    pub vault: Arc<Vault>,
    /// The file of the key-encryption key, where it is in one.
    pub file: Option<Arc<FileKeys>>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<status::Get>().with::<rotate::Rotate>()
}

/// What requests are about.
fn resource() -> Resource {
    Resource::of_platform("vault")
}
