//! What people prove who they are with.
//!
//! Invariants: there are no passwords; a passkey verifies its user, always; a one-time code and a recovery code are good once; the last
//! way in is never taken away.

pub mod passkey;
pub mod recovery;
pub mod totp;

use portcullis_model::{
    id::{FactorId, PersonId},
    people::{Factor, FactorKind},
    time::{Rng, Timestamp},
};

/// The longest name that a person gives a factor, in characters.
const LONGEST_LABEL: usize = 60;

/// A factor that is about to be stored.
pub(crate) fn new(
    kind: FactorKind,
    person: &PersonId,
    label: &str,
    handle: Option<String>,
    body: serde_json::Value,
    now: Timestamp,
    rng: &dyn Rng,
) -> Factor {
    let label: String = portcullis_model::audit::plain(label.trim()).chars().take(LONGEST_LABEL).collect();
    Factor {
        id: FactorId::random(rng),
        person: person.clone(),
        kind,
        label: if label.is_empty() { kind.name().to_owned() } else { label },
        handle,
        body,
        created: now,
        used: None,
        ended: None,
        version: 1,
    }
}

/// Whether somebody could still sign in with these alone.
pub(crate) fn let_in<'a>(factors: impl IntoIterator<Item = &'a Factor>) -> bool {
    factors.into_iter().any(|factor| factor.ended.is_none() && factor.kind == FactorKind::Passkey)
}
