//! The log itself, for the operations about it: what shows that it is what it was, who looks after it, and what is taken along of it.
//!
//! Invariant: whoever asks, over the network or at the terminal, is answered from the same files and by the same rules; what is not
//! published yet is not proved and not disposed of.

mod about;
mod bundle;
mod kept;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_api::admin::v1::log::{LogError, Ports};

pub(crate) use self::{about::About, bundle::put_together, shown::keys};
use crate::{host::Host, reading::LogReader};

/// What the operations about the log are done with.
pub fn ports(host: &Host, reader: &Arc<LogReader>) -> Ports {
    Ports {
        proofs: Arc::new(shown::Published(host.clone())),
        upkeep: Arc::new(kept::Keeper { host: host.clone(), reader: reader.clone() }),
        bundles: Arc::new(bundle::Binder::of(host)),
        reader: reader.clone(),
        recorder: host.store.clone(),
    }
}

/// What whoever asks can do nothing about.
fn failed(error: anyhow::Error) -> LogError {
    LogError::Failed(format!("{error:#}"))
}
