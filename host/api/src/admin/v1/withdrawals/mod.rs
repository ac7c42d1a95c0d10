//! Withdrawals and quarantines that are in force (INT-10).

mod list;

use std::sync::Arc;

use portcullis_packages::check::Registry;

use crate::admin::Group;

/// What withdrawals are read with.
pub struct Ports {
    /// Where statements lie.
    pub registry: Arc<Registry>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>()
}
