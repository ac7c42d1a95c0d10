//! Storage of clients, grants and tokens.

use async_trait::async_trait;

use crate::{
    audit::Entry,
    error::StoreError,
    id::{ClientId, Digest, GrantId, TenantId},
    installation::Installation,
    oauth::{AccessToken, Client, Grant, GrantKey, Pending},
    time::Timestamp,
};

/// A row that is added or replaced.
#[derive(Clone, Debug)]
pub struct Put<T> {
    /// The row as it is from now on.
    pub row: T,
    /// The version that is replaced; `None`: there is none yet.
    pub expected: Option<u64>,
}

/// Changes that take effect together, with their audit entries, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// A client.
    pub client: Option<Put<Client>>,
    /// A grant.
    pub grant: Option<Put<Grant>>,
    /// A code or refresh token that leads to a grant.
    pub key: Option<GrantKey>,
    /// An access token that is issued.
    pub access: Option<AccessToken>,
    /// An access token that is revoked, and when.
    pub revoked: Option<(Digest, Timestamp)>,
    /// A request for authorization.
    pub pending: Option<Put<Pending>>,
    /// What is written to the log.
    pub entries: Vec<Entry>,
}

/// All that a token's standing depends on, read at one time.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The token.
    pub token: AccessToken,
    /// The tokens that it was narrowed from, the nearest first.
    pub ancestors: Vec<AccessToken>,
    /// The grants of all of these.
    pub grants: Vec<Grant>,
    /// The clients of all of these.
    pub clients: Vec<Client>,
    /// The installations of all of these; `None`: there is none any more.
    pub installations: Vec<Option<Installation>>,
}

/// Keeps clients, grants, and digests of tokens.
#[async_trait]
pub trait OAuthStore: Send + Sync {
    /// All clients, revoked ones included, in the order of their registration.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// One client and its installation.
    async fn client(&self, id: &ClientId) -> Result<Option<(Client, Option<Installation>)>, StoreError>;

    /// The grant that a code or refresh token leads to, by its digest, and its generation.
    async fn grant_by(&self, digest: &Digest) -> Result<Option<(Grant, u64)>, StoreError>;

    /// Access tokens of a tenant that are good at that time, the latest first, at most so many.
    async fn live_tokens(&self, tenant: &TenantId, now: Timestamp, most: usize)
    -> Result<Vec<AccessToken>, StoreError>;

    /// An access token's standing, by its digest.
    async fn standing(&self, digest: &Digest) -> Result<Option<Standing>, StoreError>;

    /// Requests for authorization that are not over at that time.
    async fn pending(&self, now: Timestamp) -> Result<Vec<Pending>, StoreError>;

    /// One of them, over or not.
    async fn pending_by(&self, id: &GrantId) -> Result<Option<Pending>, StoreError>;

    /// Makes the changes. False, and nothing is changed, where a row has another version than expected, or where a live client
    /// of the installation is there already.
    async fn change(&self, change: Change) -> Result<bool, StoreError>;

    /// Notes a value of a tenant's that may be used once only, until it is over by itself. False where it was noted before, by
    /// whomever.
    async fn first_use(
        &self,
        tenant: &TenantId,
        key: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Disposes of what is over by itself. Gives how many rows.
    async fn sweep_oauth(&self, now: Timestamp) -> Result<u64, StoreError>;
}
