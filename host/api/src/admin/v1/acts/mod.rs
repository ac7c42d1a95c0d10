//! What became of plugins' acts.

mod get;

use std::sync::Arc;

use portcullis_model::explain::Explain;

use crate::admin::Group;

/// What explains acts.
pub struct Ports {
    /// Explains acts.
    pub explain: Arc<dyn Explain>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<get::Get>()
}
