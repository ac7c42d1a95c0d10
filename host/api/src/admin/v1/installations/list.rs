//! `GET /installations`: all that whoever asks may see, in the order of their installation.

use portcullis_model::{
    id::{PluginId, TenantId},
    installation::InstallationState,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{InstallationView, Ports, view::State};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists installations.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Filter {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those of this plugin.
    #[param(value_type = Option<String>)]
    plugin: Option<PluginId>,
    /// Only those in this state. Without it, all but those that are erased.
    #[param(inline)]
    state: Option<State>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Filter;
    type Body = Nothing;
    type Answer = Page<InstallationView>;

    const ABOUT: About =
        About::get(actions::INSTALLATIONS_LIST, "/installations", "List installations").on(On::Tenants).paged();

    async fn resource(_: &Ports, _: &Bare, query: &Filter, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "installation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.installations.installations().await.map_err(|error| unavailable(&error))?;
        let suspensions = ports.budgets.suspensions(call.now()).await.map_err(|error| unavailable(&error))?;
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        let Filter { tenant, plugin, state } = &call.query;
        let wanted = all.iter().filter(|one| {
            tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant)
                && plugin.as_ref().is_none_or(|plugin| one.plugin == *plugin)
                && is(&one.state, *state)
                && seen.contains(&one.tenant)
        });
        let page = call.page(wanted, |one| one.id.to_string())?;
        Ok(Reply::json(page.map(|one| InstallationView::of(one, &suspensions))))
    }
}

/// Of what is erased there is nothing to be done any more.
fn is(state: &InstallationState, wanted: Option<State>) -> bool {
    let state = match state {
        InstallationState::Active => State::Active,
        InstallationState::Suspended { .. } => State::Suspended,
        InstallationState::Uninstalled { .. } => State::Uninstalled,
        InstallationState::Erased { .. } => State::Erased,
    };
    wanted.map_or(state != State::Erased, |wanted| state == wanted)
}
