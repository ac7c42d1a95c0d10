//! `GET /acts/{id}`: what became of a plugin's act, which layer allowed or denied it, and who could change that.

use portcullis_model::{
    explain::Explained,
    id::ActId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// Explains an act.
pub struct Get;

/// Which act.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The id of an act or a denial, as it stands in the audit log.
    #[param(value_type = String)]
    id: ActId,
}

/// What became of an act, from its own entry in the audit log, and what would become of it today.
#[derive(Serialize, ToSchema)]
pub struct Act {
    /// The act's id.
    id: String,
    /// Whether it was permitted.
    permitted: bool,
    /// Its name, such as `tickets.get`.
    act: String,
    /// What it was about.
    resource: String,
    /// In which tenant.
    tenant: Option<String>,
    /// By which plugin.
    plugin: String,
    /// In which installation.
    installation: String,
    /// The least scope that covers it.
    scope: String,
    /// What each layer said by itself.
    #[schema(value_type = Vec<Object>)]
    layers: Value,
    /// The layer at which it fell, why, and who can change that; null where it was permitted.
    #[schema(value_type = Option<Object>)]
    refused: Value,
    /// What is granted of that scope today, layer by layer.
    #[schema(value_type = Object)]
    today: Value,
    /// The entry, as it stands in the log.
    #[schema(value_type = Object)]
    entry: Value,
    /// Its number in the log.
    index: u64,
}

impl Act {
    fn of(explained: &Explained) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: explained.id.to_string(),
            permitted: explained.permitted,
            act: explained.act.clone(),
            resource: explained.resource.clone(),
            tenant: explained.tenant.as_ref().map(ToString::to_string),
            plugin: explained.plugin.to_string(),
            installation: explained.installation.to_string(),
            scope: explained.scope.to_string(),
            layers: serde_json::to_value(&explained.layers)?,
            refused: serde_json::to_value(&explained.refused)?,
            today: serde_json::to_value(&explained.today)?,
            entry: serde_json::to_value(&explained.entry)?,
            index: explained.index,
        })
    }
}

async fn explained(ports: &super::Ports, id: &ActId) -> Result<Explained, Problem> {
    let found = ports.explain.explain(id).await.map_err(|error| unavailable(&error))?;
    found.ok_or_else(|| unknown("Expected the id of an act or a denial, as it stands in the audit log."))
}

impl Operation for Get {
    type Ports = super::Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Act;

    const ABOUT: About =
        About::get(actions::ACTS_GET, "/acts/{id}", "Explain what became of a plugin's act").on(On::Installation);

    async fn resource(ports: &super::Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        let explained = explained(ports, &path.id).await?;
        let of = explained.tenant.map_or(Resource::of_platform("act"), |tenant| Resource::of(tenant, "act"));
        Ok(of.named(path.id.as_str()))
    }

    async fn handle(ports: &super::Ports, call: Call<Self>) -> Result<Reply<Act>, Problem> {
        let explained = explained(ports, &call.path.id).await?;
        Act::of(&explained).map(Reply::json).map_err(|error| unavailable(&error))
    }
}
