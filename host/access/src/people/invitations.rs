//! Invitations: a link, good once and for an hour, by which somebody gets an account, or a way back into one.
//!
//! Invariants: of a link only the digest is stored; who makes one may do all that its role may, then and when it is used; using it, the account, the role and the
//! first passkey are one change; a link adds no passkey to an account that holds a role at another place: that one accepts it in a
//! session of its own.

use std::collections::BTreeSet;

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{InvitationId, PersonId, RoleName, TenantId},
    oauth::Put,
    people::{
        BuiltIn, Caller, Factor, FactorKind, Invitation, Membership, PeopleChange, Person, PersonState, Principal,
        SignIn,
        actions::{PEOPLE_CHANGE, PEOPLE_INVITE, PEOPLE_LIST},
    },
    time::Timestamp,
};
use zeroize::Zeroizing;

use super::{email, name};
use crate::{
    Access, AccessError, Begin, Known, Seen, Started,
    decide::Given,
    sessions::{actor, digest, random},
};

/// How long a link is good, in milliseconds.
const LINK_MS: i64 = 60 * 60 * 1_000;

/// Whom to invite.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Where to; `None`: the platform itself.
    pub tenant: Option<TenantId>,
    /// As what.
    pub role: RoleName,
    /// Until when the role is held.
    pub until: Option<Timestamp>,
    /// Whether they may sign in natively although the tenant has single sign-on.
    pub break_glass: bool,
}

/// A link was made.
pub struct Invited {
    /// What for.
    pub invitation: Invitation,
    /// The link's last part: nobody else ever sees it again.
    pub token: Zeroizing<String>,
}

impl Access {
    /// Makes a link for somebody.
    ///
    /// # Errors
    /// The caller may not, or may do less than the role; the role is not one; the address is taken there already.
    pub async fn invite(&self, caller: &Caller, new: NewInvitation) -> Result<Invited, AccessError> {
        let place = new.tenant.as_ref();
        self.may(caller, &PEOPLE_INVITE, place, "person", None).await?;
        self.check_given(caller, place, &new.role).await?;
        let (email, name) = (email(&new.email)?, name(&new.name)?);
        if new.break_glass && new.role.as_str() != BuiltIn::Owner.name() {
            return Err(AccessError::Invalid("only an owner can be let in without single sign-on".to_owned()));
        }
        if new.until.is_some_and(|until| until <= self.clock.now()) {
            return Err(AccessError::Invalid("the role would be over already".to_owned()));
        }
        let person = match self.store.person_by_email(&email).await? {
            None => None,
            Some(person) => {
                // An account of one tenant's provider is that tenant's alone.
                if person.subject.as_ref().is_some_and(|(tenant, _)| Some(tenant) != place) {
                    return Err(AccessError::Conflict("this address belongs to another organisation".to_owned()));
                }
                let now = self.clock.now();
                let held = self.store.memberships(&person.id).await?;
                if held.iter().any(|one| one.tenant.as_ref() == place && one.holds(now)) {
                    return Err(AccessError::Conflict("this person has a role there already: change it".to_owned()));
                }
                Some(person.id)
            }
        };
        let NewInvitation { tenant, role, until: role_until, break_glass, .. } = new;
        self.make_link(caller, Link { email, name, tenant, role, role_until, break_glass, person }).await
    }

    /// Makes a link by which a person who lost every passkey registers a new one. Every session of theirs ends, and every other way in.
    ///
    /// # Errors
    /// The caller may not, or may do less than the person; there is no such person there.
    pub async fn recover(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<Invited, AccessError> {
        self.may(caller, &PEOPLE_CHANGE, place, "person", Some(person.as_str())).await?;
        let (who, membership) = self.member(place, person).await?;
        self.check_alone(place, person).await?;
        self.check_given(caller, place, &membership.role).await?;
        let Membership { role, until: role_until, break_glass, .. } = membership;
        let (email, name, tenant) = (who.email, who.name, place.cloned());
        self.make_link(
            caller,
            Link { email, name, tenant, role, role_until, break_glass, person: Some(person.clone()) },
        )
        .await
    }

    async fn make_link(&self, caller: &Caller, link: Link) -> Result<Invited, AccessError> {
        // Whoever holds its key would become a person, who outlives it.
        if matches!(caller.principal, Principal::Automation(_)) {
            return Err(AccessError::Invalid("a way in for a person is given by a person".to_owned()));
        }
        let (now, token) = (self.clock.now(), random(self.rng.as_ref()));
        let Link { email, name, tenant, role, role_until, break_glass, person } = link;
        let invitation = Invitation {
            id: InvitationId::random(self.rng.as_ref()),
            email,
            name,
            tenant,
            role,
            role_until,
            break_glass,
            person,
            by: caller.actor.clone(),
            link: digest(&token),
            created: now,
            expires: Timestamp(now.0 + LINK_MS),
            ended: None,
            version: 1,
        };
        let entry = self
            .entry(caller, Kind::PersonInvited, invitation.tenant.as_ref())
            .about(format!("invitation:{}", invitation.id))
            .with("role", invitation.role.as_str())
            .with("expires", invitation.expires.to_string())
            .with("break-glass", break_glass)
            .with_personal("email", &invitation.email);
        let put = Some(Put { row: invitation.clone(), expected: None });
        self.change(PeopleChange { invitation: put, entries: vec![entry], ..Default::default() }).await?;
        Ok(Invited { invitation, token })
    }

    /// Links to a place that can still be used.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn invitations(&self, caller: &Caller, place: Option<&TenantId>) -> Result<Vec<Invitation>, AccessError> {
        self.may(caller, &PEOPLE_LIST, place, "person", None).await?;
        Ok(self.store.open_invitations(place, self.clock.now()).await?)
    }

    /// Takes a link back.
    ///
    /// # Errors
    /// The caller may not; there is no such link there.
    pub async fn uninvite(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        id: &InvitationId,
    ) -> Result<(), AccessError> {
        self.may(caller, &PEOPLE_INVITE, place, "person", None).await?;
        let found = self.store.invitation(id).await?.filter(|one| one.tenant.as_ref() == place && one.ended.is_none());
        let invitation = found.ok_or(AccessError::Unknown("invitation"))?;
        let entry =
            self.entry(caller, Kind::PersonInvited, place).about(format!("invitation:{id}")).with("taken-back", true);
        let put = Some(used(invitation, self.clock.now()));
        self.change(PeopleChange { invitation: put, entries: vec![entry], ..Default::default() }).await
    }

    /// What a link is for.
    ///
    /// # Errors
    /// It leads nowhere, or nowhere any more. Which of them is not said.
    pub async fn invitation(&self, token: &str) -> Result<Invitation, AccessError> {
        let found = self.store.invitation_by_link(&digest(token)).await?;
        let now = self.clock.now();
        found.filter(|one| one.ended.is_none() && now < one.expires).ok_or(AccessError::Unknown("link"))
    }

    /// Who the passkey that a link leads to will be of: the account that is there, or the one that will be.
    ///
    /// # Errors
    /// Storage.
    pub async fn invitee(&self, invitation: &Invitation) -> Result<Person, AccessError> {
        let there = match &invitation.person {
            Some(id) => self.store.person(id).await?,
            None => None,
        };
        let text = invitation.id.as_str().replacen("inv_", "per_", 1);
        let id: PersonId = text.parse().map_err(|_| AccessError::Unknown("link"))?;
        Ok(there.unwrap_or_else(|| Person {
            id,
            email: invitation.email.clone(),
            name: invitation.name.clone(),
            state: PersonState::Active,
            subject: None,
            created: self.clock.now(),
            devices: BTreeSet::new(),
            version: 1,
        }))
    }

    /// Uses a link: the account, its role and its passkey, in one change, and the first session.
    ///
    /// # Errors
    /// The link leads nowhere any more, or the address got an account meanwhile.
    pub async fn join(&self, token: &str, factor: Factor, seen: &Seen) -> Result<Started, AccessError> {
        let now = self.clock.now();
        let invitation = self.invitation(token).await?;
        let person = self.invitee(&invitation).await?;
        if factor.person != person.id || factor.kind != FactorKind::Passkey {
            return Err(AccessError::NotProved);
        }
        if person.state != PersonState::Active {
            return Err(AccessError::Unknown("link"));
        }
        self.check_maker(&invitation).await?;
        let place = invitation.tenant.as_ref();
        // A link is in the hands of whoever made it: it must not open an account that reaches further than they do.
        if invitation.person.is_some() && self.is_elsewhere(place, &person.id).await? {
            let help = "this address has an account already: sign in to it, and accept the invitation there";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        let by = actor(&person, None);
        let entry = |kind| Entry::new(now, kind, by.clone(), place.cloned());
        let mut change = PeopleChange::default();
        if invitation.person.is_none() {
            change.person = Some(Put { row: person.clone(), expected: None });
            change.entries.push(entry(Kind::PersonJoined).about(format!("person:{}", person.id)));
        } else {
            // The way back in: whoever has the old keys is out.
            self.close(&mut change, &person, place, "recovered").await?;
        }
        self.given(&mut change, &person.id, &invitation, &by).await?;
        let added = entry(Kind::FactorAdded)
            .about(format!("person:{}", person.id))
            .with("factor", factor.id.as_str())
            .with("kind", factor.kind.name());
        change.entries.push(added);
        change.factors.push(Put { row: factor, expected: None });
        change.invitation = Some(used(invitation, now));
        let begin = Begin {
            person: &person,
            sign_in: SignIn::Native,
            proved: &[self.proof(FactorKind::Passkey)],
            seen,
            upstream: None,
            with: change,
        };
        self.begin(begin).await
    }
}

impl Access {
    /// Uses a link within a session of the person that it is for: one more role for an account that is there.
    ///
    /// # Errors
    /// The link leads nowhere any more, or is for somebody else; the second factor is too long ago.
    pub async fn accept(&self, known: &Known, token: &str) -> Result<(), AccessError> {
        self.check_fresh(known, false).await?;
        let invitation = self.invitation(token).await?;
        if invitation.person.as_ref() != Some(&known.person.id) {
            return Err(AccessError::Unknown("link"));
        }
        self.check_maker(&invitation).await?;
        let mut change = PeopleChange::default();
        self.given(&mut change, &known.person.id, &invitation, &known.caller.actor).await?;
        change.invitation = Some(used(invitation, self.clock.now()));
        self.change(change).await
    }

    /// Adds the role that a link is for, where it is not held already.
    pub(super) async fn given(
        &self,
        change: &mut PeopleChange,
        person: &PersonId,
        invitation: &Invitation,
        by: &Actor,
    ) -> Result<(), AccessError> {
        let (now, place) = (self.clock.now(), invitation.tenant.as_ref());
        let there = self.store.memberships(person).await?;
        let before = there.into_iter().find(|one| one.tenant.as_ref() == place);
        if before.as_ref().is_some_and(|one| one.holds(now)) {
            return Ok(());
        }
        let expected = before.map(|one| one.version);
        let membership = Membership {
            person: person.clone(),
            tenant: place.cloned(),
            role: invitation.role.clone(),
            by: invitation.by.clone(),
            since: now,
            until: invitation.role_until,
            break_glass: invitation.break_glass,
            ended: None,
            version: expected.map_or(1, |version| version + 1),
        };
        change.membership = Some(Put { row: membership, expected });
        let granted = Entry::new(now, Kind::MembershipGranted, by.clone(), place.cloned())
            .about(format!("person:{person}"))
            .with("role", invitation.role.as_str())
            .with("invitation", invitation.id.as_str());
        change.entries.push(granted);
        Ok(())
    }

    /// Whether somebody is of another place than this one: a role counts until it is taken away, also when its time is over, since its
    /// place may give it anew and what the account reached there must not fall to another place in between.
    pub(crate) async fn is_elsewhere(&self, place: Option<&TenantId>, person: &PersonId) -> Result<bool, AccessError> {
        let held = self.store.memberships(person).await?;
        Ok(held.iter().any(|one| one.ended.is_none() && one.tenant.as_ref() != place))
    }

    /// Whether whoever made a link could make it still: a link gives nothing for somebody who lost the right to give it. What the
    /// operator or the host made is good as it is.
    pub(super) async fn check_maker(&self, invitation: &Invitation) -> Result<(), AccessError> {
        let gone = AccessError::Unknown("link");
        let person = match &invitation.by {
            Actor::Account { person, .. } => person,
            Actor::Automation { .. } => return Err(gone),
            _ => return Ok(()),
        };
        let maker = self.store.person(person).await?.filter(|one| one.state == PersonState::Active);
        let Some(maker) = maker else { return Err(gone) };
        let holdings = self.holdings(&maker, &SignIn::Native, self.clock.now()).await?;
        let acts = [&PEOPLE_INVITE, &PEOPLE_CHANGE];
        match self.holders_give(holdings, &acts, invitation.tenant.as_ref(), &invitation.role).await? {
            true => Ok(()),
            false => Err(gone),
        }
    }
}

/// What a link is made for.
struct Link {
    email: String,
    name: String,
    tenant: Option<TenantId>,
    role: RoleName,
    role_until: Option<Timestamp>,
    break_glass: bool,
    person: Option<PersonId>,
}

pub(super) fn used(invitation: Invitation, now: Timestamp) -> Put<Invitation> {
    let expected = Some(invitation.version);
    Put { row: Invitation { ended: Some(now), version: invitation.version + 1, ..invitation }, expected }
}

impl Access {
    /// Whether there is such a role at a place, and the caller may do all that it may.
    pub(crate) async fn check_given(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        role: &RoleName,
    ) -> Result<(), AccessError> {
        let there = match (BuiltIn::of(role), place) {
            (Some(BuiltIn::Support), Some(_)) => {
                let help = "support is of the platform: a tenant lets it in for a time";
                return Err(AccessError::Invalid(help.to_owned()));
            }
            (Some(_), _) => true,
            (None, Some(tenant)) => self.store.roles(tenant).await?.iter().any(|one| one.name == *role),
            (None, None) => false,
        };
        if !there {
            return Err(AccessError::Unknown("role"));
        }
        self.covers(caller, place, &Given::Role(role)).await
    }
}
