//! `POST /withdrawals`: takes releases back, or puts them into quarantine; a rehearsal says what to sign.

use portcullis_model::people::{Resource, actions};
use portcullis_packages::{
    dsse::MAX_ENVELOPE,
    trust::withdrawal::{Act, Target},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    ByRoot, Ports,
    filing::{Asked, Filed, REFUSES, filed},
};
use crate::{
    admin::{About, Bare, Call, MAX_BODY, On, Operation, Reply, Sent},
    problem::Problem,
};

/// Files a withdrawal.
pub struct File;

/// What is done.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = WithdrawalAct)]
pub enum What {
    /// A publisher takes its own releases back, for good.
    Yank,
    /// Releases are stopped until that is lifted.
    Quarantine,
}

/// What is withdrawn, why, and what was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewWithdrawal)]
pub struct New {
    /// What is done.
    act: What,
    /// What it is about: `{"type": "releases", "plugin", "from", "to"}`, `{"type": "component", "plugin", "digest"}` or
    /// `{"type": "publisher-key", "key"}`.
    #[schema(value_type = Object)]
    target: Target,
    /// Why; whoever runs the plugin reads it.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The DSSE envelope around what a rehearsal of just this answered.
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
}

impl Operation for File {
    type Ports = Ports;
    type Path = Bare;
    type Query = ByRoot;
    type Body = Sent<New>;
    type Answer = Filed;

    const ABOUT: About =
        About::post(actions::WITHDRAWALS_QUARANTINE, "/withdrawals", "Withdraw releases, or put them into quarantine")
            .text(
                "The host does not have the keys: a rehearsal without `envelope` answers what to sign, one with it whether enough have \
                 signed, and the same request with what was signed files it. Every installation of what is withdrawn is suspended, and \
                 its calls are ended: the answer waits for that, for five seconds at most.",
            )
            .on(On::Tenant)
            .dry_run()
            .max_body(MAX_BODY + MAX_ENVELOPE)
            .refuses(REFUSES);

    async fn resource(_: &Ports, _: &Bare, query: &ByRoot, _: &Sent<New>) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Filed>, Problem> {
        let New { act, target, reason, envelope } = &call.body.0;
        let what = match act {
            What::Yank => Act::Yank { target: target.clone() },
            What::Quarantine => Act::Quarantine { target: target.clone() },
        };
        let asked = Asked { what, reason, root: call.query.scope(), envelope: envelope.as_ref() };
        filed(ports, &call, asked).await
    }
}
