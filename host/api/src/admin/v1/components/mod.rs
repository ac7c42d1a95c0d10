//! Components in the registry.

mod inspect;

use std::sync::Arc;

use portcullis_model::inspect::Inspects;

use crate::admin::Group;

/// What looks at components.
pub struct Ports {
    /// Inspects components.
    pub inspects: Arc<dyn Inspects>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<inspect::Inspect>()
}
