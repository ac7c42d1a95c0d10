//! `POST /rotations`: rotates credentials: in good order, or all at once after a breach.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use portcullis_broker::rotation::{Families, Latency, Memory, NobodyServes, Order, Pace, Quiet, Rehearsed, Rotator};
use portcullis_model::{
    connection::ConnectionKey,
    freeze::Extent,
    id::TenantId,
    people::{Resource, actions},
    rotation::{Act, Line, Mode},
    time::{Clock, Timestamp},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Lines, Ports, RotationView, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown, v1::freezes::ExtentView, v1::reason},
    problem::{Problem, Reason},
};

/// How long a step takes with a provider of which no rotation before tells, in a rehearsal.
const ASSUMED: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(10);
/// How many rotations before are looked at for that.
const BEFORE: usize = 50;

/// Rotates.
pub struct Start;

/// What, how, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotationOrder)]
pub struct Ordering {
    /// How.
    mode: How,
    /// What: for one connection, the installation's id, a slash and the connection's name.
    extent: ExtentView,
    /// Why; stands in the log and in the report.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// In a rehearsal of an emergency: how long a step takes with a provider of which no rotation before tells, in milliseconds; 800 where
    /// it is not said.
    #[serde(rename = "assume-ms")]
    #[schema(minimum = 1, maximum = 10000)]
    assume_ms: Option<u64>,
}

/// How credentials are rotated.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RotationMode)]
pub enum How {
    /// In good order: minted anew with overlap, nothing frozen and nothing revoked.
    Planned,
    /// After a breach: frozen, revoked, minted anew, let go on.
    Emergency,
}

/// The clock that others have, too.
struct Shared(Arc<dyn Clock>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// How long a step takes in a rehearsal, as somebody says.
fn assumed(given: Option<u64>) -> Result<Duration, Problem> {
    match given.map(Duration::from_millis) {
        None => Ok(ASSUMED),
        Some(one) if !one.is_zero() && one <= LONGEST => Ok(one),
        Some(_) => Err(Problem::new(Reason::WrongBody, "assume-ms: expected 1 to 10000.")),
    }
}

/// What is not there is answered as what somebody may not know of.
fn unseen() -> Problem {
    unknown("Nothing that you may see has this name.")
}

impl Ports {
    async fn extent(&self, view: &ExtentView) -> Result<Extent, Problem> {
        let extent = match view {
            ExtentView::Connection(text) => {
                let advice = "extent: expected an installation's id, a slash and a connection's name.";
                let wrong = || Problem::new(Reason::WrongBody, advice);
                let (id, name) = text.rsplit_once('/').ok_or_else(wrong)?;
                let id = id.rsplit('/').next().unwrap_or(id);
                let all = self.installations.installations().await.map_err(|error| unavailable(&error))?;
                let one = all.into_iter().find(|one| one.id.as_str() == id).ok_or_else(unseen)?;
                Extent::Connection(ConnectionKey { tenant: one.tenant, installation: one.id, name: name.to_owned() })
            }
            other => other.read()?,
        };
        if let Extent::Installation(id) = &extent {
            let all = self.installations.installations().await.map_err(|error| unavailable(&error))?;
            if !all.iter().any(|one| one.id == *id) {
                return Err(unseen());
            }
        }
        Ok(extent)
    }

    /// Plays it against stand-ins that take as long as the providers did.
    async fn rehearsed(
        &self,
        real: Rotator,
        order: Order,
        assumed: Duration,
        seen: Option<&TenantId>,
    ) -> Result<Lines, Problem> {
        let mut before = Vec::new();
        for act in self.store.acts().await.map_err(|error| unavailable(&error))?.iter().rev().take(BEFORE) {
            before.extend(self.lines(&act.id).await?);
        }
        let held = real.families.list().await.map_err(|error| unavailable(&error))?;
        let latency = Latency::from_lines(&before, assumed);
        // How many providers others use is nothing to whoever rehearses their own.
        let is_seen = |line: &&Line| seen.is_none_or(|tenant| line.item.owner() == Some(tenant));
        let measured = Latency::from_lines(before.iter().filter(is_seen), assumed).measured.len();
        let store = Arc::new(Memory::default());
        let rotator = Rotator {
            store: store.clone(),
            freezes: store,
            families: Families::new(vec![Arc::new(Rehearsed::new(held, latency))]),
            reach: Arc::new(NobodyServes(Shared(real.clock.clone()))),
            pace: Pace::default(),
            ..real
        };
        let done = rotator.carry_out(order, Arc::new(Quiet)).await;
        let (act, lines) = done.map_err(|error| refused(&error))?;
        let act = Act { mode: Mode::Rehearsal, ..act };
        Ok(Lines { rotation: RotationView::of(&act, &lines), lines, next: None, measured: Some(measured) })
    }
}

impl Operation for Start {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Ordering>;
    type Answer = Lines;

    const ABOUT: About = About::post(actions::ROTATION_START, "/rotations", "Rotate credentials")
        .text(
            "Answers as soon as it has begun, in an emergency when what it reaches is frozen; GET /rotations/{id} shows how it gets \
             on. A rehearsal plays it against stand-ins as quick as the providers were, and says what would become of each credential, of all at once.",
        )
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<Ordering>) -> Result<Resource, Problem> {
        let extent = ports.extent(&body.0.extent).await?;
        ports.resource(&extent).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Lines>, Problem> {
        let assumed = assumed(call.body.0.assume_ms)?;
        let (extent, why) = (ports.extent(&call.body.0.extent).await?, reason(&call.body.0.reason)?);
        let mode = match (call.body.0.mode, call.dry_run) {
            (How::Planned, _) => Mode::Planned,
            (How::Emergency, false) => Mode::Emergency,
            (How::Emergency, true) => Mode::Rehearsal,
        };
        let tenant = call.resource.tenant.as_ref();
        let overlap = ports.workshop.overlap(tenant).await.map_err(|error| unavailable(&error))?;
        let order = Order { mode, extent, reason: why, only: None, overlap };
        if call.dry_run {
            let platform = call.on_platform().await?;
            let _alone = ports.rehearsing.take(tenant).ok_or_else(|| {
                Problem::new(Reason::Conflict, "A rehearsal of this is going on already; ask again when it has ended.")
            })?;
            let rotator = ports.workshop.rotator(call.actor(), platform);
            let lines = ports.rehearsed(rotator, order, assumed, tenant.filter(|_| !platform)).await?;
            return Ok(Reply::json(lines).tried());
        }
        // A tenant's own waits for its turn first: many of them at once would each hold what they froze.
        let act = if mode == Mode::Emergency && (tenant.is_none() || call.on_platform().await?) {
            ports.frozen_first(&call, order).await?
        } else {
            let work = |rotator: Rotator, begun| async move { rotator.carry_out(order, begun).await };
            ports.carried_out(&call, work).await?
        };
        let lines = ports.lines(&act.id).await?;
        let found = format!("/rotations/{}", act.id);
        Ok(Reply::json(Lines::begun(&act, lines)).found_at(found))
    }
}
