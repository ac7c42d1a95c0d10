//! `GET /denials`: acts that were denied, the newest first: at which layer, why, and who could change that.

use std::time::Duration;

use portcullis_model::{
    audit::{
        Actor, Entry, Kind,
        query::{Field, Filter},
        reader::{Shown, Window},
    },
    id::{InstallationId, PluginId, TenantId},
    people::{Resource, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable, v1::audit::Sight,
        v1::within::of_tenant,
    },
    problem::Problem,
};

/// How many days are looked at where nobody says, and at most.
const USUAL: u32 = 30;
const MOST: u32 = 400;

/// Lists denials.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those of this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
    /// Only those of this plugin.
    #[param(value_type = Option<String>)]
    plugin: Option<PluginId>,
    /// How many days are looked at: 1 to 400.
    #[param(minimum = 1, maximum = 400, default = 30)]
    days: Option<u32>,
}

/// An act that was denied. `GET /acts/{id}` explains it, layer by layer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Denial {
    /// Its id.
    id: Option<String>,
    /// Its number in the log.
    index: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// In which tenant.
    tenant: Option<String>,
    /// By which plugin.
    plugin: Option<String>,
    /// In which installation.
    installation: Option<String>,
    /// Its name, such as `tickets.get`.
    act: Option<String>,
    /// What it was about.
    resource: Option<String>,
    /// The least scope that would have covered it.
    scope: Option<String>,
    /// The layer at which it fell.
    layer: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Who can change that.
    grantor: Option<String>,
}

impl Denial {
    fn of(shown: Shown) -> Option<Self> {
        let (index, entry) = (shown.index, shown.entry?);
        let text = |name: &str| entry.text(name).map(str::to_owned);
        let (installation, plugin) = match &entry.actor {
            Actor::Plugin { installation, plugin, .. } => (Some(installation.to_string()), Some(plugin.to_string())),
            _ => (None, None),
        };
        Some(Self {
            id: text("id"),
            index,
            at: entry.time.to_string(),
            tenant: entry.tenant.as_ref().map(ToString::to_string),
            plugin,
            installation,
            act: text("act"),
            resource: entry.resource.clone(),
            scope: text("scope"),
            layer: text("layer"),
            reason: text("reason"),
            grantor: text("grantor"),
        })
    }
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<Denial>;

    const ABOUT: About = About::get(actions::DENIALS_LIST, "/denials", "List what plugins were denied")
        .text("Read from the audit log, and so recorded there.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "denial"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let (filter, sight) = filter(&call).await?;
        let written = ports.reader.written().await.map_err(|error| unavailable(&error))?;
        let to = match call.after() {
            Some(text) => text.parse().map_err(|_| wrong("cursor: it is not whole; begin anew without one."))?,
            None => written,
        };
        let note = Entry::new(call.now(), Kind::AuditRead, call.actor(), call.query.tenant.clone())
            .with("way", "denials")
            .with_personal("filter", filter.to_string());
        ports.recorder.record(vec![note]).await.map_err(|error| unavailable(&error))?;
        let window = Window { from: 0, to: written.min(to), backwards: true, most: call.most() };
        let found = sight.search(ports.reader.as_ref(), &filter, window).await;
        let found = found.map_err(|error| unavailable(&error))?;
        let items = found.entries.into_iter().filter_map(Denial::of).collect();
        Ok(Reply::json(call.page_of(items, found.next.map(|next| next.to_string()))))
    }
}

/// What is looked for, and how much of it whoever asks may see.
async fn filter(call: &Call<List>) -> Result<(Filter, Sight), Problem> {
    let Wanted { tenant, installation, plugin, days } = &call.query;
    let days = days.unwrap_or(USUAL);
    if !(1..=MOST).contains(&days) {
        return Err(wrong(format!("days: expected 1 to {MOST}.")));
    }
    let span = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let since = Timestamp(call.now().0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
    let filter = Filter::default().and(Field::Kind, Kind::ActDenied.name()).within(Some(since), None);
    let filter = installation.iter().fold(filter, |filter, id| filter.and(Field::Installation, id.as_str()));
    let filter = plugin.iter().fold(filter, |filter, id| filter.and(Field::Plugin, id.as_str()));
    let sight = match tenant {
        Some(tenant) => Sight::Of { tenants: [tenant.clone()].into(), platform: false },
        None => Sight::of(call).await?,
    };
    Ok((filter, sight))
}
