//! Accepted risks: what somebody answers for by name, until a day.
//!
//! Invariants: a risk has an effect only after somebody else than its proposer approved it, with a second factor; nobody sees or
//! changes one of a tenant that they have nothing to do with.

mod approve;
mod get;
mod list;
mod propose;
#[cfg(test)]
mod tests;
mod withdraw;

use portcullis_model::{duty::Risk, people::Resource, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use super::posture::Ports;
use crate::{
    admin::{Group, unavailable, unknown},
    problem::Problem,
};

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<propose::Propose>()
        .with::<approve::Approve>()
        .with::<withdraw::Withdraw>()
}

/// Which risk.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its number.
    number: u64,
}

/// A risk that somebody answers for by name, until a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Risk)]
pub struct RiskView {
    /// How it stands: `proposed`, `accepted`, `lapsed` or `withdrawn`.
    standing: &'static str,
    /// What it lets pass, in words.
    about: String,
    /// Exactly what it switches, as the catalogue says.
    switches: String,
    /// How many whole days are left until it lapses; absent where it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
    /// Against which duty, about what, why, who proposed and who approved it, and until when.
    #[schema(value_type = Object)]
    risk: Risk,
}

impl Ports {
    async fn risk(&self, number: u64) -> Result<Risk, Problem> {
        let all = self.duties.duty_state().await.map_err(|error| unavailable(&error))?.risks;
        let found = all.into_iter().find(|one| one.number == number);
        found.ok_or_else(|| unknown("There is no risk with this number; see GET /admin/v1/risks."))
    }

    async fn resource_of_risk(&self, which: &Which) -> Result<Resource, Problem> {
        let tenant = self.risk(which.number).await?.about.tenant().clone();
        Ok(Resource::of(tenant, "risk").named(which.number.to_string()))
    }

    fn shown_risk(&self, risk: Risk, now: Timestamp) -> RiskView {
        let rule = self.look.catalogue().duty(&risk.duty).and_then(|duty| duty.risk.as_ref());
        let switches = rule.map(|rule| rule.switches.clone()).unwrap_or_default();
        let standing = risk.standing(now);
        let days_left = matches!(standing, "proposed" | "accepted").then(|| days(now, risk.until));
        RiskView { standing, about: risk.about.to_string(), switches, days_left, risk }
    }
}

/// Whole days from one moment to a later one.
fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.0.saturating_sub(from.0).max(0) / 86_400_000
}
