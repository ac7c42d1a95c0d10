//! `POST /incidents/{id}/contain`: suspends and freezes all that it reaches, in one transaction.

use std::time::{Duration, Instant};

use portcullis_duties::incident::Plan;
use portcullis_model::{
    id::IncidentId,
    incident::{Containment, Incident},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{IncidentView, Ports, Which, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable},
    problem::{Problem, Reason},
};

/// How long the running host is waited for.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(50);

/// Contains an incident.
pub struct Contain;

/// How it is gone on with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Containing {
    /// Whether the running host goes on with it at once. Where not, it is answered at once, whoever asks sees to the rest, and the host
    /// goes on with what is not through after a minute. Absent: it does.
    left_to_host: Option<bool>,
}

/// What was done, or would be.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// What it suspends, freezes, revokes and rotates.
    #[schema(value_type = Object)]
    plan: Plan,
    /// The same in words, a step a line.
    words: Vec<String>,
    /// The incident.
    incident: IncidentView,
}

impl Operation for Contain {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Containing>;
    type Answer = Done;

    const ABOUT: About = About::post(actions::INCIDENTS_CONTAIN, "/incidents/{id}/contain", "Contain an incident")
        .text(
            "Everything that it reaches is suspended and frozen in one transaction, and does not start again before that is lifted. \
             It answers when the running host says that nothing runs and nothing goes out, or after six seconds. Credentials are \
             revoked and rotated after that, by the running host.",
        )
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Containing>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        let found = ports.find(&call.path.id).await?;
        let plan = ports.survey.plan(&found.subject).await.map_err(|error| unavailable(&error))?;
        let words = plan.lines();
        if call.dry_run {
            let incident = IncidentView::new(found, call.now());
            return Ok(Reply::json(Done { dry_run: true, plan, words, incident }).tried());
        }
        let desk = ports.desk_of(&call).await?;
        let left_to_host = call.body.0.left_to_host.unwrap_or(true);
        desk.contain(&call.path.id, &plan, left_to_host).await.map_err(|error| refused(&error))?;
        let contained = match left_to_host {
            true => reached(ports, &call.path.id).await?,
            false => ports.find(&call.path.id).await?,
        };
        let incident = IncidentView::new(contained, call.now());
        Ok(Reply::json(Done { dry_run: false, plan, words, incident }))
    }
}

/// Waits until it is known that nothing runs and nothing goes out, or until waiting is of no use.
async fn reached(ports: &Ports, id: &IncidentId) -> Result<Incident, Problem> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let incident = ports.find(id).await?;
        if incident.containment.as_ref().is_some_and(Containment::is_reached) || Instant::now() >= patience {
            return Ok(incident);
        }
        tokio::time::sleep(LOOK).await;
    }
}
