//! Rotation of credentials: how old each is, what a rotation would do, one that is ordered, and the report of each (INT-5, INT-6).
//!
//! Invariants: what reaches beyond one tenant is the platform's to order; whoever reads a rotation sees the lines of their own tenants
//! alone; a rotation goes on whether or not whoever ordered it waits; one of a tenant is carried out at a time, and no tenant waits for
//! another's.

mod carried;
mod get;
mod list;
mod policies;
mod policy;
mod rehearsing;
mod report;
mod resume;
mod start;
mod status;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_broker::rotation::{Order, Progress, Report, RotateError, Rotator, Totals};
use portcullis_model::{
    audit::{Actor, plain},
    error::StoreError,
    freeze::Extent,
    id::{RotationId, TenantId},
    installation::InstallationStore,
    people::Resource,
    rotation::{Act, Line, Reached, RotationStore},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::carried::{LATE, background};
pub use self::{carried::CutOff, rehearsing::Rehearsing};
use super::freezes::ExtentView;
use crate::{
    admin::{Call, Group, Operation, unavailable, unknown},
    problem::{Problem, Reason},
};

/// How many lines are shown of a rotation that has just begun.
const SHOWN: usize = 200;

/// The right to carry out a rotation, until it is dropped.
pub type Turn = Box<dyn Send>;

/// The platform's place before its turn: while it is held nobody begins, and who has begun is not through yet.
#[async_trait]
pub trait Place: Send {
    /// Waits for the turn; `None` where rotations of tenants do not come to their end.
    ///
    /// # Errors
    /// It cannot be asked for.
    async fn turn(self: Box<Self>) -> Result<Option<Turn>, StoreError>;
}

/// A report with its signature.
#[derive(Clone, Debug)]
pub struct SignedReport {
    /// The envelope, as JSON (DSSE).
    pub envelope: String,
    /// The digest of its bytes.
    pub digest: String,
    /// By which key.
    pub key: String,
}

/// What carries out rotations.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// In somebody's name, who acts for the platform or does not.
    fn rotator(&self, by: Actor, platform: bool) -> Rotator;

    /// The right to carry one out within a tenant, or beyond where that is none: waits for a moment; `None` while one that it would
    /// meet is under way.
    ///
    /// # Errors
    /// It cannot be asked for.
    async fn turn(&self, tenant: Option<&TenantId>) -> Result<Option<Turn>, StoreError>;

    /// The platform's place in a tenant, or everywhere where that is none, for an emergency that freezes before it waits; `None` while
    /// another one of the platform is under way everywhere.
    ///
    /// # Errors
    /// It cannot be asked for.
    async fn place(&self, tenant: Option<&TenantId>) -> Result<Option<Box<dyn Place>>, StoreError>;

    /// How long old secrets go on beside new ones in this tenant, or where that is none on the host.
    ///
    /// # Errors
    /// Storage.
    async fn overlap(&self, tenant: Option<&TenantId>) -> Result<Duration, StoreError>;

    /// Signs a report, and writes its digest into the log in somebody's name.
    ///
    /// # Errors
    /// It cannot be signed, or storage.
    async fn sign(&self, report: &Report, by: Actor) -> Result<SignedReport, StoreError>;
}

/// What rotations are asked about and ordered with.
pub struct Ports {
    /// What carries them out.
    pub workshop: Arc<dyn Workshop>,
    /// Where they are kept.
    pub store: Arc<dyn RotationStore>,
    /// Whose installations are.
    pub installations: Arc<dyn InstallationStore>,
    /// Why those that were begun with it do not go on.
    pub cut_off: CutOff,
    /// Whose are being rehearsed.
    pub rehearsing: Rehearsing,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<status::Status>()
        .with::<list::List>()
        .with::<start::Start>()
        .with::<get::Get>()
        .with::<report::SignReport>()
        .with::<resume::GoOn>()
        .with::<policies::List>()
        .with::<policy::Get>()
        .with::<policy::Set>()
        .with::<policy::Clear>()
}

/// Which rotation.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `rot_0123456789abcdef01234567`.
    #[param(value_type = String)]
    id: RotationId,
}

/// A rotation: what was ordered, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Rotation)]
pub struct RotationView {
    /// Its id.
    id: String,
    /// How: `planned` mints anew with overlap, `emergency` freezes and revokes first, `rehearsal` changes nothing.
    #[schema(value_type = String)]
    mode: portcullis_model::rotation::Mode,
    /// What it reaches.
    extent: ExtentView,
    /// The same in words.
    reaches: String,
    /// Why, in a person's words.
    reason: String,
    /// Who ordered it.
    by: String,
    /// When it began.
    #[schema(format = DateTime)]
    started: String,
    /// When it was through; absent while it is under way, or was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// Whether nothing in it is open or failed. Of a rotation of several tenants: as far as whoever asks may see.
    whole: bool,
    /// From the order to the moment from which nothing in the extent went out, in milliseconds; absent where nothing was frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    reach_ms: Option<u64>,
    /// The freeze that goes with it; absent where there is none, or where it is another's.
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<u64>,
    /// When it was known that nothing in the extent goes out any more, and how; absent as the freeze is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    reached: Option<Reached>,
    /// How long an old secret goes on beside a new one, in seconds.
    overlap_seconds: u64,
    /// Whether all that is in the extent was listed.
    listed: bool,
    /// How many lines have no end yet, or failed.
    open: usize,
    /// What became of how many.
    #[schema(value_type = Object)]
    totals: Totals,
    /// Why it does not go on, where it was cut off and whoever answers carried it out; absent while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_off: Option<String>,
}

/// A rotation, line by line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotationReport)]
pub struct Lines {
    /// The rotation.
    rotation: RotationView,
    /// What became of each credential: those of tenants that whoever asks may see.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Line>,
    /// Where the next ones are: a path and query. Absent where these are all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// In a rehearsal: of how many providers rotations before tell how quick they are.
    #[serde(rename = "providers-measured", skip_serializing_if = "Option::is_none")]
    measured: Option<usize>,
}

impl Lines {
    /// A rotation that is under way, and the first of its lines.
    fn begun(act: &Act, mut lines: Vec<Line>) -> Self {
        let rotation = RotationView::of(act, &lines);
        let next = (lines.len() > SHOWN).then(|| format!("/admin/v1/rotations/{}?limit={SHOWN}", act.id));
        lines.truncate(SHOWN);
        Self { rotation, lines, next, measured: None }
    }
}

impl RotationView {
    fn of(act: &Act, lines: &[Line]) -> Self {
        let reach_ms = act.reached.map(|reached| u64::try_from(reached.at.0 - act.started.0).unwrap_or(0));
        let nothing_left = act.reached.is_none_or(|reached| reached.left == 0);
        Self {
            id: act.id.to_string(),
            mode: act.mode,
            extent: (&act.extent).into(),
            reaches: act.extent.to_string(),
            reason: act.reason.clone(),
            by: act.by.clone(),
            started: act.started.to_string(),
            ended: act.ended.as_ref().map(ToString::to_string),
            whole: act.ended.is_some() && nothing_left && !lines.iter().any(Line::is_open),
            reach_ms,
            freeze: act.freeze,
            reached: act.reached,
            overlap_seconds: act.overlap,
            listed: act.listed,
            open: lines.iter().filter(|line| line.is_open()).count(),
            totals: Totals::of(lines),
            cut_off: None,
        }
    }
}

/// Whose lines whoever asks sees.
enum Seen {
    Everything,
    Of(BTreeSet<TenantId>),
}

impl Seen {
    async fn of<O: Operation>(call: &Call<O>) -> Result<Self, Problem> {
        Ok(match (call.resource.tenant.clone(), call.caller.tenants()) {
            (Some(tenant), _) => Self::Of([tenant].into()),
            (None, None) => Self::Everything,
            (None, Some(own)) => Self::Of(call.seen(own).await?),
        })
    }

    /// The lines of a rotation that are seen; `None` where there is nothing of it to be seen.
    fn lines(&self, act: &Act, mut lines: Vec<Line>) -> Option<Vec<Line>> {
        let Self::Of(tenants) = self else { return Some(lines) };
        lines.retain(|line| line.item.owner().is_some_and(|owner| tenants.contains(owner)));
        let own = matches!(&act.extent, Extent::Tenant(tenant) if tenants.contains(tenant));
        (own || !lines.is_empty()).then_some(lines)
    }

    /// Why, and by whom, where that is not for another tenant's ears.
    fn told(&self, act: &Act, view: RotationView) -> RotationView {
        match self {
            Self::Of(_) if !act.extent.is_of_one_tenant() => {
                let reason = "for reasons of whoever runs the host".to_owned();
                RotationView { reason, by: String::new(), freeze: None, reached: None, cut_off: None, ..view }
            }
            _ => view,
        }
    }
}

impl Ports {
    async fn act(&self, id: &RotationId) -> Result<Act, Problem> {
        let all = self.store.acts().await.map_err(|error| unavailable(&error))?;
        let found = all.into_iter().find(|act| act.id == *id);
        found.ok_or_else(|| unknown("There is no rotation with this id; see GET /admin/v1/rotations."))
    }

    async fn lines(&self, id: &RotationId) -> Result<Vec<Line>, Problem> {
        self.store.lines(id).await.map_err(|error| unavailable(&error))
    }

    /// Whose a rotation of this extent is.
    async fn resource(&self, extent: &Extent) -> Result<Resource, Problem> {
        let tenant = match extent {
            Extent::All | Extent::Provider(_) | Extent::Publisher(_) | Extent::Plugin(_) => None,
            Extent::Tenant(tenant) => Some(tenant.clone()),
            Extent::Connection(key) => Some(key.tenant.clone()),
            Extent::Installation(id) => {
                let all = self.installations.installations().await.map_err(|error| unavailable(&error))?;
                all.into_iter().find(|one| one.id == *id).map(|one| one.tenant)
            }
        };
        Ok(match tenant {
            Some(tenant) => Resource::of(tenant, "rotation"),
            None => Resource::of_platform("rotation"),
        })
    }

    /// The right to carry something out.
    async fn turn(&self, of: &Resource) -> Result<Turn, Problem> {
        let turn = self.workshop.turn(of.tenant.as_ref()).await.map_err(|error| unavailable(&error))?;
        turn.ok_or_else(|| busy(of))
    }

    /// Freezes what an emergency of the platform reaches, and goes on in the background when it is its turn.
    async fn frozen_first<O: Operation>(&self, call: &Call<O>, order: Order) -> Result<Act, Problem> {
        let place = self.workshop.place(call.resource.tenant.as_ref()).await.map_err(|error| unavailable(&error))?;
        let place = place.ok_or_else(|| busy(&call.resource))?;
        let rotator = self.workshop.rotator(call.actor(), call.on_platform().await?);
        let work = |begun: Arc<dyn Progress>| async move {
            let act = rotator.freeze(order).await?;
            begun.frozen(&act, 0);
            let turn = place.turn().await?;
            let late = || RotateError::CutOff(LATE.to_owned());
            let _turn = turn.ok_or_else(late)?;
            rotator.go_on(&act.id, begun).await
        };
        background(&self.cut_off, work).await
    }

    /// Carries something out in the background, and gives what it is as soon as it has begun.
    async fn carried_out<O: Operation, F>(
        &self,
        call: &Call<O>,
        work: impl FnOnce(Rotator, Arc<dyn Progress>) -> F,
    ) -> Result<Act, Problem>
    where
        F: Future<Output = Result<(Act, Vec<Line>), RotateError>> + Send + 'static,
    {
        let rotator = self.workshop.rotator(call.actor(), call.on_platform().await?);
        let turn = self.turn(&call.resource).await?;
        background(&self.cut_off, |begun| {
            let work = work(rotator, begun);
            async move {
                let _turn = turn;
                work.await
            }
        })
        .await
    }
}

fn busy(of: &Resource) -> Problem {
    let busy = match of.tenant {
        Some(_) => "Another rotation of this tenant, or one of the whole host, is under way: wait until it is through.",
        None => "Another rotation is under way on this host: wait until it is through.",
    };
    Problem::new(Reason::Conflict, busy)
}

fn refused(error: &RotateError) -> Problem {
    match error {
        RotateError::Invalid(why) => Problem::new(Reason::Conflict, format!("{}.", plain(why))),
        RotateError::NoAct(_) => unknown("There is no rotation with this id; see GET /admin/v1/rotations."),
        other => unavailable(other),
    }
}
