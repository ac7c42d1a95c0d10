//! `GET /duties/open`: who has to do what in a tenant, by party and person.

use portcullis_model::{
    duty::Party,
    id::TenantId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{super::posture::MoveView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists what is open.
pub struct Open;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// In which tenant; the only one that you see, where it is not there.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only what this party has to do.
    #[param(value_type = Option<String>)]
    party: Option<Party>,
}

/// What is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenDuties {
    /// In which tenant.
    tenant: String,
    /// When it was computed.
    #[schema(format = DateTime)]
    at: String,
    /// Who has to do what: the tenant's own first.
    open: Vec<MoveView>,
}

impl Operation for Open {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = OpenDuties;

    const ABOUT: About =
        About::get(actions::DUTIES_LIST, "/duties/open", "List who has to do what").id("duties.open").on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "duty"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<OpenDuties>, Problem> {
        let tenant = ports.meant(&call, call.query.tenant.as_ref()).await?;
        let posture = ports.look.posture(&tenant).await.map_err(|error| unavailable(&error))?;
        let open = MoveView::all(&posture, call.query.party);
        Ok(Reply::json(OpenDuties { tenant: tenant.to_string(), at: posture.at.to_string(), open }))
    }
}
