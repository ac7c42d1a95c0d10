//! Duties: whose they are, what is open, and who answers for what of a plugin, installed or thought about (INT-9, DAT-12).
//!
//! Invariant: a sheet is seen by those alone who may see duties of the installation's tenant.

mod before;
mod list;
mod open;
mod paper;
mod sheet;

pub use super::posture::Ports;
use crate::admin::Group;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<open::Open>()
        .with::<sheet::Show>()
        .with::<before::Before>()
        .with::<paper::OpenAlone>()
        .with::<paper::SheetAlone>()
        .with::<before::BeforeAlone>()
}
