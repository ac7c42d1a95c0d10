//! Sessions: their beginning, step-up, their end (ACC-3, ACC-4, ACC-5).
//!
//! Invariants: a token has 256 bits, of it only the digest is stored, and it is another one after each step-up; a session's limits are
//! the strictest of all places where the person holds a role, and never grow; a person has at most so many at a time, and who ends all
//! ends all; an end takes effect with the next request.

use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    error::StoreError,
    id::{Digest, PersonId, SessionId, TenantId},
    oauth::Put,
    people::{
        Caller, Device, Ended, FactorKind, Limits, Membership, PeopleChange, Person, PersonState, Proof, Session,
        SignIn,
    },
    time::Rng,
};
use zeroize::Zeroizing;

use crate::{Access, AccessError, Known};

/// The most devices that are remembered of a person.
const DEVICES: usize = 32;
/// The longest label of a device, in characters.
const LABEL: usize = 80;
/// The most sessions that are listed.
const LISTED: usize = 200;
/// The most sessions of a person that are not ended.
const LIVE: usize = 50;

/// From what somebody signs in, as seen by the server.
#[derive(Clone, Debug)]
pub struct Seen {
    /// In words, such as `Firefox on Linux`.
    pub label: String,
    /// The value that the device keeps from an earlier sign-in.
    pub device: Option<String>,
    /// From where.
    pub address: IpAddr,
}

/// A sign-in that was proved.
pub struct Begin<'a> {
    /// Who.
    pub person: &'a Person,
    /// How.
    pub sign_in: SignIn,
    /// What was proved, and when.
    pub proved: &'a [Proof],
    /// From what.
    pub seen: &'a Seen,
    /// Of the provider's own name for its session, where it gives one.
    pub upstream: Option<Digest>,
    /// What else changes in the same act, such as the passkey's counter.
    pub with: PeopleChange,
}

/// A session, and what the browser keeps of it.
pub struct Started {
    /// The session.
    pub session: Session,
    /// For the cookie: nobody else ever sees it again.
    pub token: Zeroizing<String>,
    /// For the device's own cookie.
    pub device: Zeroizing<String>,
    /// What a form has to send along.
    pub csrf: String,
}

/// 256 bits as text.
pub(crate) fn random(rng: &dyn Rng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    rng.fill(bytes.as_mut());
    Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref()))
}

/// Of a token that only its holder knows.
pub(crate) fn digest(token: &str) -> Digest {
    Digest::of(format!("portcullis token\n{token}").as_bytes())
}

/// What a form has to send along: follows from the session's token, and from nothing that another page could know.
pub(crate) fn csrf(token: &str) -> String {
    Digest::of(format!("portcullis csrf\n{token}").as_bytes()).hex()
}

/// Places where somebody holds a role, and what holds there.
pub(crate) type Places = Vec<(Option<TenantId>, Limits)>;

/// Whether somebody may come from there at all: the platform lets them in, and at least one place of theirs does.
pub(crate) fn is_near(limits: &Limits, places: &[(Option<TenantId>, Limits)], address: IpAddr) -> bool {
    limits.allows(address) && (places.is_empty() || places.iter().any(|(_, limits)| limits.allows(address)))
}

/// A person as an actor.
pub(crate) fn actor(person: &Person, session: Option<&SessionId>) -> Actor {
    Actor::Account { person: person.id.clone(), name: person.name.clone(), session: session.cloned() }
}

impl Access {
    /// The strictest limits of all places where a person holds a role, or is about to.
    pub(crate) async fn limits_of(
        &self,
        person: &PersonId,
        joins: Option<&Membership>,
    ) -> Result<(Limits, Places), StoreError> {
        let now = self.clock.now();
        let (mut met, mut places) = (self.limits_at(None).await?, Vec::new());
        let held = self.store.memberships(person).await?;
        for membership in held.iter().chain(joins).filter(|one| one.holds(now)) {
            let limits = self.limits_at(membership.tenant.as_ref()).await?;
            // Where from is asked place by place: one that is out of reach must not lock a person out of the others.
            met = Limits { networks: met.networks.clone(), ..met.meet(&limits) };
            places.push((membership.tenant.clone(), limits));
        }
        Ok((met, places))
    }

    /// Begins a session.
    ///
    /// # Errors
    /// The account is not active, no place lets anybody in from there, or somebody else was faster.
    pub async fn begin(&self, begin: Begin<'_>) -> Result<Started, AccessError> {
        let Begin { person, sign_in, proved, seen, upstream, with } = begin;
        let now = self.clock.now();
        let (limits, places) = self.limits_of(&person.id, with.membership.as_ref().map(|put| &put.row)).await?;
        let near = is_near(&limits, &places, seen.address);
        let why = match person.state {
            PersonState::Active if near => None,
            PersonState::Active => Some("address"),
            PersonState::Suspended => Some("suspended"),
            PersonState::Removed => Some("removed"),
        };
        if let Some(why) = why {
            self.refused(person, why, seen).await?;
            return Err(AccessError::NotProved);
        }
        let id = SessionId::random(self.rng.as_ref());
        let (token, device) = (random(self.rng.as_ref()), seen.device.clone().map(Zeroizing::new));
        let known = device.as_deref().is_some_and(|device| person.devices.contains(&digest(device)));
        let device = device.filter(|_| known).unwrap_or_else(|| random(self.rng.as_ref()));
        let label: String = plain(&seen.label).chars().take(LABEL).collect();
        let mut session = Session {
            id: id.clone(),
            person: person.id.clone(),
            token: digest(&token),
            sign_in,
            device: Device { label, id: digest(&device), new: !known, acknowledged: None },
            address: seen.address.to_canonical(),
            created: now,
            used: now,
            idle_minutes: limits.idle_minutes,
            absolute_minutes: limits.absolute_minutes,
            factors: Vec::new(),
            ended: None,
            upstream,
            version: 1,
        };
        proved.iter().for_each(|proof| session.prove(proof.kind, proof.at));
        let factors: Vec<&str> = proved.iter().map(|proof| proof.kind.name()).collect();
        let tenant = match &session.sign_in {
            SignIn::Provider { tenant } => Some(tenant.clone()),
            SignIn::Native => places.first().and_then(|(tenant, _)| tenant.clone()).filter(|_| places.len() == 1),
        };
        let entry = Entry::new(now, Kind::SessionStarted, actor(person, Some(&id)), tenant)
            .about(format!("session:{id}"))
            .with("factors", factors)
            .with("new-device", !known)
            .with_personal("device", &session.device.label)
            .with_personal("address", session.address.to_string());
        let mut change = with;
        if !known {
            let stored = change.person.take();
            let (mut row, expected) = match stored {
                Some(put) => (put.row, put.expected),
                None => (Person { version: person.version + 1, ..person.clone() }, Some(person.version)),
            };
            while row.devices.len() >= DEVICES {
                row.devices.pop_first();
            }
            row.devices.insert(session.device.id);
            change.person = Some(Put { row, expected });
        }
        self.make_room(&mut change, person).await?;
        change.sessions.push(Put { row: session.clone(), expected: None });
        change.entries.push(entry);
        self.change(change).await?;
        Ok(Started { csrf: csrf(&token), session, token, device })
    }

    /// Ends the oldest sessions of a person who has so many that one more would be too many.
    async fn make_room(&self, change: &mut PeopleChange, person: &Person) -> Result<(), AccessError> {
        let mut live = self.store.live_sessions(&person.id).await?;
        // Those that end by this change anyhow.
        live.retain(|session| change.sessions.iter().all(|put| put.row.id != session.id));
        let over = (live.len() + 1).saturating_sub(LIVE);
        let closed = ended(
            live.into_iter().take(over),
            &Actor::Host,
            None,
            self.clock.now(),
            "too many sessions, the oldest ends",
        );
        change.sessions.extend(closed.sessions);
        change.entries.extend(closed.entries);
        Ok(())
    }

    /// Notes that somebody who is known did not get in.
    pub(crate) async fn refused(&self, person: &Person, why: &str, seen: &Seen) -> Result<(), AccessError> {
        let entry = Entry::new(self.clock.now(), Kind::SessionRefused, actor(person, None), None)
            .about(format!("person:{}", person.id))
            .with("why", why)
            .with_personal("address", seen.address.to_canonical().to_string());
        self.change(PeopleChange { entries: vec![entry], ..Default::default() }).await
    }

    /// Notes that something more was proved in a session. Its token is another one from now on.
    ///
    /// # Errors
    /// The session ended meanwhile.
    pub async fn step_up(
        &self,
        person: &Person,
        session: &Session,
        kind: FactorKind,
        with: PeopleChange,
    ) -> Result<Started, AccessError> {
        self.step_up_as_of(person, session, Proof { kind, at: self.clock.now() }, with).await
    }

    /// The same, of something that was proved a little earlier.
    pub(crate) async fn step_up_as_of(
        &self,
        person: &Person,
        session: &Session,
        Proof { kind, at: proved_at }: Proof,
        with: PeopleChange,
    ) -> Result<Started, AccessError> {
        let now = self.clock.now();
        let (token, device) = (random(self.rng.as_ref()), Zeroizing::new(String::new()));
        let mut next = Session { token: digest(&token), version: session.version + 1, ..session.clone() };
        next.prove(kind, proved_at);
        next.used = now;
        let entry = Entry::new(now, Kind::SessionSteppedUp, actor(person, Some(&session.id)), None)
            .about(format!("session:{}", session.id))
            .with("factor", kind.name());
        let mut change = with;
        change.sessions.push(Put { row: next.clone(), expected: Some(session.version) });
        change.entries.push(entry);
        self.change(change).await?;
        Ok(Started { csrf: csrf(&token), session: next, token, device })
    }

    /// A person's sessions, the latest first.
    ///
    /// # Errors
    /// Storage.
    pub async fn sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError> {
        self.store.sessions(person, LISTED).await
    }

    /// Ends sessions of a person: one, or all but one. Gives how many. The caller may end their own; for other people's it is for
    /// whoever calls this to have asked.
    ///
    /// # Errors
    /// There is no such session, or storage.
    pub async fn end_sessions(
        &self,
        by: &Actor,
        person: &PersonId,
        which: Which<'_>,
        why: &str,
    ) -> Result<usize, AccessError> {
        let now = self.clock.now();
        let live = self.store.live_sessions(person).await?;
        let live = live.into_iter().filter(|session| which.means(&session.id));
        let change = ended(live, by, None, now, why);
        let count = change.sessions.len();
        if count == 0 {
            return match which {
                Which::One(_) => Err(AccessError::Unknown("session")),
                Which::AllBut(_) => Ok(0),
            };
        }
        self.change(change).await?;
        Ok(count)
    }

    /// The sign-ins from new devices that a person is to be told of in their session, the latest first: nobody has said a word about them
    /// yet, and the device of this one was there before. Of many the first: who signs in over and over does not hide how it began.
    ///
    /// # Errors
    /// Storage.
    pub async fn untold(&self, known: &Known) -> Result<Vec<Session>, StoreError> {
        let mut told = self.store.untold_sessions(&known.session, LISTED).await?;
        told.reverse();
        Ok(told)
    }

    /// Takes somebody's word that they did not begin one of their sessions: every session of the account ends, the one that says so too.
    /// The device that it came from is a new one from then on, where this session is to be told of it: a stranger does not make the owner's
    /// device a new one by it. Gives how many ended.
    ///
    /// # Errors
    /// It is the session that says so; there is no such session; storage.
    pub async fn disown(&self, known: &Known, session: &SessionId) -> Result<usize, AccessError> {
        let person = &known.person;
        if known.session.id == *session {
            let help = "this is the session that you say it in: end it by signing out";
            return Err(AccessError::Invalid(help.to_owned()));
        }
        let told = self.untold(known).await?.iter().any(|one| one.id == *session);
        let found = self.store.session(session).await?.filter(|one| one.person == person.id);
        let found = found.ok_or(AccessError::Unknown("session"))?;
        let why = "its owner says that somebody else had signed in";
        let live = self.store.live_sessions(&person.id).await?;
        let now = self.clock.now();
        let mut change = ended(live, &known.caller.actor, None, now, why);
        let count = change.sessions.len();
        if told {
            match change.sessions.iter_mut().find(|put| put.row.id == found.id) {
                Some(put) => put.row.device.acknowledged = Some(now),
                None => change.sessions.push(acknowledged(&found, now)),
            }
            let mut row = Person { version: person.version + 1, ..person.clone() };
            row.devices.remove(&found.device.id);
            change.person = Some(Put { row, expected: Some(person.version) });
        }
        self.change(change).await?;
        Ok(count)
    }

    /// Takes somebody's word that it was them who had signed in from a new device. Only a session of a device that the person had before
    /// that sign-in says so: a stranger does not hide another by it.
    ///
    /// # Errors
    /// There is no such sign-in of which this session is to be told; storage.
    pub async fn acknowledge(&self, known: &Known, session: &SessionId) -> Result<(), AccessError> {
        let told = self.untold(known).await?;
        let found = told.iter().find(|one| one.id == *session).ok_or(AccessError::Unknown("session"))?;
        let now = self.clock.now();
        let entry = Entry::new(now, Kind::SessionAcknowledged, known.caller.actor.clone(), None)
            .about(format!("session:{}", found.id));
        let sessions = vec![acknowledged(found, now)];
        self.change(PeopleChange { sessions, entries: vec![entry], ..Default::default() }).await
    }

    /// Makes a change, or says that somebody was faster.
    pub(crate) async fn change(&self, change: PeopleChange) -> Result<(), AccessError> {
        match self.store.change_people(change).await? {
            true => Ok(()),
            false => Err(AccessError::Conflict("it changed in between, or is taken: look again".to_owned())),
        }
    }
}

fn acknowledged(session: &Session, now: portcullis_model::time::Timestamp) -> Put<Session> {
    let device = Device { acknowledged: Some(now), ..session.device.clone() };
    Put { row: Session { device, version: session.version + 1, ..session.clone() }, expected: Some(session.version) }
}

/// Which sessions are meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// This one.
    One(&'a SessionId),
    /// All, except for one where there is one.
    AllBut(Option<&'a SessionId>),
}

impl Which<'_> {
    fn means(&self, id: &SessionId) -> bool {
        match self {
            Self::One(one) => *one == id,
            Self::AllBut(kept) => *kept != Some(id),
        }
    }
}

/// The change that ends these.
pub(crate) fn ended(
    sessions: impl IntoIterator<Item = Session>,
    by: &Actor,
    tenant: Option<&TenantId>,
    now: portcullis_model::time::Timestamp,
    why: &str,
) -> PeopleChange {
    let mut change = PeopleChange::default();
    for session in sessions {
        let entry = Entry::new(now, Kind::SessionEnded, by.clone(), tenant.cloned())
            .about(format!("session:{}", session.id))
            .with("person", session.person.as_str())
            .with("why", why);
        let expected = Some(session.version);
        let ended = Some(Ended { at: now, why: plain(why) });
        change.sessions.push(Put { row: Session { ended, version: session.version + 1, ..session }, expected });
        change.entries.push(entry);
    }
    change
}

/// A caller's own sessions and factors are theirs to see and end.
pub(crate) fn is_self(caller: &Caller, person: &PersonId) -> bool {
    matches!(&caller.principal, portcullis_model::people::Principal::Person(own) if own == person)
}
