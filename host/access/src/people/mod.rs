//! Accounts: invited, joined, changed, removed; their roles; support access; settings.
//!
//! Invariants: each act is decided here, whoever asks and by whatever interface; nobody gives away more than they may do themselves; a
//! place keeps an owner; with a role's end the sessions of its holder end, with an account's end all that belongs to it.

mod accounts;
mod factors;
mod invitations;
mod logout;
mod places;
mod provider;
mod roles;

pub use invitations::{Invited, NewInvitation};
pub use logout::SignedOut;
pub use provider::Vouched;

use portcullis_model::{
    audit::{Entry, Kind},
    id::TenantId,
    people::{Action, Caller, Decide as _, Resource},
};

use crate::{Access, AccessError};

impl Access {
    /// Whether the caller may, at a place.
    pub(crate) async fn may(
        &self,
        caller: &Caller,
        action: &Action,
        place: Option<&TenantId>,
        kind: &'static str,
        id: Option<&str>,
    ) -> Result<(), AccessError> {
        let resource = Resource { tenant: place.cloned(), kind, id: id.map(str::to_owned) };
        self.decide(caller, action, &resource).await?.map_err(AccessError::Refused)
    }

    pub(crate) fn entry(&self, caller: &Caller, kind: Kind, place: Option<&TenantId>) -> Entry {
        Entry::new(self.clock.now(), kind, caller.actor.clone(), place.cloned())
    }
}

/// An address as it is stored: in lower case, of a form that mail could have, and at most 254 characters (RFC 5321, 4.5.3.1.3).
pub(crate) fn email(text: &str) -> Result<String, AccessError> {
    let email = text.trim().to_lowercase();
    let good = email.len() <= 254
        && email.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.starts_with('.')
        })
        && email.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"(),;:\\".contains(c));
    if good { Ok(email) } else { Err(AccessError::Invalid("expected an address such as ana@example.com".to_owned())) }
}

/// A person's name: shown, and at most 100 characters.
pub(crate) fn name(text: &str) -> Result<String, AccessError> {
    let name = portcullis_model::audit::plain(text.trim());
    match name.chars().count() {
        1..=100 => Ok(name),
        _ => Err(AccessError::Invalid("a name has 1 to 100 characters".to_owned())),
    }
}
