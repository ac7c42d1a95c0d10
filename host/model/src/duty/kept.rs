//! What is on record about duties.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Factors, Party};
use crate::{
    connection::ConnectionKey,
    id::{Digest, DutyId, ProfileName, TenantId},
    time::Timestamp,
};

/// A profile that a tenant has turned on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TurnedOn {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub profile: ProfileName,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// What somebody said about a duty, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attestation {
    /// Counts them.
    pub number: u64,
    /// About which duty.
    pub duty: DutyId,
    /// Of which tenant; absent for what holds for the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// For which party.
    pub party: Party,
    /// Who said it.
    pub by: String,
    /// What was said.
    pub statement: String,
    /// When.
    pub since: Timestamp,
    /// Until when it counts.
    pub until: Timestamp,
}

/// What a risk is about: exactly what its acceptance lets pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskAbout {
    /// The static token of one connection (INT-3).
    Connection(ConnectionKey),
    /// Requests of one tenant to one host without TLS (DAT-5).
    Host {
        /// Whose requests.
        tenant: TenantId,
        /// To which host.
        host: String,
    },
}

impl RiskAbout {
    /// Whose risk it is.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Connection(key) => &key.tenant,
            Self::Host { tenant, .. } => tenant,
        }
    }
}

impl fmt::Display for RiskAbout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(key) => write!(f, "connection {key}"),
            Self::Host { tenant, host } => write!(f, "host {host} of tenant {tenant}"),
        }
    }
}

/// Somebody's agreement to a risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Approval {
    /// Who.
    pub by: String,
    /// For which party.
    pub party: Party,
    /// With which factors, as whoever asked them vouches.
    pub factors: Factors,
    /// When.
    pub at: Timestamp,
}

/// How a risk ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Its time is over.
    Lapsed,
    /// Somebody took it back.
    Withdrawn {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// A risk that was proposed, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Risk {
    /// Counts them.
    pub number: u64,
    /// Which duty it goes against.
    pub duty: DutyId,
    /// What it lets pass.
    pub about: RiskAbout,
    /// Why, in a person's words.
    pub reason: String,
    /// Who proposed it.
    pub by: String,
    /// The digest of who that was to the host, whatever name was given; absent in those that were kept without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Digest>,
    /// When.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
}

impl Risk {
    /// Whether it lets pass what it is about, now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.approved.is_some() && self.ended.is_none() && now < self.until
    }

    /// How it stands now, in a word.
    pub fn standing(&self, now: Timestamp) -> &'static str {
        match (&self.ended, &self.approved) {
            (Some(Ending::Withdrawn { .. }), _) => "withdrawn",
            (Some(Ending::Lapsed), _) => "lapsed",
            _ if now >= self.until => "lapsed",
            (None, Some(_)) => "accepted",
            (None, None) => "proposed",
        }
    }
}

/// All that is on record, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DutyState {
    /// Goes up with each change.
    pub revision: u64,
    /// Profiles that are on.
    pub profiles: Vec<TurnedOn>,
    /// Attestations, the newest of each duty, tenant and party; their time may be over.
    pub attestations: Vec<Attestation>,
    /// Risks, oldest first, those that are over too.
    pub risks: Vec<Risk>,
}

/// How one line of a posture stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostureLine {
    /// Which line: profile, duty and setting.
    pub key: String,
    /// In a word: `holds`, `open` or `accepted`.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_risk_holds_from_its_approval_to_the_moment_that_it_names() {
        let about = RiskAbout::Host { tenant: "acme".parse().unwrap(), host: "pbx.example".into() };
        let proposed = Risk {
            number: 1,
            duty: "DAT-5".parse().unwrap(),
            about,
            reason: "the old switchboard has no TLS".into(),
            by: "dana".into(),
            actor: None,
            since: Timestamp(1),
            until: Timestamp(10),
            approved: None,
            ended: None,
        };
        assert!(!proposed.holds(Timestamp(5)));
        assert_eq!(proposed.standing(Timestamp(5)), "proposed");
        let by =
            Approval { by: "erin".into(), party: Party::Subscriber, factors: Factors::default(), at: Timestamp(2) };
        let approved = Risk { approved: Some(by), ..proposed };
        assert!(approved.holds(Timestamp(9)) && !approved.holds(Timestamp(10)));
        assert_eq!(approved.standing(Timestamp(10)), "lapsed", "before anybody has written that down");
        let withdrawn = Ending::Withdrawn { by: "erin".into(), reason: "replaced".into(), at: Timestamp(3) };
        assert!(!Risk { ended: Some(withdrawn), ..approved }.holds(Timestamp(5)));
    }

    #[test]
    fn whoever_answers_for_it_or_anybody_for_what_is_shared() {
        assert!(Party::Subscriber.may_act_for(Party::Subscriber) && Party::Developer.may_act_for(Party::Shared));
        assert!(!Party::Developer.may_act_for(Party::Subscriber));
        assert!(!Factors(vec!["passkey".into(), "passkey".into()]).are_two());
        assert!(Factors(vec!["passkey".into(), "totp".into()]).are_two());
    }
}
