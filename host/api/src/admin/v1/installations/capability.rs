//! `POST /installations/{id}/capabilities/{capability}/resume`: lets a capability go on that a budget suspended.

use portcullis_model::{
    audit::{Entry, Kind},
    budget::{Suspension, Whose},
    id::InstallationId,
    installation::Installation,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which, view::SuspensionView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Lets a capability go on.
pub struct GoOn;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Of {
    /// The installation's id.
    #[param(value_type = String)]
    id: InstallationId,
    /// The capability; `events` for calls.
    capability: String,
}

/// A capability that goes on, or would.
#[derive(Serialize, ToSchema)]
#[schema(as = CapabilityResumed)]
pub struct Resumed {
    /// Whether this was a rehearsal: nothing goes on then.
    dry_run: bool,
    /// How it was suspended.
    suspension: SuspensionView,
}

impl Operation for GoOn {
    type Ports = Ports;
    type Path = Of;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Resumed;

    const ABOUT: About = About::post(
        actions::INSTALLATIONS_RESUME,
        "/installations/{id}/capabilities/{capability}/resume",
        "Let a capability go on that a budget suspended",
    )
    .id("installations.capability.resume")
    .text(
        "Before its time. Where it was the installation's own budget, its hour begins anew, which only who runs the host can do where \
         that budget is the most that the platform gives; where it was the tenant's, that is still used up.",
    )
    .on(On::Installation)
    .dry_run()
    .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Of, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(&Which { id: path.id.clone() }).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Resumed>, Problem> {
        let (installation, capability) = (ports.find(&call.path.id).await?, call.path.capability.as_str());
        let suspension = ports.suspended(&installation, capability).await?;
        if ports.is_all_that_is_given(&installation, &suspension) && !call.on_platform().await? {
            return Err(only_platform(&suspension));
        }
        let resumed = Resumed { dry_run: call.dry_run, suspension: SuspensionView::of(&suspension) };
        if call.dry_run {
            return Ok(Reply::json(resumed).tried());
        }
        let entry = Entry::new(call.now(), Kind::CapabilityResumed, call.actor(), Some(installation.tenant.clone()))
            .about(format!("installation:{}", installation.id))
            .with("plugin", installation.plugin.as_str())
            .with("capability", capability)
            .with("budget", suspension.resource.hourly())
            .with("whose", suspension.whose.name());
        match ports.budgets.lift_suspension(&suspension, entry).await.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(resumed)),
            false => {
                let id = &installation.id;
                let advice = format!("'{capability}' of {id} was resumed by somebody else, or its time was over.");
                Err(Problem::new(Reason::Conflict, advice))
            }
        }
    }
}

fn only_platform(suspension: &Suspension) -> Problem {
    let (name, until) = (suspension.resource.hourly(), suspension.until);
    let advice = format!(
        "Its {name} is the most that the platform gives: it goes on at {until}, or when who runs the host lets it."
    );
    Problem::new(Reason::Refused, advice)
}

impl Ports {
    /// Whether what ran out is the platform's own bound.
    fn is_all_that_is_given(&self, of: &Installation, suspension: &Suspension) -> bool {
        let given = |limits| suspension.resource.in_hour(limits);
        suspension.whose == Whose::Installation && given(&of.limits) >= given(&self.bounds.limits)
    }

    /// How a capability of an installation is suspended.
    async fn suspended(&self, of: &Installation, capability: &str) -> Result<Suspension, Problem> {
        let mut all = self.budgets.suspensions(self.clock.now()).await.map_err(|error| unavailable(&error))?;
        all.retain(|one| one.tenant == of.tenant && one.installation == of.id);
        let names: Vec<&str> = all.iter().map(|one| one.capability.as_str()).collect();
        let advice = match names.is_empty() {
            true => format!("No budget has suspended anything of {}; it may have ended by itself.", of.id),
            false => {
                let capability = portcullis_model::audit::plain(capability);
                format!("'{capability}' of {} is not suspended; suspended: {}.", of.id, names.join(", "))
            }
        };
        let found = all.iter().position(|one| one.capability == capability);
        found.map(|at| all.swap_remove(at)).ok_or_else(|| Problem::new(Reason::Conflict, advice))
    }
}
