//! `POST /alerts/{id}/mute`: keeps its rule quiet about its installation, or in its tenant, until a day.

use portcullis_model::{
    audit::{Kind, query::moment},
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AlertView, Ports, Which, entry, scope};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, v1::reason},
    problem::{Problem, Reason},
};

/// Mutes an alert's rule.
pub struct Mute;

/// For how long, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Muting {
    /// Until when: a time such as `2026-12-01T09:30:00Z`, or a day.
    until: String,
    /// Stands in the audit log, with the name of who says it.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// In the whole tenant, and not about its installation alone.
    #[serde(default)]
    whole_tenant: bool,
}

impl Operation for Mute {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Muting>;
    type Answer = AlertView;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/{id}/mute", "Mute the rule of an alert")
        .id("alerts.mute")
        .text("What a mute hides is counted. It takes the place of another one about the same.")
        .on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Muting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AlertView>, Problem> {
        let Muting { until, reason: why, whole_tenant } = &call.body.0;
        let advice = "until: expected a time to come, such as 2026-12-01T09:30:00Z or 2026-12-01.";
        let until = moment(until).filter(|until| *until > call.now());
        let until = until.ok_or_else(|| Problem::new(Reason::WrongBody, advice))?;
        let entry = entry(&call, Kind::AlertMuted).with_personal("reason", reason(why)?);
        let scope = scope(ports.find(call.path.id).await?, *whole_tenant);
        ports.alerts.mute(scope, until, entry).await.map_err(|error| unavailable(&error))?;
        ports.find(call.path.id).await.map(|alert| Reply::json(AlertView(alert)))
    }
}
