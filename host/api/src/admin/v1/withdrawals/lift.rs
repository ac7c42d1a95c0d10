//! `POST /withdrawals/{digest}/lift`: ends a quarantine; a rehearsal says what to sign.

use portcullis_model::{
    id::Digest,
    people::{Resource, actions},
};
use portcullis_packages::{
    dsse::MAX_ENVELOPE,
    trust::{By, withdrawal::Act},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    ByRoot, Ports,
    filing::{Asked, Filed, REFUSES, filed},
};
use crate::{
    admin::{About, Call, MAX_BODY, On, Operation, Reply, Sent, unknown},
    problem::Problem,
};

/// Ends a quarantine.
pub struct Lift;

/// Which quarantine.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its digest, as `GET /admin/v1/withdrawals` has it.
    #[param(value_type = String)]
    digest: Digest,
}

/// Why it is over, and what was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = LiftingQuarantine)]
pub struct Lifting {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The DSSE envelope around what a rehearsal of just this answered.
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
}

impl Operation for Lift {
    type Ports = Ports;
    type Path = Which;
    type Query = ByRoot;
    type Body = Sent<Lifting>;
    type Answer = Filed;

    const ABOUT: About = About::post(actions::WITHDRAWALS_LIFT, "/withdrawals/{digest}/lift", "End a quarantine")
        .text(
            "Signed as `POST /admin/v1/withdrawals` says, by the root whose quarantine it is. Installations stay suspended until each is \
             resumed. What a publisher took back is not lifted: that takes a new release.",
        )
        .on(On::Tenant)
        .dry_run()
        .max_body(MAX_BODY + MAX_ENVELOPE)
        .refuses(REFUSES);

    async fn resource(_: &Ports, _: &Which, query: &ByRoot, _: &Sent<Lifting>) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Filed>, Problem> {
        let (of, root) = (call.path.digest, call.query.scope());
        let own = By::Root(root.clone());
        if !ports.trust().await?.withdrawals().iter().any(|one| one.digest == of && one.by == own) {
            return Err(unknown(
                "This root has no quarantine with this digest in force; see GET /admin/v1/withdrawals.",
            ));
        }
        let Lifting { reason, envelope } = &call.body.0;
        let asked = Asked { what: Act::Lift { of }, reason, root, envelope: envelope.as_ref() };
        filed(ports, &call, asked).await
    }
}
