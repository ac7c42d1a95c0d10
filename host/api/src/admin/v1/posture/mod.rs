//! How tenants stand: each setting of their profiles and each duty holds, is open, or is accepted as a risk (MON-7).
//!
//! Invariants: it is computed when it is asked for; nobody sees a posture of a tenant that they have nothing to do with.

mod get;
pub(super) mod page;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use portcullis_duties::{
    desk::{Desk, DeskError, Who},
    look::Look,
    posture::{Move, Posture},
};
use portcullis_model::{
    audit::{Actor, query::moment},
    duty::{DutyStore, Factors, Party},
    id::{DutyId, TenantId},
    people::{Caller, FactorKind, Principal},
    time::{Clock, Timestamp},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    admin::{Call, Group, Operation, given::wrong, unavailable},
    problem::{Problem, Reason},
};

/// What duties, profiles and risks are looked at and changed with.
pub struct Ports {
    /// What there is to see.
    pub look: Arc<dyn Look>,
    /// Where profiles, attestations and risks are kept.
    pub duties: Arc<dyn DutyStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<get::Get>().with::<page::PageAlone>()
}

/// How many lines hold, are open, and are accepted as a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PostureCounts)]
pub struct Counts {
    /// As they should be.
    holds: usize,
    /// Somebody has to do something.
    open: usize,
    /// Somebody answers for their not being so.
    accepted: usize,
}

impl Counts {
    pub(super) fn of(posture: &Posture) -> Self {
        let (holds, open, accepted) = posture.counts();
        Self { holds, open, accepted }
    }
}

/// What somebody has to do: of which party, who, what, and by which act; with the duties that it is for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DutyMove)]
pub struct MoveView {
    /// What, and whose it is.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    one: Move,
    /// Which duties it is for.
    #[schema(value_type = Vec<String>)]
    duties: Vec<DutyId>,
}

impl MoveView {
    /// Whether it is one of these, for whichever duties.
    pub(super) fn is_among(&self, others: &[Move]) -> bool {
        others.contains(&self.one)
    }

    pub(super) fn all(posture: &Posture, party: Option<Party>) -> Vec<Self> {
        let meant = |one: &Move| party.is_none_or(|party| one.party == party);
        let all = posture.moves().into_iter().filter(|(one, _)| meant(one));
        all.map(|(one, duties)| Self { one, duties }).collect()
    }
}

/// Something of the catalogue or a posture, as it is written.
pub(super) fn value(of: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(of).map_err(|error| unavailable(&error))
}

impl Ports {
    /// The tenant that a request means: the one that is named, or the only one that whoever asks sees.
    pub(super) async fn meant<O: Operation>(
        &self,
        call: &Call<O>,
        named: Option<&TenantId>,
    ) -> Result<TenantId, Problem> {
        if let Some(tenant) = named {
            return Ok(tenant.clone());
        }
        let all = match call.caller.tenants() {
            Some(own) => own,
            None => self.look.tenants().await.map_err(|error| unavailable(&error))?,
        };
        let seen: Vec<TenantId> = call.seen(all).await?.into_iter().collect();
        match seen.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(wrong("tenant: nothing is installed anywhere; name the tenant that you mean.".to_owned())),
            many => {
                let names: Vec<&str> = many.iter().take(20).map(TenantId::as_str).collect();
                Err(wrong(format!("tenant: there are {}; name one: {}.", many.len(), names.join(", "))))
            }
        }
    }

    /// Where people act.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { catalogue: self.look.catalogue(), store: self.duties.as_ref(), clock: self.clock.as_ref() }
    }
}

/// In whose name, for which party and with which factors somebody acts.
pub(super) fn who(caller: &Caller, party: Party) -> Who {
    let name = match &caller.actor {
        Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
        Actor::Automation { client } => client.to_string(),
        _ => "the host".to_owned(),
    };
    let name = caller.speaks_as.clone().unwrap_or(name);
    Who { actor: caller.actor.clone(), name, party, factors: factors(caller) }
}

/// What somebody proved in their session; nothing is asked of whoever holds the host itself.
fn factors(caller: &Caller) -> Option<Factors> {
    if caller.principal == Principal::Operator {
        return None;
    }
    let said = |kind: FactorKind| match kind {
        // It is something that one has, and it verified its user by something that one knows or is.
        FactorKind::Passkey => vec!["passkey", "user-verification"],
        FactorKind::ProviderMfa => vec!["provider", "provider-mfa"],
        other => vec![other.name()],
    };
    Some(Factors(caller.factors.iter().flat_map(|proof| said(proof.kind)).map(str::to_owned).collect()))
}

/// For which party somebody speaks: in a tenant for the subscriber, elsewhere for the platform. Whoever holds the host says for whom.
pub(super) fn party(caller: &Caller, tenant: Option<&TenantId>, named: Option<Party>, usual: Party) -> Party {
    match (&caller.principal, tenant) {
        (Principal::Operator, _) => named.unwrap_or(usual),
        (_, Some(_)) => Party::Subscriber,
        // The platform's own people vet releases, too: nobody else is asked to.
        (_, None) if named.unwrap_or(usual) == Party::Reviewer => Party::Reviewer,
        (_, None) => Party::Platform,
    }
}

/// A day or a moment, as somebody wrote it.
pub(super) fn until(text: &str) -> Result<Timestamp, Problem> {
    let wrong = || Problem::new(Reason::WrongBody, "until: expected a day such as 2026-12-01, or a time.");
    moment(text).ok_or_else(wrong)
}

/// What the desk refused.
pub(super) fn refused(error: DeskError) -> Problem {
    match error {
        DeskError::Refused(why) => Problem::new(Reason::Refused, format!("{why}.")),
        DeskError::Store(error) => unavailable(&error),
    }
}
