//! `POST /alerts/{id}/unmute`: ends a mute before its time.

use portcullis_model::{
    audit::Kind,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AlertView, Ports, Which, entry, scope};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown},
    problem::Problem,
};

/// Ends a mute.
pub struct Unmute;

/// Which mute.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Unmuting {
    /// The one of the whole tenant, and not that of its installation.
    #[serde(default)]
    whole_tenant: bool,
}

impl Operation for Unmute {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Unmuting>;
    type Answer = AlertView;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/{id}/unmute", "End the mute of an alert's rule")
        .id("alerts.unmute")
        .on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Unmuting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AlertView>, Problem> {
        let scope = scope(ports.find(call.path.id).await?, call.body.0.whole_tenant);
        let ended = ports.alerts.unmute(scope, entry(&call, Kind::AlertUnmuted)).await;
        if !ended.map_err(|error| unavailable(&error))? {
            return Err(unknown("Nothing of exactly that is muted."));
        }
        ports.find(call.path.id).await.map(|alert| Reply::json(AlertView(alert)))
    }
}
