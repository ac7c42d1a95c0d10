//! Accounts that are there: listed, suspended, removed, given another role.

use portcullis_model::{
    audit::Kind,
    id::{PersonId, RoleName, SessionId, TenantId},
    oauth::Put,
    people::{
        Action, BuiltIn, Caller, Factor, Membership, PeopleChange, Person, PersonState, Reach, Session, SignIn,
        actions::{PEOPLE_CHANGE, PEOPLE_LIST, PEOPLE_REMOVE, PEOPLE_ROLE_CHANGE, SESSIONS_END, SESSIONS_LIST},
    },
    time::Timestamp,
};

use super::provider::Less;
use crate::{
    Access, AccessError,
    sessions::{Which, ended, is_self},
};

/// The most people of a place who are looked through for another owner.
const MOST: usize = 200;

impl Access {
    /// People with a role at a place, ended ones included; at most so many, after this one.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn people(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        after: Option<&PersonId>,
        most: usize,
    ) -> Result<Vec<(Person, Membership)>, AccessError> {
        self.may(caller, &PEOPLE_LIST, place, "person", None).await?;
        Ok(self.store.people_of(place, after, most).await?)
    }

    /// One of them, with how they sign in.
    ///
    /// # Errors
    /// The caller may not; there is no such person there.
    pub async fn person_at(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<(Person, Membership, Vec<Factor>), AccessError> {
        self.may(caller, &PEOPLE_LIST, place, "person", Some(person.as_str())).await?;
        let (person, membership) = self.member(place, person).await?;
        let factors = self.store.factors(&person.id).await?;
        Ok((person, membership, factors))
    }

    /// A person who holds a role at a place: nobody else is known there.
    pub(crate) async fn member(
        &self,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<(Person, Membership), AccessError> {
        let held = self.store.memberships(person).await?.into_iter();
        let here = held.filter(|one| one.ended.is_none()).find(|one| one.tenant.as_ref() == place);
        match (self.store.person(person).await?.filter(|one| one.state != PersonState::Removed), here) {
            (Some(person), Some(membership)) => Ok((person, membership)),
            _ => Err(AccessError::Unknown("person")),
        }
    }

    /// Whether an account is of this place alone: what reaches beyond it is not for one place to decide.
    pub(crate) async fn check_alone(&self, place: Option<&TenantId>, person: &PersonId) -> Result<(), AccessError> {
        if self.is_elsewhere(place, person).await? {
            let help = "this person has a role elsewhere too: take the role here away, or ask the operator";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        Ok(())
    }

    /// Gives a person another role at a place, or another end to it. Their sessions end, where this is the one place that they have.
    /// Gives how many.
    ///
    /// # Errors
    /// The caller may not, or may do less than the role before or the new one; the role's time is over; the last owner would go.
    pub async fn set_role(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
        role: &RoleName,
        until: Option<Timestamp>,
    ) -> Result<usize, AccessError> {
        self.may(caller, &PEOPLE_ROLE_CHANGE, place, "person", Some(person.as_str())).await?;
        let (who, before) = self.member(place, person).await?;
        let now = self.clock.now();
        if !before.holds(now) {
            let help = "the time of this person's role there is over: invite them again";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        self.check_given(caller, place, role).await?;
        if until.is_some_and(|until| until <= now) {
            return Err(AccessError::Invalid("the role would be over already".to_owned()));
        }
        // What a session may is asked at each request; those of other places are not this one's to end.
        let mut change = match self.is_elsewhere(place, person).await? {
            true => PeopleChange::default(),
            false => self.sessions_closed(caller, place, person, "another role").await?,
        };
        if before.role.as_str() == BuiltIn::Owner.name() {
            change.needs_other_owner = Some((place.cloned(), person.clone()))
                .filter(|_| role.as_str() != BuiltIn::Owner.name() || until.is_some());
            if let Some(tenant) = place.filter(|_| change.needs_other_owner.is_some()) {
                self.keep_a_way_in(&mut change, tenant, Less::Person(person)).await?;
            }
        }
        let entry = self
            .entry(caller, Kind::MembershipGranted, place)
            .about(format!("person:{}", who.id))
            .with("role", role.as_str())
            .with("before", before.role.as_str());
        change.entries.push(match until {
            Some(until) => entry.with("until", until.to_string()),
            None => entry,
        });
        let row = Membership {
            role: role.clone(),
            until,
            by: caller.actor.clone(),
            since: now,
            break_glass: before.break_glass && role.as_str() == BuiltIn::Owner.name(),
            version: before.version + 1,
            ..before.clone()
        };
        change.membership = Some(Put { row, expected: Some(before.version) });
        let sessions = change.sessions.len();
        self.owned(change, person).await?;
        Ok(sessions)
    }

    /// Takes a person's role at a place away. Where it was the last one the account is removed, and all that belongs to it. Gives how
    /// many sessions end: elsewhere those alone that began by the place's own provider.
    ///
    /// # Errors
    /// The caller may not; the last owner would go.
    pub async fn remove(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<usize, AccessError> {
        self.may(caller, &PEOPLE_REMOVE, place, "person", Some(person.as_str())).await?;
        let (who, before) = self.member(place, person).await?;
        let now = self.clock.now();
        let mut change = PeopleChange::default();
        match self.is_elsewhere(place, person).await? {
            // The account goes on elsewhere, and its sessions with it, but for those that stand on this tenant's provider.
            true => {
                let live = self.store.live_sessions(person).await?.into_iter();
                let by_it =
                    live.filter(|one| matches!(&one.sign_in, SignIn::Provider { tenant } if Some(tenant) == place));
                change = ended(by_it, &caller.actor, place, now, "role taken away");
            }
            false => {
                self.close(&mut change, &who, place, "removed").await?;
                let row = Person {
                    state: PersonState::Removed,
                    email: String::new(),
                    name: String::new(),
                    subject: None,
                    devices: Default::default(),
                    version: who.version + 1,
                    ..who.clone()
                };
                change.person = Some(Put { row, expected: Some(who.version) });
                let entry = self.entry(caller, Kind::PersonRemoved, place).about(format!("person:{person}"));
                change.entries.push(entry);
            }
        }
        if before.role.as_str() == BuiltIn::Owner.name() {
            change.needs_other_owner = Some((place.cloned(), person.clone()));
            if let Some(tenant) = place {
                self.keep_a_way_in(&mut change, tenant, Less::Person(person)).await?;
            }
        }
        let entry = self
            .entry(caller, Kind::MembershipEnded, place)
            .about(format!("person:{person}"))
            .with("role", before.role.as_str());
        change.entries.push(entry);
        let expected = Some(before.version);
        let row = Membership { ended: Some(now), version: before.version + 1, ..before };
        change.membership = Some(Put { row, expected });
        let sessions = change.sessions.len();
        self.owned(change, person).await?;
        Ok(sessions)
    }

    /// Suspends an account, or lets it back in. With a suspension every session ends.
    ///
    /// # Errors
    /// The caller may not; the account reaches beyond the place; the last owner would go.
    pub async fn suspend(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
        suspended: bool,
    ) -> Result<(), AccessError> {
        self.may(caller, &PEOPLE_CHANGE, place, "person", Some(person.as_str())).await?;
        let (who, membership) = self.member(place, person).await?;
        self.check_alone(place, person).await?;
        let state = if suspended { PersonState::Suspended } else { PersonState::Active };
        if who.state == state {
            return Ok(());
        }
        let mut change = PeopleChange::default();
        if suspended {
            change = self.sessions_closed(caller, place, person, "suspended").await?;
            if membership.role.as_str() == BuiltIn::Owner.name() {
                change.needs_other_owner = Some((place.cloned(), person.clone()));
                if let Some(tenant) = place {
                    self.keep_a_way_in(&mut change, tenant, Less::Person(person)).await?;
                }
            }
        }
        let entry = self
            .entry(caller, Kind::PersonChanged, place)
            .about(format!("person:{person}"))
            .with("suspended", suspended);
        change.entries.push(entry);
        let expected = Some(who.version);
        change.person = Some(Put { row: Person { state, version: who.version + 1, ..who }, expected });
        self.owned(change, person).await
    }

    /// A person's sessions: one's own, or those of somebody at a place.
    ///
    /// # Errors
    /// The caller may not; there is no such person there; the account reaches beyond the place.
    pub async fn sessions_of(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<Vec<Session>, AccessError> {
        self.check_sessions(caller, &SESSIONS_LIST, place, person).await?;
        Ok(self.sessions(person).await?)
    }

    /// Ends a session, or all: one's own, or those of somebody at a place. Gives how many.
    ///
    /// # Errors
    /// The caller may not; there is no such person there, or no such session; the account reaches beyond the place.
    pub async fn end_sessions_of(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
        one: Option<&SessionId>,
    ) -> Result<usize, AccessError> {
        self.check_sessions(caller, &SESSIONS_END, place, person).await?;
        let which = one.map_or(Which::AllBut(None), Which::One);
        let why = if is_self(caller, person) { "signed out" } else { "ended by an admin" };
        self.end_sessions(&caller.actor, person, which, why).await
    }

    /// Whether a caller may look at, or end, a person's sessions: a session is the account's, with all its places, so only the operator
    /// and the one place of an account decide about it, while the role there holds.
    async fn check_sessions(
        &self,
        caller: &Caller,
        action: &Action,
        place: Option<&TenantId>,
        person: &PersonId,
    ) -> Result<(), AccessError> {
        if is_self(caller, person) {
            return Ok(());
        }
        self.may(caller, action, place, "person", Some(person.as_str())).await?;
        let (_, membership) = self.member(place, person).await?;
        match caller.reach {
            Reach::Everything => Ok(()),
            Reach::Holdings(_) if !membership.holds(self.clock.now()) => Err(AccessError::Unknown("person")),
            Reach::Holdings(_) => self.check_alone(place, person).await,
        }
    }

    async fn sessions_closed(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        person: &PersonId,
        why: &str,
    ) -> Result<PeopleChange, AccessError> {
        let live = self.store.live_sessions(person).await?;
        Ok(ended(live, &caller.actor, place, self.clock.now(), why))
    }

    /// Ends every session and takes every factor away.
    pub(crate) async fn close(
        &self,
        change: &mut PeopleChange,
        person: &Person,
        place: Option<&TenantId>,
        why: &str,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let by = portcullis_model::audit::Actor::Host;
        let live = self.store.live_sessions(&person.id).await?;
        let closed = ended(live, &by, place, now, why);
        change.sessions.extend(closed.sessions);
        change.entries.extend(closed.entries);
        for factor in self.store.factors(&person.id).await? {
            let entry = portcullis_model::audit::Entry::new(now, Kind::FactorRemoved, by.clone(), place.cloned())
                .about(format!("person:{}", person.id))
                .with("factor", factor.id.as_str())
                .with("kind", factor.kind.name())
                .with("why", why);
            change.entries.push(entry);
            change.factors.push(super::factors::gone(factor, now));
        }
        Ok(())
    }

    /// Makes a change after which there must be an owner left.
    async fn owned(&self, change: PeopleChange, person: &PersonId) -> Result<(), AccessError> {
        let needs = change.needs_other_owner.clone();
        match (self.store.change_people(change).await?, needs) {
            (true, _) => Ok(()),
            (false, Some((place, _))) => {
                let owner = BuiltIn::Owner.name();
                let people = self.store.people_of(place.as_ref(), None, MOST).await?;
                let another = people.iter().any(|(one, held)| {
                    one.id != *person && held.role.as_str() == owner && held.ended.is_none() && held.until.is_none()
                });
                let why = match another {
                    true => "it changed in between: look again",
                    false => "this is the last owner: make somebody else an owner first",
                };
                Err(AccessError::Conflict(why.to_owned()))
            }
            (false, None) => Err(AccessError::Conflict("it changed in between: look again".to_owned())),
        }
    }
}
