//! Requests of data subjects, with a desk that asks nobody.

pub use portcullis_api::admin::{
    Parcel,
    v1::privacy::{Asked, Certificate, Desk, NotDone, Ports},
};

#[path = "../../src/admin/v1/privacy/testing.rs"]
mod testing;
pub use testing::ports;
