//! `POST /alerts/mutes/end`: ends a mute of a rule before its time.

use portcullis_model::{
    audit::Kind,
    id::{InstallationId, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Ports, entry,
    mute_rule::{scope, whose},
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown},
    problem::{Problem, Reason},
};

/// Ends a mute of a rule.
pub struct UnmuteRule;

/// Which mute.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmutingRule {
    /// Of which rule.
    #[schema(min_length = 1, max_length = 128)]
    rule: String,
    /// In which tenant; about what is no tenant's, where it is not there.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// The one about this installation of the tenant.
    #[schema(value_type = Option<String>)]
    installation: Option<InstallationId>,
}

/// A rule that is quiet no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnmutedRule {
    /// Which.
    unmuted: String,
}

impl Operation for UnmuteRule {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<UnmutingRule>;
    type Answer = UnmutedRule;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/mutes/end", "End the mute of a rule")
        .id("alerts.mutes.end")
        .text("The one of exactly this: that of a whole tenant is another one than that of its installation.")
        .on(On::Tenant)
        .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, body: &Sent<UnmutingRule>) -> Result<Resource, Problem> {
        Ok(whose(body.0.tenant.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<UnmutedRule>, Problem> {
        let UnmutingRule { rule, tenant, installation } = &call.body.0;
        let scope = scope(rule, tenant.as_ref(), installation.as_ref())?;
        let ended = ports.alerts.unmute(scope, entry(&call, Kind::AlertUnmuted)).await;
        match ended.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(UnmutedRule { unmuted: rule.clone() })),
            false => Err(unknown("Nothing of exactly that is muted.")),
        }
    }
}
