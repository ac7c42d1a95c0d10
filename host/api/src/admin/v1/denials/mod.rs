//! What plugins were denied.

mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::audit::{Recorder, reader::AuditReader};

use crate::admin::Group;

/// What denials are read with.
pub struct Ports {
    /// Reads the log.
    pub reader: Arc<dyn AuditReader>,
    /// Where it is written down that somebody reads it (MON-1).
    pub recorder: Arc<dyn Recorder>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>()
}
