//! `GET /plugins`: the plugins of which there are releases, with the newest of each.

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, ReleaseView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists plugins.
pub struct List;

/// A plugin of which there are releases.
#[derive(Debug, Serialize, ToSchema)]
pub struct Plugin {
    /// Its id.
    plugin: String,
    /// How many releases there are.
    releases: usize,
    /// The one with the highest number.
    newest: ReleaseView,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<Plugin>;

    const ABOUT: About =
        About::get(actions::RELEASES_LIST, "/plugins", "List plugins").id("plugins.list").on(On::Tenants).paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.listed().await?;
        // They come by plugin, the newest first.
        let plugins = all.chunk_by(|a, b| a.plugin == b.plugin).filter_map(|its| {
            let newest = its.first()?;
            Some(Plugin { plugin: newest.plugin.to_string(), releases: its.len(), newest: newest.into() })
        });
        Ok(Reply::json(call.page(plugins, |one| one.plugin.clone())?))
    }
}
