//! `POST /roles`: makes a role of a tenant's own.

use axum::http::StatusCode;
use portcullis_model::{
    id::RoleName,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Of, Ports, RuleView, found, put};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Makes a role.
pub struct Add;

/// Which.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRole)]
pub struct Adding {
    /// Its name: a-z, 0-9 and '-'. It can be used once.
    #[schema(value_type = String)]
    name: RoleName,
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    says: String,
    /// What it permits and forbids.
    #[schema(min_items = 1, max_items = 64)]
    rules: Vec<RuleView>,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Bare;
    type Query = Of;
    type Body = Sent<Adding>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::ROLES_CHANGE, "/roles", "Make a role")
        .id("roles.add")
        .text("It is checked as policies against a strict schema, and never permits more than whoever makes it may do.")
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Of, body: &Sent<Adding>) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "role").named(body.0.name.to_string()))
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (tenant, name) = (call.query.tenant.clone(), call.body.0.name.clone());
        if found(ports.access()?, &call.caller, &tenant, &name).await?.is_some() {
            return Err(Problem::new(
                Reason::Conflict,
                "There is a role of this name: change it, or choose another name.",
            ));
        }
        let rules = std::mem::take(&mut call.body.0.rules);
        let reply = put(ports, &call, &tenant, &name, (&call.body.0.says, rules)).await?;
        Ok(if call.dry_run { reply } else { reply.found_at(format!("/roles/{name}?tenant={tenant}")) })
    }
}
