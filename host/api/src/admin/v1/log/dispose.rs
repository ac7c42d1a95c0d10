//! `POST /audit/dispose`: disposes of entries before the end of their retention.

use portcullis_model::{
    audit::query::moment,
    id::TenantId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Cut, Disposed, Ports, log};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::reason},
    problem::{Problem, Reason},
};

/// Disposes of entries.
pub struct Dispose;

/// Of which, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisposingOfLog)]
pub struct Disposing {
    /// What is older than this day, or moment.
    before: String,
    /// Only this tenant's entries.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those that belong to no tenant.
    #[serde(default)]
    host: bool,
    /// Why. It goes into the log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// What was disposed of, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DisposedOfLog)]
pub struct Told {
    /// Whether this was a rehearsal: nothing was disposed of then.
    dry_run: bool,
    /// Of each view.
    disposed: Vec<Disposed>,
}

impl Operation for Dispose {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Disposing>;
    type Answer = Told;

    const ABOUT: About = About::post(actions::AUDIT_DISPOSE, "/audit/dispose", "Dispose of entries of the log")
        .text(
            "Their hashes stay, and the log goes on to hold. Export first what is to be kept. Nobody disposes of what is younger than \
             `audit.minimum-days`, or not published yet.",
        )
        .on(On::Host)
        .dry_run()
        .refuses(&[Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Disposing>) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let cut = call.body.0.cut()?;
        let disposed = ports.upkeep.dispose(&cut, call.actor(), call.dry_run).await?;
        let reply = Reply::json(Told { dry_run: call.dry_run, disposed });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}

impl Disposing {
    fn cut(&self) -> Result<Cut, Problem> {
        let wrong = |advice: &str| Problem::new(Reason::WrongBody, advice);
        let before = moment(&self.before);
        let before = before.ok_or_else(|| wrong("before: expected a day such as 2026-01-01, or RFC 3339."))?;
        let view = match (&self.tenant, self.host) {
            (Some(_), true) => return Err(wrong("host: a tenant is named already.")),
            (Some(tenant), false) => Some(Some(tenant.clone())),
            (None, true) => Some(None),
            (None, false) => None,
        };
        Ok(Cut { before, view, reason: reason(&self.reason)? })
    }
}
