//! Sign-out that a tenant's own provider tells of (OpenID Connect Back-Channel Logout 1.0): which sessions it means, and their end.
//!
//! Invariants: a provider ends sessions that began by itself, and no others; what it says of a moment ends nothing that began later, so that a
//! word that is repeated does no more than it did the first time.

use portcullis_model::{
    audit::Actor,
    id::{PersonId, TenantId},
    people::{Session, SignIn},
    time::Timestamp,
};

use super::provider::{handle, upstream};
use crate::{Access, AccessError, sessions::ended};

/// The most people of a tenant whose sessions are looked through for one that is named by nothing else.
const MOST: usize = 10_000;
/// By how much clocks may differ, in milliseconds.
const SKEW_MS: i64 = 60_000;
/// How often it is tried where somebody changes a session at the same moment.
const TRIES: usize = 3;

/// What a tenant's provider says is over, by a logout token that was checked.
#[derive(Clone, Debug)]
pub struct SignedOut {
    /// Whose provider.
    pub tenant: TenantId,
    /// Its issuer.
    pub issuer: String,
    /// For which client.
    pub client_id: String,
    /// Its own name for the person, where it says whom.
    pub subject: Option<String>,
    /// Its own name for its session, where it says which (`sid`); `None`: all of the person's.
    pub session: Option<String>,
    /// When it said so.
    pub at: Timestamp,
}

impl Access {
    /// Ends the sessions that a tenant's provider says are over. Gives how many.
    ///
    /// # Errors
    /// It is not that tenant's provider any more; storage.
    pub async fn signed_out_by_provider(&self, out: &SignedOut) -> Result<usize, AccessError> {
        let provider = self.provider(&out.tenant).await.map_err(|error| match error {
            AccessError::Unknown(_) => AccessError::NotProved,
            other => other,
        })?;
        if provider.issuer != out.issuer || provider.client_id != out.client_id {
            return Err(AccessError::NotProved);
        }
        for _ in 0..TRIES {
            let mut meant = Vec::new();
            for person in self.whom(out).await? {
                meant.extend(self.store.live_sessions(&person).await?.into_iter().filter(|one| out.means(one)));
            }
            let count = meant.len();
            let why = "signed out at the provider";
            let change = ended(meant, &Actor::Host, Some(&out.tenant), self.clock.now(), why);
            if count == 0 || self.store.change_people(change).await? {
                return Ok(count);
            }
        }
        Err(AccessError::Conflict("it changed in between: say it again".to_owned()))
    }

    async fn whom(&self, out: &SignedOut) -> Result<Vec<PersonId>, AccessError> {
        if let Some(subject) = &out.subject {
            let found = self.store.factor_by_handle(&handle(&out.tenant, &out.issuer, subject)).await?;
            return Ok(found.map(|factor| factor.person).into_iter().collect());
        }
        let people = self.store.people_of(Some(&out.tenant), None, MOST).await?;
        Ok(people.into_iter().map(|(person, _)| person.id).collect())
    }
}

impl SignedOut {
    fn means(&self, session: &Session) -> bool {
        let by_it = matches!(&session.sign_in, SignIn::Provider { tenant } if *tenant == self.tenant);
        let wanted = self.session.as_deref().map(|sid| upstream(&self.tenant, &self.issuer, sid));
        let is_it = match (wanted, session.upstream, &self.subject) {
            (Some(wanted), Some(own), _) => wanted == own,
            // Of one that the provider gave no name, or names none of, the person is all that it is known by.
            (Some(_), None, subject) | (None, _, subject) => subject.is_some(),
        };
        by_it && is_it && session.created.0 <= self.at.0.saturating_add(SKEW_MS)
    }
}
