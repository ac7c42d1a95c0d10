//! What people do about duties: turn profiles on and off, attest, propose, approve and withdraw risks; and what the host does by itself
//! when a time is over.
//!
//! Invariants: whoever speaks for a party is checked against the catalogue; nobody approves a risk that they proposed, under whatever name; neither an
//! attestation nor a risk lasts longer than the catalogue says; each act is one entry, in the same transaction as its effect.

use std::time::Duration;

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    duty::{Approval, Attestation, DutyStore, Ending, Factors, Party, Risk, RiskAbout, TurnedOn},
    error::StoreError,
    id::{Digest, DutyId, ProfileName, TenantId},
    time::{Clock, Timestamp},
};

use crate::catalogue::{About, Catalogue, How, Profile};

/// The shortest reason or statement that is one, in characters.
const SHORTEST: usize = 10;
/// The longest that is kept, in characters.
const LONGEST: usize = 500;
/// The longest name.
const LONGEST_NAME: usize = 120;

/// Why an act about duties is not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It may not be done, or not like this; says what to do.
    #[error("{0}")]
    Refused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refuse<T>(why: impl Into<String>) -> Result<T, DeskError> {
    Err(DeskError::Refused(why.into()))
}

/// Who acts, in whose name.
#[derive(Clone, Debug)]
pub struct Who {
    /// As the log names whoever gave the order.
    pub actor: Actor,
    /// The person's name, as it is kept beside what they said.
    pub name: String,
    /// For which party they speak.
    pub party: Party,
    /// The factors that they showed, as whoever asked them vouches; absent at the keyboard of the host itself, where none is asked.
    pub factors: Option<Factors>,
}

/// Where people act.
pub struct Desk<'a> {
    /// What duties there are.
    pub catalogue: &'a Catalogue,
    /// Where acts are kept.
    pub store: &'a dyn DutyStore,
    /// Time.
    pub clock: &'a dyn Clock,
}

impl Desk<'_> {
    /// Turns a profile on. False where it is on already.
    pub async fn turn_on(
        &self,
        who: &Who,
        tenant: TenantId,
        name: ProfileName,
        reason: &str,
    ) -> Result<bool, DeskError> {
        let profile = self.changeable(who, &name)?;
        let reason = text("reason", reason)?;
        let now = self.clock.now();
        let words: Vec<String> =
            profile.settings.iter().map(|one| format!("{}: {}", one.duty, one.value.words())).collect();
        let entry = self
            .entry(who, Kind::ProfileChanged, &tenant)
            .about(format!("profile:{name}"))
            .with("on", true)
            .with("reason", reason.as_str())
            .with("settings", words);
        let on = TurnedOn { tenant, profile: name, by: self.name(who)?, reason, since: now };
        Ok(self.store.turn_on(on, entry).await?)
    }

    /// Turns a profile off. False where it is not on.
    pub async fn turn_off(
        &self,
        who: &Who,
        tenant: TenantId,
        name: ProfileName,
        reason: &str,
    ) -> Result<bool, DeskError> {
        self.changeable(who, &name)?;
        // It widens what plugins may do: as with the risk that it amounts to, it takes a reason and a second factor.
        second_factor(who, "turning a profile off")?;
        let reason = text("reason", reason)?;
        let entry = self
            .entry(who, Kind::ProfileChanged, &tenant)
            .about(format!("profile:{name}"))
            .with("on", false)
            .with("reason", reason);
        Ok(self.store.turn_off(tenant, name, entry).await?)
    }

    fn changeable(&self, who: &Who, name: &ProfileName) -> Result<&Profile, DeskError> {
        if !matches!(who.party, Party::Subscriber | Party::Platform) {
            return refuse(format!("profiles are the subscriber's to turn on and off, not the {}'s", who.party));
        }
        match self.catalogue.profile(name) {
            None => refuse(self.catalogue.unknown(name)),
            Some(profile) if profile.always => refuse(format!("'{name}' is always on")),
            Some(profile) => Ok(profile),
        }
    }

    /// Keeps what somebody says about a duty, until a day; where none is given, for as long as the catalogue lets it count.
    pub async fn attest(
        &self,
        who: &Who,
        duty: &DutyId,
        tenant: Option<TenantId>,
        statement: &str,
        until: Option<Timestamp>,
    ) -> Result<Attestation, DeskError> {
        let found = self.catalogue.duty(duty);
        let Some(found) = found else { return refuse(format!("there is no duty {duty}; see 'portcullis duty list'")) };
        let How::Attested(rule) = &found.how else {
            return refuse(format!("{duty} is {}, and nobody's word makes it so", found.how.name()));
        };
        if !who.party.may_act_for(rule.by) {
            return refuse(format!("{duty} is attested by the {}, not by the {}", rule.by, who.party));
        }
        let now = self.clock.now();
        let until = self.end(now, until, rule.days)?;
        let (by, statement) = (self.name(who)?, text("statement", statement)?);
        let entry = Entry::new(now, Kind::DutyAttested, who.actor.clone(), tenant.clone())
            .about(format!("duty:{duty}"))
            .with("party", who.party.name())
            .with_personal("by", &by)
            .with_personal("statement", &statement)
            .with("until", until.to_string());
        let said =
            Attestation { number: 0, duty: duty.clone(), tenant, party: who.party, by, statement, since: now, until };
        let number = self.store.attest(said.clone(), entry).await?;
        Ok(Attestation { number, ..said })
    }

    /// Takes back what somebody said about a duty, for the party that said it. It counts no more from then on.
    pub async fn unsay(&self, who: &Who, number: u64, reason: &str) -> Result<Attestation, DeskError> {
        let all = self.store.duty_state().await?.attestations;
        let Some(said) = all.into_iter().find(|one| one.number == number) else {
            return refuse(format!("there is no attestation {number}, or it is over"));
        };
        if !who.party.may_act_for(said.party) {
            return refuse(format!("the {} said it, and the {} does not take that back", said.party, who.party));
        }
        let (by, reason) = (self.name(who)?, text("reason", reason)?);
        let entry = Entry::new(self.clock.now(), Kind::AttestationWithdrawn, who.actor.clone(), said.tenant.clone())
            .about(format!("duty:{}", said.duty))
            .with("party", said.party.name())
            .with_personal("by", &by)
            .with_personal("reason", &reason);
        match self.store.lapse_attestation(number, entry).await? {
            true => Ok(said),
            false => refuse(format!("attestation {number} is over already")),
        }
    }

    /// Proposes to accept a risk. It has no effect before somebody else approves it.
    pub async fn propose(
        &self,
        who: &Who,
        duty: &DutyId,
        about: RiskAbout,
        reason: &str,
        until: Timestamp,
    ) -> Result<Risk, DeskError> {
        let rule = self.catalogue.duty(duty).and_then(|duty| duty.risk.as_ref());
        let Some(rule) = rule else {
            let which: Vec<&str> =
                self.catalogue.duties.iter().filter(|one| one.risk.is_some()).map(|one| one.id.as_str()).collect();
            return refuse(format!("no risk can be accepted against {duty}; it can against {}", which.join(" and ")));
        };
        match (&about, rule.about) {
            (RiskAbout::Connection(_), About::Connection) | (RiskAbout::Host { .. }, About::Host) => {}
            (_, About::Connection) => {
                return refuse(format!("a risk against {duty} is about one connection: --connection"));
            }
            (_, About::Host) => {
                return refuse(format!("a risk against {duty} is about one host of a tenant: --host and --tenant"));
            }
        }
        let now = self.clock.now();
        let until = self.end(now, Some(until), rule.days)?;
        let (by, reason) = (self.name(who)?, text("reason", reason)?);
        let waits = |one: &Risk| one.about == about && one.duty == *duty && one.standing(now) == "proposed";
        if let Some(there) = self.store.duty_state().await?.risks.iter().find(|one| waits(one)) {
            return refuse(format!("risk {} about the same waits for approval already", there.number));
        }
        let (number, duty, actor) = (0, duty.clone(), behind(&who.actor));
        let risk = Risk { number, duty, about, reason, by, actor, since: now, until, approved: None, ended: None };
        let entry = self.of_risk(who, Kind::RiskProposed, &risk).with("reason", risk.reason.as_str());
        let number = self.store.propose(risk.clone(), entry).await?;
        Ok(Risk { number, ..risk })
    }

    /// Approves a risk: another person than who proposed it, of the party that the catalogue names, with two factors where any are asked.
    pub async fn approve(&self, who: &Who, number: u64) -> Result<Risk, DeskError> {
        let found = self.found(number).await?;
        let Some(rule) = self.catalogue.duty(&found.duty).and_then(|duty| duty.risk.as_ref()) else {
            return refuse(format!("no risk can be accepted against {} any more", found.duty));
        };
        let (by, now) = (self.name(who)?, self.clock.now());
        if !who.party.may_act_for(rule.by) {
            return refuse(format!(
                "a risk against {} is approved by the {}, not by the {}",
                found.duty, rule.by, who.party
            ));
        }
        if same_person(&by, &found.by) {
            return refuse(format!("{by} proposed it: somebody else approves it"));
        }
        if found.actor.is_some() && found.actor == behind(&who.actor) {
            return refuse(format!(
                "the account that proposed risk {number} cannot approve it: somebody else does, from an account of their own"
            ));
        }
        second_factor(who, "approving a risk")?;
        if found.standing(now) != "proposed" {
            return refuse(format!("risk {number} is {}", found.standing(now)));
        }
        let approval = Approval { by, party: who.party, factors: who.factors.clone().unwrap_or_default(), at: now };
        let entry = self
            .of_risk(who, Kind::RiskApproved, &found)
            .with("switches", rule.switches.as_str())
            .with("factors", approval.factors.0.clone());
        match self.store.approve(number, approval.clone(), entry).await? {
            true => Ok(Risk { approved: Some(approval), ..found }),
            false => refuse(format!("risk {number} changed just now; look at it again")),
        }
    }

    /// Takes a risk back, proposed or accepted.
    pub async fn withdraw(&self, who: &Who, number: u64, reason: &str) -> Result<Risk, DeskError> {
        let found = self.found(number).await?;
        let (by, reason) = (self.name(who)?, text("reason", reason)?);
        let entry = self.of_risk(who, Kind::RiskWithdrawn, &found).with("reason", reason.as_str());
        let ending = Ending::Withdrawn { by, reason, at: self.clock.now() };
        match self.store.end_risk(number, ending.clone(), entry).await? {
            true => Ok(Risk { ended: Some(ending), ..found }),
            false => refuse(format!("risk {number} is over already")),
        }
    }

    /// Writes down what is over. What it ends has ended at its own moment, whether anybody writes that down or not. Gives how many.
    pub async fn lapse(&self) -> Result<usize, DeskError> {
        let (now, state, mut count) = (self.clock.now(), self.store.duty_state().await?, 0);
        for risk in state.risks.iter().filter(|one| one.ended.is_none() && one.until <= now) {
            let entry = host_entry(now, Kind::RiskLapsed, Some(risk.about.tenant().clone()))
                .about(format!("duty:{}", risk.duty))
                .with("about", risk.about.to_string())
                .with("was", if risk.approved.is_some() { "accepted" } else { "proposed" })
                .with("until", risk.until.to_string());
            count += usize::from(self.store.end_risk(risk.number, Ending::Lapsed, entry).await?);
        }
        for said in state.attestations.iter().filter(|one| one.until <= now) {
            let entry = host_entry(now, Kind::AttestationLapsed, said.tenant.clone())
                .about(format!("duty:{}", said.duty))
                .with("party", said.party.name())
                .with_personal("by", &said.by)
                .with("until", said.until.to_string());
            count += usize::from(self.store.lapse_attestation(said.number, entry).await?);
        }
        Ok(count)
    }

    async fn found(&self, number: u64) -> Result<Risk, DeskError> {
        let all = self.store.duty_state().await?.risks;
        let found = all.into_iter().find(|one| one.number == number);
        found.ok_or_else(|| DeskError::Refused(format!("there is no risk {number}; see 'portcullis risk list'")))
    }

    fn entry(&self, who: &Who, kind: Kind, tenant: &TenantId) -> Entry {
        Entry::new(self.clock.now(), kind, who.actor.clone(), Some(tenant.clone()))
            .with("party", who.party.name())
            .with_personal("by", &who.name)
    }

    fn of_risk(&self, who: &Who, kind: Kind, risk: &Risk) -> Entry {
        self.entry(who, kind, risk.about.tenant())
            .about(format!("duty:{}", risk.duty))
            .with("about", risk.about.to_string())
            .with("until", risk.until.to_string())
    }

    fn name(&self, who: &Who) -> Result<String, DeskError> {
        let name = who.name.trim();
        match (1..=LONGEST_NAME).contains(&name.chars().count()) {
            true => Ok(portcullis_model::audit::plain(name)),
            false => refuse(format!("who says so? a name of 1 to {LONGEST_NAME} characters")),
        }
    }

    fn end(&self, now: Timestamp, until: Option<Timestamp>, days: u32) -> Result<Timestamp, DeskError> {
        let latest = now.plus(Duration::from_secs(u64::from(days) * 86_400));
        match until {
            None => Ok(latest),
            Some(until) if until <= now => refuse(format!("{until} is over already")),
            Some(until) if until > latest => refuse(format!("at most {days} days: until {latest}")),
            Some(until) => Ok(until),
        }
    }
}

/// Who gives an order, whatever name they give: a digest, so that what is kept with a risk names nobody.
fn behind(actor: &Actor) -> Option<Digest> {
    let who = match actor {
        Actor::Person { name } => format!("person {name}"),
        Actor::Account { person, .. } => format!("account {person}"),
        Actor::Automation { client } => format!("automation {client}"),
        _ => return None,
    };
    Some(Digest::of(who.as_bytes()))
}

fn second_factor(who: &Who, act: &str) -> Result<(), DeskError> {
    match who.factors.as_ref().is_some_and(|factors| !factors.are_two()) {
        true => refuse(format!("{act} takes a second factor: show one and try again")),
        false => Ok(()),
    }
}

fn host_entry(now: Timestamp, kind: Kind, tenant: Option<TenantId>) -> Entry {
    Entry::new(now, kind, Actor::Host, tenant)
}

/// Names that differ in case or blanks alone are one person's.
fn same_person(a: &str, b: &str) -> bool {
    let fold = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    fold(a) == fold(b)
}

fn text(what: &str, text: &str) -> Result<String, DeskError> {
    let text = portcullis_model::audit::plain(text.trim());
    match (SHORTEST..=LONGEST).contains(&text.chars().count()) {
        true => Ok(text),
        false => refuse(format!("{what}: {SHORTEST} to {LONGEST} characters that say it")),
    }
}

#[cfg(test)]
mod tests;
