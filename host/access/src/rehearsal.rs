//! Acts about people, tried out: every check is made, and nothing is written.
//!
//! Invariant: a rehearsal reads what is there and has no way to change it; what it accepts, the act itself accepts as long as nothing
//! changes in between.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{ClientId, Digest, InvitationId, PersonId, SessionId, TenantId},
    people::{
        AccessSettings, Automation, AutomationChange, AutomationStore, AutomationToken, BuiltIn, Factor, Invitation,
        Membership, PeopleChange, PeopleStore, Person, PersonState, Role, Session, SupportGrant,
    },
    time::Timestamp,
};

use crate::Access;

/// The most people of a place who are looked through for another owner.
const MOST: usize = 10_000;

impl Access {
    /// The same, but nothing that it is told to do is done.
    #[must_use]
    pub fn rehearsing(&self) -> Self {
        Self { store: Arc::new(Rehearsal(self.store.clone())), ..self.clone() }
    }
}

/// Storage that is read, and takes changes without making them.
struct Rehearsal(Arc<dyn PeopleStore>);

impl Rehearsal {
    async fn has_other_owner(&self, place: Option<&TenantId>, person: &PersonId) -> Result<bool, StoreError> {
        let people = self.0.people_of(place, None, MOST).await?;
        Ok(people.iter().any(|(one, held)| {
            one.id != *person
                && one.state == PersonState::Active
                && held.role.as_str() == BuiltIn::Owner.name()
                && held.ended.is_none()
                && held.until.is_none()
        }))
    }
}

#[async_trait]
impl PeopleStore for Rehearsal {
    async fn change_people(&self, change: PeopleChange) -> Result<bool, StoreError> {
        match change.needs_other_owner {
            Some((place, person)) => self.has_other_owner(place.as_ref(), &person).await,
            None => Ok(true),
        }
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        self.0.person(id).await
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreError> {
        self.0.person_by_email(email).await
    }

    async fn person_by_subject(&self, tenant: &TenantId, subject: &str) -> Result<Option<Person>, StoreError> {
        self.0.person_by_subject(tenant, subject).await
    }

    async fn people_of(
        &self,
        place: Option<&TenantId>,
        after: Option<&PersonId>,
        most: usize,
    ) -> Result<Vec<(Person, Membership)>, StoreError> {
        self.0.people_of(place, after, most).await
    }

    async fn has_people(&self) -> Result<bool, StoreError> {
        self.0.has_people().await
    }

    async fn memberships(&self, person: &PersonId) -> Result<Vec<Membership>, StoreError> {
        self.0.memberships(person).await
    }

    async fn invitation(&self, id: &InvitationId) -> Result<Option<Invitation>, StoreError> {
        self.0.invitation(id).await
    }

    async fn invitation_by_link(&self, link: &Digest) -> Result<Option<Invitation>, StoreError> {
        self.0.invitation_by_link(link).await
    }

    async fn open_invitations(&self, place: Option<&TenantId>, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        self.0.open_invitations(place, now).await
    }

    async fn factors(&self, person: &PersonId) -> Result<Vec<Factor>, StoreError> {
        self.0.factors(person).await
    }

    async fn factor_by_handle(&self, handle: &str) -> Result<Option<Factor>, StoreError> {
        self.0.factor_by_handle(handle).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.0.session(id).await
    }

    async fn session_by_token(&self, token: &Digest) -> Result<Option<Session>, StoreError> {
        self.0.session_by_token(token).await
    }

    async fn sessions(&self, person: &PersonId, most: usize) -> Result<Vec<Session>, StoreError> {
        self.0.sessions(person, most).await
    }

    async fn live_sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError> {
        self.0.live_sessions(person).await
    }

    async fn untold_sessions(&self, to: &Session, most: usize) -> Result<Vec<Session>, StoreError> {
        self.0.untold_sessions(to, most).await
    }

    async fn touch_session(&self, _: &SessionId, _: Timestamp, _: IpAddr) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sessions_over(&self, now: Timestamp, most: usize) -> Result<Vec<Session>, StoreError> {
        self.0.sessions_over(now, most).await
    }

    async fn invitations_over(&self, now: Timestamp, most: usize) -> Result<Vec<Invitation>, StoreError> {
        self.0.invitations_over(now, most).await
    }

    async fn forget_ended(&self, _: Timestamp, _: Entry) -> Result<(u64, u64), StoreError> {
        Ok((0, 0))
    }

    async fn roles(&self, tenant: &TenantId) -> Result<Vec<Role>, StoreError> {
        self.0.roles(tenant).await
    }

    async fn support_of(&self, tenant: &TenantId, most: usize) -> Result<Vec<SupportGrant>, StoreError> {
        self.0.support_of(tenant, most).await
    }

    async fn live_support(&self, now: Timestamp) -> Result<Vec<SupportGrant>, StoreError> {
        self.0.live_support(now).await
    }

    async fn access_settings(&self, place: Option<&TenantId>) -> Result<AccessSettings, StoreError> {
        self.0.access_settings(place).await
    }

    async fn with_provider(&self) -> Result<Vec<(TenantId, AccessSettings)>, StoreError> {
        self.0.with_provider().await
    }
}

#[async_trait]
impl AutomationStore for Rehearsal {
    async fn change_automation(&self, _: AutomationChange) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn automation(&self, id: &ClientId) -> Result<Option<Automation>, StoreError> {
        self.0.automation(id).await
    }

    async fn automations(&self, tenant: &TenantId, most: usize) -> Result<Vec<Automation>, StoreError> {
        self.0.automations(tenant, most).await
    }

    async fn automation_token(&self, digest: &Digest) -> Result<Option<AutomationToken>, StoreError> {
        self.0.automation_token(digest).await
    }

    async fn sweep_automation(&self, _: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }
}
