//! `GET /privacy/leaving`: what there is of a tenant, and would go where it is deleted.
//!
//! Invariants: looking is dear, so it is done once at a time for a tenant and for few tenants at a time, and what was seen is told again for
//! a while; one tenant that there is much of holds up no other; how backups stand is told to the platform alone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex as Turn, Semaphore};
use utoipa::ToSchema;

use super::{Of, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// For how long what was seen is told again.
const FRESH: Duration = Duration::from_secs(60);
/// Of how many tenants it is kept.
const MOST: usize = 100;
/// For how many tenants it is looked at the same time.
const AT_ONCE: usize = 4;

/// What was seen of a tenant, and when. Whoever looks holds it meanwhile.
type Seen = Arc<Turn<Option<(Timestamp, Value)>>>;

/// What was seen.
pub struct Looked {
    of: Mutex<BTreeMap<TenantId, Seen>>,
    looking: Semaphore,
}

impl Default for Looked {
    fn default() -> Self {
        Self { of: Mutex::default(), looking: Semaphore::new(AT_ONCE) }
    }
}

impl Looked {
    fn of(&self, tenant: &TenantId) -> Seen {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(tenant) {
            // Not one that somebody waits for: others would look a second time.
            let idle = all.iter().find(|(_, seen)| Arc::strong_count(seen) == 1).map(|(id, _)| id.clone());
            if let Some(id) = idle {
                all.remove(&id);
            }
        }
        all.entry(tenant.clone()).or_default().clone()
    }

    async fn at(&self, ports: &Ports, tenant: &TenantId, now: Timestamp) -> Result<(Timestamp, Value), Problem> {
        let seen = self.of(tenant);
        let mut seen = seen.lock().await;
        if let Some(known) = seen.as_ref().filter(|(at, _)| now.distance(*at) < FRESH) {
            return Ok(known.clone());
        }
        let _room = self.looking.acquire().await.map_err(|error| unavailable(&error))?;
        let new = (now, ports.desk.leaving(tenant).await?);
        *seen = Some(new.clone());
        Ok(new)
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
