//! `GET /releases`: what the registry lists, by plugin, the highest number first.

use portcullis_model::{
    id::PluginId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, ReleaseView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists releases.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Filter {
    /// Only those of this plugin.
    #[param(value_type = Option<String>)]
    plugin: Option<PluginId>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Filter;
    type Body = Nothing;
    type Answer = Page<ReleaseView>;

    const ABOUT: About = About::get(actions::RELEASES_LIST, "/releases", "List releases").on(On::Tenants).paged();

    async fn resource(_: &Ports, _: &Bare, _: &Filter, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.listed().await?;
        let wanted = &call.query.plugin;
        let some = all.iter().filter(|one| wanted.as_ref().is_none_or(|plugin| one.plugin == *plugin));
        let page = call.page(some, |one| format!("{} {}", one.id.component, one.id.manifest))?;
        Ok(Reply::json(page.map(ReleaseView::from)))
    }
}
