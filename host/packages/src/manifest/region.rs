//! Where a destination is, as a manifest writes it (DAT-7).

pub use portcullis_model::region::Region;

/// The pattern of [`Region`]; whether there is such a country is seen by reading it.
pub(super) const REGION: &str = "^([A-Z]{2}|EEA|GLOBAL)$";
