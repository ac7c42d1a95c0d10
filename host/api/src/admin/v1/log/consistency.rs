//! `GET /audit/consistency`: that the log, or a view, only grew since it had so many entries.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Growth, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Proves that it only grew.
pub struct Grown;

/// Since when, and of what.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// The older size.
    from: u64,
    /// This tenant's view. Absent: the whole log.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// The view of what is no tenant's.
    host: Option<bool>,
}

impl Wanted {
    fn which(&self) -> Which {
        Which { tenant: self.tenant.clone(), host: self.host }
    }
}

impl Operation for Grown {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Growth;

    const ABOUT: About =
        About::get(actions::AUDIT_LIST, "/audit/consistency", "Prove that the log, or a view, only grew")
            .id("audit.consistency")
            .text("A consistency proof of RFC 6962 from `from` entries to the newest signed head, which is with it.")
            .on(On::Tenant)
            .refuses(&[Reason::Unknown, Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, wanted: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(wanted.which().resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Growth>, Problem> {
        Ok(Reply::json(ports.proofs.growth(&call.query.which().part()?, call.query.from).await?))
    }
}
