//! People: who they are, how they sign in, what each may do, and for how long (ACC-1 to ACC-9).
//!
//! | module | answers for |
//! |---|---|
//! | `policy` | the Cedar policies: built-in roles, what is forbidden whatever the role, a tenant's own roles and networks |
//! | `decide` | a decision on a request, and what a refusal says |
//! | `matrix` | who may do what, as one page |
//! | `automation` | a tenant's programs: made, given another key, taken away, known by their tokens |
//! | `callers` | from a cookie's token to a caller |
//! | `sessions` | their beginning, their limits, step-up, their end |
//! | `sweep` | what is over by itself |
//! | `factors` | passkeys, one-time codes, recovery codes |
//! | `people` | invitations, accounts, roles, support access, settings, identities at a tenant's own provider |
//! | `reach`, `rehearsal` | what a role reaches, beside another; acts that are tried out |
//!
//! What is ABSENT here: a database, an HTTP server, a client.
//!
//! Invariants:
//! - every decision is Cedar's, over policies that passed its strict validation; an error in one is a no;
//! - what limits a place is met over platform, profiles and tenant: the most restrictive holds (ACC-9);
//! - there are no passwords; of links, tokens and recovery codes only digests are stored;
//! - an account can do what its roles say, and can never give away more than it has.
#![forbid(unsafe_code)]

mod automation;
mod callers;
mod decide;
mod factors;
mod matrix;
mod people;
mod policy;
mod reach;
mod rehearsal;
mod sessions;
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use portcullis_model::{
    error::StoreError,
    id::PersonId,
    people::{PeopleStore, ProfileLimits, Refusal},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};

pub use automation::NewAutomation;
pub use callers::Known;
pub use factors::{
    passkey::{Beginner, Passkeys, PasskeysError},
    recovery, totp,
};
pub use matrix::matrix;
pub use people::{Invited, NewInvitation, SignedOut, Vouched};
pub use policy::{PolicyError, check_role};
pub use reach::RoleReach;
pub use sessions::{Begin, Seen, Started, Which};
pub use sweep::Swept;

use policy::Policies;

/// What the parts share.
#[derive(Clone)]
pub struct Access {
    pub(crate) store: Arc<dyn PeopleStore>,
    pub(crate) profiles: Arc<dyn ProfileLimits>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) key: Secret,
    policies: Arc<Policies>,
    /// Of whom a refused recovery code was noted a short time ago, and when.
    pub(crate) refusals: Arc<Mutex<BTreeMap<PersonId, Timestamp>>>,
}

impl Access {
    /// On this storage. `key` is the host's own, lies outside of the storage, and is what one-time codes come from.
    ///
    /// # Errors
    /// The policies that come with the host do not pass their validation.
    pub fn new(
        store: Arc<dyn PeopleStore>,
        profiles: Arc<dyn ProfileLimits>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        key: Secret,
    ) -> Result<Self, PolicyError> {
        Ok(Self { store, profiles, clock, rng, key, policies: Policies::built_in()?, refusals: Arc::default() })
    }
}

/// Why something about people cannot be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AccessError {
    /// The request is wrong; says what is expected.
    #[error("{0}")]
    Invalid(String),
    /// There is no such person, session, link or role, or none any more.
    #[error("there is no such {0}, or none any more")]
    Unknown(&'static str),
    /// It changed in between, or is taken.
    #[error("{0}")]
    Conflict(String),
    /// The caller may not.
    #[error("{0}")]
    Refused(Refusal),
    /// What was proved does not prove it. Says no more than that.
    #[error("this does not prove who you are")]
    NotProved,
    /// Storage did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
