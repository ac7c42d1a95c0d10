//! `GET /notices`: what needs somebody, and what helps.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use portcullis_model::{
    audit::query::moment,
    id::{Digest, TenantId},
    people::{Resource, actions},
    time::Timestamp,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Notice, Ports, Whose};
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Page, Reply,
        given::wrong,
        unavailable,
        v1::{
            audit::{Reading, Sight},
            within::of_tenant,
        },
    },
    problem::Problem,
};

/// How far back the log is looked at where nobody says: a day.
const USUAL: Duration = Duration::from_secs(24 * 3_600);

/// Lists notices.
pub struct List;

/// Which.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only what this tenant is to know.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Of the log nothing older than this, such as `2026-11-01T09:30:00Z` or `2026-11-01`; a day, where it is not there.
    since: Option<String>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<Notice>;

    const ABOUT: About = About::get(actions::NOTICES_LIST, "/notices", "List what needs somebody")
        .text(
            "First what is so at the moment, then what stands in the log, the newest first. A tenant's people see their tenant's, the \
             platform's what is the platform's own. Read from the audit log, too, and so recorded there.",
        )
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "notice"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let since = since(&call)?;
        let sight = match &call.query.tenant {
            Some(tenant) => Sight::Of { tenants: [tenant.clone()].into(), platform: false },
            None => Sight::of(&call).await?,
        };
        Reading::by("notices", &format!("since={since}")).note(ports.recorder.as_ref(), &call, &sight).await?;
        let mut all = Vec::new();
        for whose in seen(&call).await? {
            all.extend(ports.board.notices(&whose, since).await.map_err(|error| unavailable(&error))?);
        }
        // What is so for several tenants is told once.
        let mut told = BTreeSet::new();
        all.retain(|one| told.insert(key(one)));
        // What is so at the moment stays before the log, in its order.
        all.sort_by_key(|one| Reverse(one.index.unwrap_or(u64::MAX)));
        call.page(all.into_iter(), key).map(Reply::json)
    }
}

/// What tells notices apart from one request to the next.
fn key(one: &Notice) -> String {
    match one.index {
        Some(index) => index.to_string(),
        // Its words can change from one page to the next.
        None => Digest::of(format!("{}\n{}", one.kind, one.key).as_bytes()).hex(),
    }
}

fn since(call: &Call<List>) -> Result<Timestamp, Problem> {
    let usual = i64::try_from(USUAL.as_millis()).unwrap_or_default();
    match &call.query.since {
        None => Ok(Timestamp(call.now().0.saturating_sub(usual))),
        Some(text) => moment(text)
            .ok_or_else(|| wrong("since: expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01.")),
    }
}

/// For whom they are gathered: for whoever asks.
async fn seen(call: &Call<List>) -> Result<Vec<Whose>, Problem> {
    match (&call.query.tenant, call.caller.tenants()) {
        (Some(tenant), _) => Ok(vec![Whose::Tenant(tenant.clone())]),
        (None, None) => Ok(vec![Whose::Everybody]),
        (None, Some(own)) => {
            let platform = call.on_platform().await?.then_some(Whose::Platform);
            Ok(platform.into_iter().chain(call.seen(own).await?.into_iter().map(Whose::Tenant)).collect())
        }
    }
}
