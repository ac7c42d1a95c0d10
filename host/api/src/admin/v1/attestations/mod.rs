//! What people said about duties, by name and for a time.
//!
//! Invariants: whoever speaks for a party is checked against the catalogue; each act is an audit entry, written with its effect.

mod attest;
mod list;
mod withdraw;

use portcullis_model::{duty::Attestation, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

pub use super::posture::Ports;
use crate::admin::Group;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<attest::Attest>().with::<withdraw::Withdraw>()
}

/// What somebody said about a duty.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attestation)]
pub struct AttestationView {
    /// Whether it still counts.
    counts: bool,
    /// About which duty, of which tenant, for which party, who, what, since when and until when.
    #[schema(value_type = Object)]
    attestation: Attestation,
}

impl AttestationView {
    fn of(attestation: Attestation, now: Timestamp) -> Self {
        Self { counts: now < attestation.until, attestation }
    }
}
