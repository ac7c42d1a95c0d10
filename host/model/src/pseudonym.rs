//! Stand-ins for values: the port behind the view `token`, and behind the seal of cursors.

use crate::id::{InstallationId, TenantId};

/// Makes values that only this host can make, with a key for each installation, so that two plugins cannot join what they
/// see (DAT-2).
pub trait Pseudonyms: Send + Sync {
    /// 128 bits that depend on the installation, on what they are for, and on the value; nobody without the key can tell them
    /// from chance.
    fn keyed(&self, tenant: &TenantId, installation: &InstallationId, purpose: &str, value: &[u8]) -> [u8; 16];
}
