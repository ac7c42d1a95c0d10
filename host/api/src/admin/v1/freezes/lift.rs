//! `POST /freezes/{number}/lift`: lets what was frozen go on.

use portcullis_model::{
    audit::{Entry, Kind},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{FreezeView, Ports};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, v1::reason},
    problem::{Problem, Reason},
};

/// Lifts a freeze.
pub struct Lift;

/// Which freeze.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its number.
    number: u64,
}

/// Why a freeze is lifted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifting {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Also where it belongs to a rotation that is not through: what was not rotated goes on with its old credential.
    #[serde(default)]
    unrotated: bool,
}

/// What was lifted, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lifted {
    /// Whether this was a rehearsal: nothing was lifted then.
    dry_run: bool,
    /// The freeze as it was.
    freeze: FreezeView,
}

impl Operation for Lift {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Lifting>;
    type Answer = Lifted;

    const ABOUT: About = About::post(actions::FREEZES_LIFT, "/freezes/{number}/lift", "Lift a freeze")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Lifting>) -> Result<Resource, Problem> {
        let freeze = ports.find(path.number).await?;
        ports.resource(&freeze.extent).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Lifted>, Problem> {
        let number = call.path.number;
        let reason = reason(&call.body.0.reason)?;
        let freeze = ports.find(number).await?;
        if let Some(incident) = &freeze.incident {
            let advice =
                format!("It belongs to incident {incident}, which holds more than it: lift what that contains.");
            return Err(Problem::new(Reason::Conflict, advice));
        }
        if freeze.platform && !call.on_platform().await? {
            let advice = "Whoever runs this host froze it; they alone lift it.";
            return Err(Problem::new(Reason::Conflict, advice));
        }
        let unrotated = call.body.0.unrotated;
        if let Some(act) = freeze.act.as_ref().filter(|_| !unrotated) {
            let advice = format!(
                "It belongs to the rotation {act}, which lifts it when it is through. With \"unrotated\": true what it holds goes on \
                 with old credentials."
            );
            return Err(Problem::new(Reason::Conflict, advice));
        }
        let lifted = Lifted { dry_run: call.dry_run, freeze: (&freeze).into() };
        if call.dry_run {
            return Ok(Reply::json(lifted));
        }
        let entry = Entry::new(call.now(), Kind::FreezeLifted, call.actor(), call.resource.tenant.clone())
            .about("freeze")
            .with("extent", freeze.extent.to_string())
            .with("reason", reason)
            .with("unrotated", unrotated);
        match ports.freezes.lift_freeze(number, entry).await.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(lifted)),
            false => Err(Problem::new(Reason::Conflict, "It was lifted by somebody else just now.")),
        }
    }
}
