//! Profiles: sets of thresholds that a tenant turns on. Of several, the most restrictive value of each setting holds (ACC-9).
//!
//! Invariants: what turning one on or off would do to each installation is said before anybody does it, by the same functions; a
//! rehearsal writes nothing.

mod change;
mod list;
mod plan;

use portcullis_duties::{
    look::{Change, Turn},
    posture::Posture,
};
use portcullis_model::id::{ProfileName, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub use super::posture::Ports;
use super::posture::{Counts, MoveView, value};
use crate::{
    admin::{Group, unavailable},
    problem::{Problem, Reason},
};

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<plan::Plan>().with::<change::SetProfile>()
}

/// Which profile of which tenant.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
    /// The profile.
    #[param(value_type = String)]
    profile: ProfileName,
}

/// What turning a profile on or off does, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileTurned {
    /// In which tenant.
    tenant: String,
    /// Which profile.
    profile: String,
    /// On, or off.
    on: bool,
    /// Whether it was so already: nothing was done then.
    already: bool,
    /// Whether this was a rehearsal: nothing was done then.
    dry_run: bool,
    /// What is different for each installation.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<Value>,
    /// How the tenant stands without it being turned.
    before: Counts,
    /// How it stands with it.
    after: Counts,
    /// The profile's lines as they then are; empty where it is turned off.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// Who has to do what then that nobody has to do without.
    opens: Vec<MoveView>,
    /// Who has to do what without it that nobody has to do then.
    closes: Vec<MoveView>,
}

impl Ports {
    /// What a turn would do, as the tenant stands now.
    async fn turned(&self, which: &Which, on: bool, dry_run: bool) -> Result<ProfileTurned, Problem> {
        let catalogue = self.look.catalogue();
        let Some(profile) = catalogue.profile(&which.profile) else {
            return Err(Problem::new(Reason::Unknown, format!("{}.", catalogue.unknown(&which.profile))));
        };
        if profile.always {
            return Err(Problem::new(Reason::Refused, format!("'{}' is always on.", which.profile)));
        }
        let turn = Turn { profile: which.profile.clone(), on };
        let (tenant, look) = (&which.tenant, &self.look);
        let (before, after) = look.turned(tenant, &turn).await.map_err(|error| unavailable(&error))?;
        let changes: Vec<Change> = look.changes(tenant, &turn).await.map_err(|error| unavailable(&error))?;
        let lines = after.profiles.iter().filter(|section| section.profile == which.profile);
        let lines = lines.flat_map(|section| &section.lines).map(value).collect::<Result<_, _>>()?;
        let is_on = before.profiles.iter().any(|section| section.profile == which.profile);
        Ok(ProfileTurned {
            tenant: tenant.to_string(),
            profile: which.profile.to_string(),
            on,
            already: is_on == on,
            dry_run,
            changes: changes.iter().map(value).collect::<Result<_, _>>()?,
            before: Counts::of(&before),
            after: Counts::of(&after),
            lines,
            opens: more(&after, &before),
            closes: more(&before, &after),
        })
    }
}

/// The moves of one posture that another one lacks.
fn more(of: &Posture, than: &Posture) -> Vec<MoveView> {
    let others: Vec<_> = than.moves().into_iter().map(|(one, _)| one).collect();
    MoveView::all(of, None).into_iter().filter(|view| !view.is_among(&others)).collect()
}
