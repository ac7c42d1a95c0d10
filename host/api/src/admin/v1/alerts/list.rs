//! `GET /alerts`: alerts, the newest first, the mutes that hold, and what is only being learnt.

use std::collections::BTreeSet;

use portcullis_model::{
    alert::{Alert, AlertId, AlertList, AlertQuery, AlertState, Learning, Mute},
    id::{InstallationId, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AlertView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// How many alerts are looked at in one step, and how many steps one page takes at most.
const STEP: usize = 200;
const STEPS: usize = 25;

/// Lists alerts.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// In this state alone; those that are not closed, where it is not there.
    #[param(inline)]
    state: Option<Of>,
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those about this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
    /// Only those of this rule.
    rule: Option<String>,
    /// Only those that are older than this one.
    #[param(value_type = Option<String>)]
    before: Option<AlertId>,
}

/// A state that alerts can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Nobody has looked at it.
    Open,
    /// Somebody looks at it.
    Acknowledged,
    /// It is done with.
    Closed,
    /// Any.
    All,
}

/// Alerts, and what keeps others from being there.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertPage)]
pub struct Alerts {
    /// The alerts.
    items: Vec<AlertView>,
    /// Where the next page is: a path and query, as in the `Link` header. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The mutes that hold.
    #[schema(value_type = Vec<Object>)]
    mutes: Vec<Mute>,
    /// What rules are still learning, the first hundred.
    #[schema(value_type = Vec<Object>)]
    learning: Vec<Learning>,
    /// How much of that there is in all.
    learning_count: u64,
    /// Up to before which entry the log was looked at.
    looked_at: u64,
    /// How many entries there are.
    written: u64,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Alerts;

    const ABOUT: About = About::get(actions::ALERTS_LIST, "/alerts", "List alerts")
        .text("The newest first. Where few of many are meant, a page can be short and yet have a next one.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "alert"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Alerts>, Problem> {
        let seen = Seen::of(&call).await?;
        let (found, next) = found(ports, &call, &seen).await?;
        let AlertList { alerts, mut mutes, learning, learning_count, looked_at, written, .. } = found;
        mutes.retain(|mute| seen.has(mute.tenant.as_ref()));
        // What is learnt is named by its subject alone: it is shown to whoever sees everything.
        let (learning, learning_count) = match call.caller.tenants() {
            None => (learning, learning_count),
            Some(_) => (Vec::new(), 0),
        };
        let Page { items, next } = call.page_of(alerts, next.map(|id| id.to_string()));
        let items = items.into_iter().map(AlertView).collect();
        Ok(Reply::json(Alerts { items, next, mutes, learning, learning_count, looked_at, written }))
    }
}

/// Whose alerts whoever asks sees.
enum Seen {
    Everything,
    Of { tenants: BTreeSet<TenantId>, platform: bool },
}

impl Seen {
    async fn of(call: &Call<List>) -> Result<Self, Problem> {
        Ok(match (&call.query.tenant, call.caller.tenants()) {
            (Some(tenant), _) => Self::Of { tenants: [tenant.clone()].into(), platform: false },
            (None, None) => Self::Everything,
            (None, Some(own)) => Self::Of { tenants: call.seen(own).await?, platform: call.on_platform().await? },
        })
    }

    fn has(&self, tenant: Option<&TenantId>) -> bool {
        match (self, tenant) {
            (Self::Everything, _) => true,
            (Self::Of { platform, .. }, None) => *platform,
            (Self::Of { tenants, .. }, Some(tenant)) => tenants.contains(tenant),
        }
    }

    /// The one tenant, where it is that alone.
    fn only(&self) -> Option<TenantId> {
        match self {
            Self::Of { tenants, platform: false } if tenants.len() == 1 => tenants.first().cloned(),
            _ => None,
        }
    }
}

fn is_in(state: AlertState, wanted: Option<Of>) -> bool {
    match wanted {
        None => state != AlertState::Closed,
        Some(Of::Open) => state == AlertState::Open,
        Some(Of::Acknowledged) => state == AlertState::Acknowledged,
        Some(Of::Closed) => state == AlertState::Closed,
        Some(Of::All) => true,
    }
}

/// The alerts of a page, and after which the next one begins.
async fn found(ports: &Ports, call: &Call<List>, seen: &Seen) -> Result<(AlertList, Option<AlertId>), Problem> {
    let Wanted { state, installation, rule, .. } = &call.query;
    let whole = || wrong("cursor: it is not whole; begin anew without one.");
    let after: Option<AlertId> = call.after().map(|text| text.parse().map_err(|_| whole())).transpose()?;
    let mut before = after.or(call.query.before);
    let (mut page, mut kept) = (AlertList::default(), Vec::<Alert>::new());
    for _ in 0..STEPS {
        let query = AlertQuery {
            closed: matches!(state, Some(Of::Closed | Of::All)),
            tenant: seen.only(),
            installation: installation.clone(),
            rule: rule.clone(),
            before,
            most: STEP,
        };
        page = ports.alerts.alerts(query, call.now()).await.map_err(|error| unavailable(&error))?;
        for alert in std::mem::take(&mut page.alerts) {
            if !is_in(alert.state, *state) || !seen.has(alert.tenant.as_ref()) {
                continue;
            }
            if kept.len() == call.most() {
                let last = kept.last().map(|last| last.id);
                return Ok((AlertList { alerts: kept, ..page }, last));
            }
            kept.push(alert);
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok((AlertList { alerts: kept, ..page }, before))
}
