//! Requests for authorization that wait for an admin: what the back ends of plugins ask for in a browser, agreed to or refused
//! (RFC 6749, 4.1.1).
//!
//! Invariants: an admin agrees to less than what was asked or to as much, never to more; who decides names the code that the page shows,
//! whether they may see the list or not.

mod approve;
mod deny;
mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_broker::authz::consent::{self, ConsentError};
use portcullis_model::{
    audit::{Entry, Kind, plain},
    catalogue::Catalogue,
    id::ClientId,
    oauth::{Client, OAuthStore, Pending},
    people::Resource,
    scope::ScopeText,
    time::{Clock, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, sentence, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What requests are decided about with.
pub struct Ports {
    /// Where they are, and the clients.
    pub store: Arc<dyn OAuthStore>,
    /// What scopes mean.
    pub catalogue: Arc<dyn Catalogue>,
    /// Time: who asks has ten minutes.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<approve::Approve>().with::<deny::Deny>()
}

/// Which request.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The code that the page shows to whoever started it, however it is typed.
    code: String,
}

/// A request for authorization that waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingAuthorization)]
pub struct View {
    /// The code that the page shows to whoever started it.
    code: String,
    /// Which client asks.
    client: String,
    /// Its name.
    name: String,
    /// In which tenant.
    tenant: String,
    /// What it asks for, less what its installation may not do anyway.
    scopes: Vec<ScopeView>,
    /// For which resource server.
    audience: String,
    /// Where the browser goes back to.
    redirect: String,
    /// When it was asked.
    #[schema(format = DateTime)]
    created: String,
    /// Until when it can be decided about.
    #[schema(format = DateTime)]
    expires: String,
}

/// A scope, with what it means.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthorizedScope)]
pub struct ScopeView {
    /// The scope, as text.
    scope: String,
    /// What it allows, clause by clause; none where this host does not know it.
    words: Vec<String>,
}

/// What was decided, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthorizationDecided)]
pub struct Decided {
    /// Whether this was a rehearsal: nothing was decided then.
    dry_run: bool,
    /// What was asked for.
    authorization: View,
    /// What the client may do then; nothing where it is refused.
    scopes: Vec<ScopeView>,
}

impl Ports {
    /// The request that waits under this code.
    async fn find(&self, which: &Which) -> Result<Pending, Problem> {
        consent::find(self.store.as_ref(), &which.code, self.clock.now()).await.map_err(refused)
    }

    /// It is its client's: who may decide for some clients only, decides for those.
    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(which).await?;
        Ok(Resource::of(found.tenant, "client").named(found.client.as_str()))
    }

    fn scopes(&self, all: &[ScopeText]) -> Vec<ScopeView> {
        let words = |scope: &ScopeText| {
            let all = self.catalogue.describe(scope).unwrap_or_default();
            all.into_iter().map(|one| plain(&one.words)).collect()
        };
        all.iter().map(|scope| ScopeView { scope: scope.to_string(), words: words(scope) }).collect()
    }

    /// A request as it is shown, with its client's name out of these.
    fn shown(&self, one: &Pending, clients: &[Client]) -> View {
        let named = |id: &ClientId| clients.iter().find(|client| client.id == *id).map(|client| client.name.clone());
        View {
            code: one.code.clone(),
            client: one.client.to_string(),
            name: named(&one.client).unwrap_or_else(|| one.client.to_string()),
            tenant: one.tenant.to_string(),
            scopes: self.scopes(&one.scopes),
            audience: one.audience.clone(),
            redirect: one.redirect.clone(),
            created: one.created.to_string(),
            expires: one.expires.to_string(),
        }
    }

    async fn clients(&self) -> Result<Vec<Client>, Problem> {
        self.store.clients().await.map_err(|error| unavailable(&error))
    }
}

/// The entry that says what somebody decided.
fn entry<O: Operation>(call: &Call<O>, now: Timestamp, one: &Pending) -> Entry {
    Entry::new(now, Kind::AuthorizationDecided, call.actor(), Some(one.tenant.clone()))
}

fn refused(error: ConsentError) -> Problem {
    match error {
        ConsentError::Store(error) => unavailable(&error),
        ConsentError::NoSuchRequest(_) => unknown(&sentence(&error)),
        ConsentError::Scope(_) => Problem::new(Reason::WrongBody, sentence(&error)),
        ConsentError::Nothing => {
            Problem::new(Reason::Refused, "Of what is asked for, these scopes leave nothing: refuse it instead.")
        }
        ConsentError::Decided => Problem::new(Reason::Conflict, "Somebody else has just decided about it."),
    }
}
