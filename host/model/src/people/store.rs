//! Storage of people and all that belongs to them.

use async_trait::async_trait;

use super::{AccessSettings, Factor, Invitation, Membership, Person, Role, Session, SupportGrant};
use crate::{
    audit::Entry,
    error::StoreError,
    id::{Digest, InvitationId, PersonId, SessionId, TenantId},
    oauth::Put,
    secret::SecretChange,
    time::Timestamp,
};

/// Changes that take effect together, with their audit entries, or not at all. Each row names the version that it replaces.
#[derive(Clone, Debug, Default)]
pub struct PeopleChange {
    /// A person.
    pub person: Option<Put<Person>>,
    /// A membership: of one person in one place there is one row.
    pub membership: Option<Put<Membership>>,
    /// An invitation.
    pub invitation: Option<Put<Invitation>>,
    /// Factors.
    pub factors: Vec<Put<Factor>>,
    /// Sessions.
    pub sessions: Vec<Put<Session>>,
    /// A tenant's own role.
    pub role: Option<Put<Role>>,
    /// Support access.
    pub support: Option<Put<SupportGrant>>,
    /// Settings of a tenant, or of the platform (`None`).
    pub settings: Option<(Option<TenantId>, Put<AccessSettings>)>,
    /// Where this is set, the change happens only while the place has another owner than this person: the last one cannot be lost.
    pub needs_other_owner: Option<(Option<TenantId>, PersonId)>,
    /// Secrets that go with it, such as the host's own at a tenant's provider.
    pub secrets: Vec<SecretChange>,
    /// What is written to the log.
    pub entries: Vec<Entry>,
}

/// Keeps people, what they may do, and what they prove it with.
#[async_trait]
pub trait PeopleStore: super::AutomationStore + Send + Sync {
    /// Makes the changes. False, and nothing is changed, where a row has another version than expected, an address or a factor's
    /// handle is taken, or a condition does not hold.
    async fn change_people(&self, change: PeopleChange) -> Result<bool, StoreError>;

    /// One person.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError>;

    /// The person with this address, in lower case, who was not removed.
    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreError>;

    /// The person of this `sub` at a tenant's provider, who was not removed.
    async fn person_by_subject(&self, tenant: &TenantId, subject: &str) -> Result<Option<Person>, StoreError>;

    /// People with a membership in this place, ended ones included, by address; at most so many, after this one.
    async fn people_of(
        &self,
        place: Option<&TenantId>,
        after: Option<&PersonId>,
        most: usize,
    ) -> Result<Vec<(Person, Membership)>, StoreError>;

    /// Whether anybody has an account.
    async fn has_people(&self) -> Result<bool, StoreError>;

    /// A person's memberships, ended ones included.
    async fn memberships(&self, person: &PersonId) -> Result<Vec<Membership>, StoreError>;

    /// One invitation.
    async fn invitation(&self, id: &InvitationId) -> Result<Option<Invitation>, StoreError>;

    /// The invitation with this link.
    async fn invitation_by_link(&self, link: &Digest) -> Result<Option<Invitation>, StoreError>;

    /// Invitations to a place that can still be used.
    async fn open_invitations(&self, place: Option<&TenantId>, now: Timestamp) -> Result<Vec<Invitation>, StoreError>;

    /// A person's factors that were not taken away.
    async fn factors(&self, person: &PersonId) -> Result<Vec<Factor>, StoreError>;

    /// The factor of this handle that was not taken away.
    async fn factor_by_handle(&self, handle: &str) -> Result<Option<Factor>, StoreError>;

    /// One session.
    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError>;

    /// The session with this token.
    async fn session_by_token(&self, token: &Digest) -> Result<Option<Session>, StoreError>;

    /// A person's sessions, the latest first; at most so many.
    async fn sessions(&self, person: &PersonId, most: usize) -> Result<Vec<Session>, StoreError>;

    /// All sessions of a person that have not ended, the oldest first; those past their limits that nobody has ended yet included.
    async fn live_sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError>;

    /// The sessions that began on devices that were new, of whoever this session is of, and of which they have not said a word yet: those
    /// that began on another device than this one, after this one's was first there. The oldest first; at most so many.
    async fn untold_sessions(&self, to: &Session, most: usize) -> Result<Vec<Session>, StoreError>;

    /// Notes that a session was used, and from where. Nothing happens where it has ended.
    async fn touch_session(&self, id: &SessionId, at: Timestamp, address: std::net::IpAddr) -> Result<(), StoreError>;

    /// Sessions that are past a limit that they began with and that nobody has ended; at most so many, the longest unused first.
    async fn sessions_over(&self, now: Timestamp, most: usize) -> Result<Vec<Session>, StoreError>;

    /// Invitations of all places that can be used no more and are not ended; at most so many.
    async fn invitations_over(&self, now: Timestamp, most: usize) -> Result<Vec<Invitation>, StoreError>;

    /// Forgets sessions and invitations that ended before then. Gives how many of each.
    async fn forget_ended(&self, before: Timestamp, entry: Entry) -> Result<(u64, u64), StoreError>;

    /// A tenant's own roles that were not removed.
    async fn roles(&self, tenant: &TenantId) -> Result<Vec<Role>, StoreError>;

    /// A tenant's grants of support access, the latest first; at most so many.
    async fn support_of(&self, tenant: &TenantId, most: usize) -> Result<Vec<SupportGrant>, StoreError>;

    /// Grants of support access that hold at that time, of all tenants.
    async fn live_support(&self, now: Timestamp) -> Result<Vec<SupportGrant>, StoreError>;

    /// What a tenant has set, or the platform (`None`).
    async fn access_settings(&self, place: Option<&TenantId>) -> Result<AccessSettings, StoreError>;

    /// What those tenants have set that have a provider of their own, by name.
    async fn with_provider(&self) -> Result<Vec<(TenantId, AccessSettings)>, StoreError>;
}
