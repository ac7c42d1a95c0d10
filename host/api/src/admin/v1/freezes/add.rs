//! `POST /freezes`: freezes something at once. What is under way is ended.

use axum::http::StatusCode;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    freeze::{Extent, Freeze},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ExtentView, FreezeView, Ports};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, unavailable,
        v1::{no_installation, reason},
    },
    problem::{Problem, Reason},
};

/// Freezes something.
pub struct Add;

/// What is frozen, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adding {
    /// What.
    extent: ExtentView,
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A freeze, or what one would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Added {
    /// Whether this was a rehearsal: nothing was frozen then.
    dry_run: bool,
    /// The freeze; its number is 0 in a rehearsal.
    freeze: FreezeView,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Adding>;
    type Answer = Added;

    const ABOUT: About = About::post(actions::FREEZES_ADD, "/freezes", "Freeze something at once")
        .text(
            "Nothing leaves in its name from then on, until it is lifted. A running host takes it up within a tenth of a second: \
             the entry freeze.enforced says when it holds and what it ended.",
        )
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<Adding>) -> Result<Resource, Problem> {
        let extent = body.0.extent.read_any()?;
        let known = match &extent {
            Extent::Installation(id) => ports.tenant_of(id).await?.is_some(),
            Extent::Connection(key) => ports.tenant_of(&key.installation).await?.is_some_and(|of| of == key.tenant),
            _ => true,
        };
        if !known {
            return Err(no_installation());
        }
        ports.resource(&extent).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Added>, Problem> {
        let (extent, reason) = (call.body.0.extent.read_any()?, reason(&call.body.0.reason)?);
        let by = match call.actor() {
            Actor::Person { name } | Actor::Account { name, .. } => name,
            Actor::Automation { client } => client.to_string(),
            _ => "the host".to_owned(),
        };
        let platform = call.on_platform().await?;
        let since = call.now();
        let mut freeze = Freeze { number: 0, extent, reason, by, since, act: None, incident: None, platform };
        if call.dry_run {
            return Ok(Reply::json(Added { dry_run: true, freeze: (&freeze).into() }).tried());
        }
        let entry = Entry::new(call.now(), Kind::FreezeAdded, call.actor(), call.resource.tenant.clone())
            .about("freeze")
            .with("extent", freeze.extent.to_string())
            .with("reason", freeze.reason.as_str());
        freeze.number = ports.freezes.add_freeze(freeze.clone(), entry).await.map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Added { dry_run: false, freeze: (&freeze).into() }).found_at("/freezes".to_owned()))
    }
}
