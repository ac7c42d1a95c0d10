//! A person's own factors: added and taken away within a session, and used to sign in and to step up.
//!
//! Invariants: a factor is added or taken away by whoever proved a second factor a short time ago; a recovery code is good for one new
//! passkey and for nothing else, and its session ends with that; the last passkey is never taken away; a wrong one-time code is counted
//! before anything is said about it.

use std::sync::PoisonError;

use portcullis_model::{
    audit::{Entry, Kind},
    id::{FactorId, PersonId, TenantId},
    oauth::Put,
    people::{Factor, FactorKind, PeopleChange, Person, PersonState, Proof, SignIn},
    time::Timestamp,
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::provider::Less;
use crate::{
    Access, AccessError, Begin, Known, Passkeys, Seen, Started,
    factors::{let_in, recovery, totp},
    sessions::{actor, ended},
};

/// The most passkeys, and the most devices for codes, of a person.
const MOST: usize = 10;
/// How long no second refusal of a recovery code is noted for the same person, in milliseconds.
const NOTED_MS: i64 = 60 * 1_000;

/// What a provider's word counts for in a person's own affairs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing.
    Nothing,
    /// As a second factor, where it says that it saw one.
    Second,
    /// Also without that: the account came from it and has nothing else yet.
    First,
}

/// A factor that is taken away. Who somebody is at a provider is forgotten with it.
pub(crate) fn gone(mut factor: Factor, now: Timestamp) -> Put<Factor> {
    let expected = Some(factor.version);
    if factor.kind == FactorKind::Provider {
        (factor.body, factor.handle) = (Value::Null, None);
    }
    Put { row: Factor { ended: Some(now), version: factor.version + 1, ..factor }, expected }
}

impl Access {
    /// A person's own factors.
    ///
    /// # Errors
    /// Storage.
    pub async fn own_factors(&self, known: &Known) -> Result<Vec<Factor>, AccessError> {
        Ok(self.store.factors(&known.person.id).await?)
    }

    /// Signs in with a passkey.
    ///
    /// # Errors
    /// It does not prove who it is. Nothing more is said.
    pub async fn sign_in(
        &self,
        passkeys: &Passkeys,
        ceremony: &str,
        answer: Value,
        seen: &Seen,
    ) -> Result<Started, AccessError> {
        let (person, factor) = self.of_handle(&answer).await?;
        let used = match passkeys.proved(ceremony, answer, &factor, self.clock.now()) {
            Ok(used) => used,
            Err(error) => {
                self.refused(&person, "passkey", seen).await?;
                return Err(error);
            }
        };
        let with =
            PeopleChange { factors: vec![Put { expected: Some(factor.version), row: used }], ..Default::default() };
        let sign_in = SignIn::Native;
        self.begin(Begin {
            person: &person,
            sign_in,
            proved: &[self.proof(FactorKind::Passkey)],
            seen,
            upstream: None,
            with,
        })
        .await
    }

    async fn of_handle(&self, answer: &Value) -> Result<(Person, Factor), AccessError> {
        let handle = Passkeys::handle_of(answer)?;
        let factor = self.store.factor_by_handle(&handle).await?.ok_or(AccessError::NotProved)?;
        let person = self.store.person(&factor.person).await?.ok_or(AccessError::NotProved)?;
        Ok((person, factor))
    }

    /// Signs in with a recovery code: into a session that can register one new passkey, and do nothing that is privileged. That it did
    /// not get in is noted by [`Access::recovery_refused`], for which nobody should be made to wait.
    ///
    /// # Errors
    /// It does not prove who it is. Nothing more is said.
    pub async fn sign_in_by_recovery(&self, email: &str, code: &str, seen: &Seen) -> Result<Started, AccessError> {
        let person = self.store.person_by_email(&super::email(email)?).await?;
        // As many look-ups for an address that nobody has.
        let whose = person.as_ref().map_or_else(|| PersonId::random(self.rng.as_ref()), |person| person.id.clone());
        let factors = self.store.factors(&whose).await?;
        let person = person.ok_or(AccessError::NotProved)?;
        let factor = factors.into_iter().find(|factor| factor.kind == FactorKind::Recovery);
        let factor = factor.ok_or(AccessError::NotProved)?;
        let row = recovery::spend(&factor, code, self.clock.now())?;
        let with = PeopleChange { factors: vec![Put { row, expected: Some(factor.version) }], ..Default::default() };
        let sign_in = SignIn::Native;
        self.begin(Begin {
            person: &person,
            sign_in,
            proved: &[self.proof(FactorKind::Recovery)],
            seen,
            upstream: None,
            with,
        })
        .await
    }

    /// Notes that a recovery code for this address did not get in, where somebody has it: at most once a minute for a person, since
    /// strangers must not fill the log.
    ///
    /// # Errors
    /// Storage.
    pub async fn recovery_refused(&self, email: &str, seen: &Seen) -> Result<(), AccessError> {
        let Some(person) = self.store.person_by_email(&super::email(email)?).await? else { return Ok(()) };
        if self.is_noted(&person.id) {
            return Ok(());
        }
        self.refused(&person, "recovery", seen).await
    }

    /// Whether a refusal of this person was noted within the last minute; from now on it was.
    fn is_noted(&self, person: &PersonId) -> bool {
        let now = self.clock.now();
        let mut noted = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|_, at| now.0 - at.0 < NOTED_MS);
        let before = noted.contains_key(person);
        if !before {
            noted.insert(person.clone(), now);
        }
        before
    }

    /// Steps up with a passkey of the session's own person.
    ///
    /// # Errors
    /// It does not prove who it is.
    pub async fn step_up_by_passkey(
        &self,
        known: &Known,
        passkeys: &Passkeys,
        ceremony: &str,
        answer: Value,
    ) -> Result<Started, AccessError> {
        let (person, factor) = self.of_handle(&answer).await?;
        if person.id != known.person.id {
            return Err(AccessError::NotProved);
        }
        let row = passkeys.proved(ceremony, answer, &factor, self.clock.now())?;
        let with = PeopleChange { factors: vec![Put { row, expected: Some(factor.version) }], ..Default::default() };
        self.step_up(&known.person, &known.session, FactorKind::Passkey, with).await
    }

    /// Steps up with a one-time code, or confirms a new device by its first code.
    ///
    /// # Errors
    /// It is wrong, or there were too many wrong ones.
    pub async fn step_up_by_code(&self, known: &Known, code: &str) -> Result<Started, AccessError> {
        let now = self.clock.now();
        let factors = self.store.factors(&known.person.id).await?;
        let mut last = AccessError::NotProved;
        for factor in factors.into_iter().filter(|factor| factor.kind == FactorKind::Totp) {
            let (row, right) = match totp::check(&self.key, &factor, code, now) {
                Ok(checked) => checked,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let mut change =
                PeopleChange { factors: vec![Put { row, expected: Some(factor.version) }], ..Default::default() };
            if !right {
                self.change(change).await?;
                continue;
            }
            if totp::is_confirmed(&factor) {
                return self.step_up(&known.person, &known.session, FactorKind::Totp, change).await;
            }
            // The first code of a device shows that it has the secret, and counts from then on.
            self.check_fresh(known, false).await?;
            change.entries.push(self.added(known, &factor));
            return self.step_up(&known.person, &known.session, FactorKind::Totp, change).await;
        }
        Err(last)
    }

    /// Stores one more passkey, which was registered in this session. Gives whether the session ended with that: one that began with a
    /// recovery code, and in which nothing else was proved, does; its person signs in anew with the passkey.
    ///
    /// # Errors
    /// The second factor, or the recovery code, is too long ago; there are too many.
    pub async fn add_passkey(&self, known: &Known, factor: Factor) -> Result<bool, AccessError> {
        self.check_fresh(known, true).await?;
        self.check_room(known, FactorKind::Passkey).await?;
        if factor.person != known.person.id || factor.kind != FactorKind::Passkey {
            return Err(AccessError::NotProved);
        }
        let by_recovery = known.caller.second_factor().is_none() && known.session.sign_in == SignIn::Native;
        let mut change = PeopleChange::default();
        if by_recovery {
            let session = known.session.clone();
            change = ended(
                [session],
                &known.caller.actor,
                None,
                self.clock.now(),
                "a recovery code is good for one passkey",
            );
        }
        change.entries.insert(0, self.added(known, &factor));
        change.factors.push(Put { row: factor, expected: None });
        self.change(change).await?;
        Ok(by_recovery)
    }

    /// A new device for one-time codes: its secret, shown once. It counts from its first code on.
    ///
    /// # Errors
    /// The second factor is too long ago; there are too many.
    pub async fn add_totp(&self, known: &Known, label: &str) -> Result<Zeroizing<String>, AccessError> {
        self.check_fresh(known, false).await?;
        self.check_room(known, FactorKind::Totp).await?;
        let now = self.clock.now();
        let (factor, secret) = totp::new(&self.key, &known.person.id, label, now, self.rng.as_ref());
        let factors = vec![Put { row: factor, expected: None }];
        self.change(PeopleChange { factors, ..Default::default() }).await?;
        Ok(secret)
    }

    /// New recovery codes, shown once, in place of those before.
    ///
    /// # Errors
    /// The second factor is too long ago.
    pub async fn add_recovery(&self, known: &Known) -> Result<Vec<Zeroizing<String>>, AccessError> {
        self.check_fresh(known, false).await?;
        let now = self.clock.now();
        let (factor, codes) = recovery::new(&known.person.id, now, self.rng.as_ref());
        let mut change = PeopleChange { entries: vec![self.added(known, &factor)], ..Default::default() };
        let before = self.store.factors(&known.person.id).await?;
        let before = before.into_iter().filter(|factor| factor.kind == FactorKind::Recovery);
        change.factors.extend(before.map(|factor| gone(factor, now)));
        change.factors.push(Put { row: factor, expected: None });
        self.change(change).await?;
        Ok(codes)
    }

    /// Takes one of a person's own factors away.
    ///
    /// # Errors
    /// The second factor is too long ago; it is the last passkey, or the last way in that an owner has; there is no such factor.
    pub async fn remove_factor(&self, known: &Known, id: &FactorId) -> Result<(), AccessError> {
        self.check_fresh(known, false).await?;
        let now = self.clock.now();
        let all = self.store.factors(&known.person.id).await?;
        let (this, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|factor| factor.id == *id);
        let Some(factor) = this.into_iter().next() else { return Err(AccessError::Unknown("factor")) };
        if factor.kind == FactorKind::Passkey && known.person.subject.is_none() && !let_in(&rest) {
            let help = "this is your last passkey: register another one first";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        if factor.kind == FactorKind::Provider && known.person.subject.is_some() && !let_in(&rest) {
            let help = "this is the way in that you have: register a passkey first";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        let entry = Entry::new(now, Kind::FactorRemoved, actor(&known.person, Some(&known.session.id)), None)
            .about(format!("person:{}", known.person.id))
            .with("factor", factor.id.as_str())
            .with("kind", factor.kind.name());
        // The account as a condition: of two who take one away at once, one is too late.
        let person = Person { version: known.person.version + 1, ..known.person.clone() };
        let mut change = PeopleChange {
            person: Some(Put { row: person, expected: Some(known.person.version) }),
            entries: vec![entry],
            ..Default::default()
        };
        let of = factor.body.get("tenant").and_then(Value::as_str).and_then(|of| of.parse::<TenantId>().ok());
        if let Some(tenant) = of.filter(|_| factor.kind == FactorKind::Provider) {
            self.keep_a_way_in(&mut change, &tenant, Less::Factor(id)).await?;
        }
        change.factors.push(gone(factor, now));
        self.change(change).await
    }

    fn added(&self, known: &Known, factor: &Factor) -> Entry {
        Entry::new(self.clock.now(), Kind::FactorAdded, actor(&known.person, Some(&known.session.id)), None)
            .about(format!("person:{}", known.person.id))
            .with("factor", factor.id.as_str())
            .with("kind", factor.kind.name())
    }

    pub(super) async fn check_room(&self, known: &Known, kind: FactorKind) -> Result<(), AccessError> {
        let factors = self.store.factors(&known.person.id).await?;
        match factors.iter().filter(|factor| factor.kind == kind).count() < MOST {
            true => Ok(()),
            false => Err(AccessError::Conflict(format!("{MOST} of them are the most: take one away first"))),
        }
    }

    /// Who changes ways in has proved a second factor a short time ago. Where `allow_recovery` is set, it is enough to have come in by a
    /// recovery code a short time ago.
    pub(crate) async fn check_fresh(&self, known: &Known, allow_recovery: bool) -> Result<(), AccessError> {
        if known.person.state != PersonState::Active {
            return Err(AccessError::NotProved);
        }
        let minutes = self.own_limits(known).await?;
        let proofs = known.session.factors.iter();
        let by_provider = match &known.session.sign_in {
            SignIn::Native => None,
            SignIn::Provider { tenant } => Some(self.speaks_for(tenant, &known.person).await?),
        };
        let counts = |kind: FactorKind| match (&by_provider, kind) {
            (_, FactorKind::Passkey | FactorKind::Totp) => true,
            (None, kind) => kind.is_second() || (allow_recovery && kind == FactorKind::Recovery),
            (Some(word), FactorKind::ProviderMfa) => *word != Word::Nothing,
            (Some(word), FactorKind::Provider) => *word == Word::First,
            (Some(_), FactorKind::Recovery) => false,
        };
        let last = proofs.filter(|proof| counts(proof.kind)).map(|proof| proof.at.0).max();
        let fresh = last.is_some_and(|at| self.clock.now().0 - at < i64::from(minutes) * 60_000);
        if fresh {
            return Ok(());
        }
        let needs = portcullis_model::people::Needs::StepUp { within_minutes: minutes };
        let rule = portcullis_model::people::Why::StepUp;
        Err(AccessError::Refused(portcullis_model::people::Refusal { rule, needs, who: String::new() }))
    }

    /// What the word of a tenant's provider is good for in an account's own affairs. Who came in by it must not add ways in to an account
    /// that reaches beyond that tenant, and not go around the factors that the account has.
    async fn speaks_for(&self, tenant: &TenantId, person: &Person) -> Result<Word, AccessError> {
        if person.subject.as_ref().is_none_or(|(own, _)| own != tenant) {
            return Ok(Word::Nothing);
        }
        let factors = self.store.factors(&person.id).await?;
        let has_own = factors.iter().any(|one| match one.kind {
            FactorKind::Passkey => true,
            FactorKind::Totp => totp::is_confirmed(one),
            _ => false,
        });
        Ok(if has_own { Word::Second } else { Word::First })
    }

    /// Something that is proved now.
    pub(crate) fn proof(&self, kind: FactorKind) -> Proof {
        Proof { kind, at: self.clock.now() }
    }

    /// How fresh a second factor must be for a person's own affairs: the strictest of all places.
    async fn own_limits(&self, known: &Known) -> Result<u32, AccessError> {
        let mut minutes = self.limits_at(None).await?.step_up_minutes;
        for tenant in known.caller.tenants().unwrap_or_default() {
            minutes = minutes.min(self.limits_at(Some(&tenant)).await?.step_up_minutes);
        }
        Ok(minutes)
    }
}
