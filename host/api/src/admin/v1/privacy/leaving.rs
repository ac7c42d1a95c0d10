//! `GET /privacy/leaving`: what there is of a tenant, and would go where it is deleted.
//!
//! Invariants: looking is dear, so it is done for one tenant at a time, and what was seen is told again for a while; how backups stand is
//! told to the platform alone.

use std::{collections::BTreeMap, time::Duration};

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::{Of, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// For how long what was seen is told again.
const FRESH: Duration = Duration::from_secs(60);
/// Of how many tenants it is kept.
const MOST: usize = 100;

/// What was seen, and when. Whoever looks holds it meanwhile.
#[derive(Default)]
pub struct Looked(Mutex<BTreeMap<TenantId, (Timestamp, Value)>>);

impl Looked {
    async fn at(&self, ports: &Ports, tenant: &TenantId, now: Timestamp) -> Result<(Timestamp, Value), Problem> {
        let mut all = self.0.lock().await;
        all.retain(|_, (at, _)| now.distance(*at) < FRESH);
        if let Some(seen) = all.get(tenant) {
            return Ok(seen.clone());
        }
        let seen = (now, ports.desk.leaving(tenant).await?);
        if all.len() >= MOST {
            all.pop_first();
        }
        all.insert(tenant.clone(), seen.clone());
        Ok(seen)
    }
}

/// Says what would go.
pub struct Leaving;

/// What there is of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantLeaving)]
pub struct LeavingView {
    /// Rows, files and records by part, what is active, what stands in the way, and, to the platform alone, what backups hold.
    #[schema(value_type = Object)]
    plan: Value,
    /// When it was looked.
    #[schema(format = DateTime)]
    at: String,
}

impl Operation for Leaving {
    type Ports = Ports;
    type Path = Bare;
    type Query = Of;
    type Body = Nothing;
    type Answer = LeavingView;

    const ABOUT: About = About::get(actions::PRIVACY_LEAVING, "/privacy/leaving", "See what would go with a tenant")
        .text("Nothing is deleted by this: the platform's owner deletes a tenant. Within a minute it is not looked again.")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Of, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "tenant"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<LeavingView>, Problem> {
        let (at, mut plan) = ports.looked.at(ports, &call.query.tenant, call.now()).await?;
        if let Some(plan) = plan.as_object_mut()
            && !call.on_platform().await?
        {
            plan.remove("backups");
        }
        Ok(Reply::json(LeavingView { plan, at: at.to_string() }))
    }
}
