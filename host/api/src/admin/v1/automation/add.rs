//! `POST /automation`: makes a program of a tenant's own, by its public key.

use axum::http::StatusCode;
use portcullis_access::NewAutomation;
use portcullis_model::{
    id::RoleName,
    people::{Network, Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AutomationView, Changed, Ports, Whose, key, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::people::until},
    problem::{Problem, Reason},
};

/// Makes one.
pub struct Add;

/// What it is to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewAutomation)]
pub struct New {
    /// What it is called: once in a tenant.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// As what it acts. Nobody gives a role that may more than they may.
    #[schema(value_type = String)]
    role: RoleName,
    /// Its public key: PEM with Ed25519 or P-256, or a JSON Web Key. The private key stays where it was made.
    #[schema(max_length = 4096)]
    public_key: String,
    /// Until when it can be used: a time or a day, at most a year ahead.
    until: String,
    /// From where it may come; none: from wherever the tenant's people may.
    #[serde(default)]
    #[schema(max_items = 50)]
    networks: Vec<String>,
    /// Let it do what people need a second factor for, too, as far as the role goes.
    #[serde(default)]
    privileged: bool,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Sent<New>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::PEOPLE_INVITE, "/automation", "Register a program that uses this API")
        .id("automation.add")
        .text("It asks for tokens of ten minutes at /oauth/token, by `client_credentials` and `private_key_jwt`.")
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Sent<New>) -> Result<Resource, Problem> {
        Ok(query.resource(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let now = call.now();
        let New { name, role, public_key, until: end, networks, privileged } = call.body.0;
        let wrong = |text: String| Problem::new(Reason::WrongBody, text);
        let until = until(Some(&end))?.ok_or_else(|| wrong("until: say when it ends.".to_owned()))?;
        let networks = networks
            .iter()
            .map(|text| text.parse::<Network>().map_err(|error| wrong(format!("networks: {error}."))))
            .collect::<Result<Vec<_>, Problem>>()?;
        let (tenant, key) = (call.query.tenant, key(&public_key)?);
        let new = NewAutomation { tenant: tenant.clone(), name, role, privileged, networks, key, until };
        let made = ports.acting(call.dry_run)?.add_automation(&call.caller, new).await.map_err(refused)?;
        let reply = Reply::json(Changed { dry_run: call.dry_run, automation: AutomationView::of(&made, now) });
        Ok(if call.dry_run { reply.tried() } else { reply.found_at(format!("/automation?tenant={tenant}")) })
    }
}
