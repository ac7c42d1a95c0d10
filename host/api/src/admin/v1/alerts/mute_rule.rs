//! `POST /alerts/mutes`: keeps a rule quiet about an installation, in a tenant, or about what is no tenant's, until a day.

use axum::http::StatusCode;
use portcullis_model::{
    alert::MuteScope,
    audit::{Kind, query::moment},
    id::{InstallationId, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, entry};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, given::short, unavailable, v1::reason},
    problem::{Problem, Reason},
};

/// Mutes a rule.
pub struct MuteRule;

/// Which rule, about what, for how long, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MutingRule {
    /// Which rule.
    #[schema(min_length = 1, max_length = 128)]
    rule: String,
    /// In which tenant; about what is no tenant's, where it is not there.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// About this installation of the tenant alone.
    #[schema(value_type = Option<String>)]
    installation: Option<InstallationId>,
    /// Until when: a time such as `2026-12-01T09:30:00Z`, or a day.
    until: String,
    /// Stands in the audit log, with the name of who says it.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A rule that is quiet.
#[derive(Debug, Serialize, ToSchema)]
pub struct MutedRule {
    /// Which rule.
    rule: String,
    /// In which tenant.
    tenant: Option<String>,
    /// About which installation.
    installation: Option<String>,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
}

/// What a mute is about that names its rule.
pub(super) fn scope(
    rule: &str,
    tenant: Option<&TenantId>,
    installation: Option<&InstallationId>,
) -> Result<MuteScope, Problem> {
    let wrong = |advice: String| Err(Problem::new(Reason::WrongBody, advice));
    if !(1..=128).contains(&rule.chars().count()) {
        return wrong(format!("rule: '{}' is none; expected 1 to 128 characters.", short(rule)));
    }
    if installation.is_some() && tenant.is_none() {
        return wrong("tenant: name the installation's.".to_owned());
    }
    Ok(MuteScope { rule: rule.to_owned(), tenant: tenant.cloned(), installation: installation.cloned() })
}

/// Whose a mute is.
pub(super) fn whose(tenant: Option<&TenantId>) -> Resource {
    tenant.map_or_else(|| Resource::of_platform("alert"), |tenant| Resource::of(tenant.clone(), "alert"))
}

impl Operation for MuteRule {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<MutingRule>;
    type Answer = MutedRule;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/mutes", "Mute a rule")
        .id("alerts.mutes.add")
        .text("What a mute hides is counted. It takes the place of another one about the same.")
        .on(On::Tenant)
        .answers(StatusCode::CREATED, "application/json");

    async fn resource(_: &Ports, _: &Bare, _: &Bare, body: &Sent<MutingRule>) -> Result<Resource, Problem> {
        Ok(whose(body.0.tenant.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<MutedRule>, Problem> {
        let MutingRule { rule, tenant, installation, until, reason: why } = &call.body.0;
        let scope = scope(rule, tenant.as_ref(), installation.as_ref())?;
        let advice = "until: expected a time to come, such as 2026-12-01T09:30:00Z or 2026-12-01.";
        let until = moment(until).filter(|until| *until > call.now());
        let until = until.ok_or_else(|| Problem::new(Reason::WrongBody, advice))?;
        let entry = entry(&call, Kind::AlertMuted).with_personal("reason", reason(why)?);
        ports.alerts.mute(scope.clone(), until, entry).await.map_err(|error| unavailable(&error))?;
        let muted = MutedRule {
            rule: scope.rule,
            tenant: scope.tenant.map(|tenant| tenant.to_string()),
            installation: scope.installation.map(|id| id.to_string()),
            until: until.to_string(),
        };
        Ok(Reply::json(muted).found_at("/alerts".to_owned()))
    }
}
