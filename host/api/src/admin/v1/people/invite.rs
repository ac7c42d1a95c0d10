//! `POST /people/invitations`: a link by which somebody gets an account and registers a passkey.

use axum::http::StatusCode;
use portcullis_access::NewInvitation;
use portcullis_model::{
    id::RoleName,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{At, Linked, Ports, refused, until};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Invites somebody.
pub struct Invite;

/// Whom, and as what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewInvitation)]
pub struct Inviting {
    /// Their address. Nobody proves that it is theirs: the link is the proof.
    #[schema(max_length = 254)]
    email: String,
    /// What they are called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// As what: `owner`, `admin`, `reviewer`, `developer`, `auditor`, on the platform `support`, or a role of the tenant's own.
    #[schema(value_type = String)]
    role: RoleName,
    /// Until when the role is held; absent: until it is taken away.
    #[serde(default)]
    until: Option<String>,
    /// An owner who can sign in with a passkey even where the tenant has single sign-on.
    #[serde(default)]
    break_glass: bool,
}

impl Operation for Invite {
    type Ports = Ports;
    type Path = Bare;
    type Query = At;
    type Body = Sent<Inviting>;
    type Answer = Linked;

    const ABOUT: About = About::post(actions::PEOPLE_INVITE, "/people/invitations", "Invite a person")
        .text(
            "The link is answered once and good once, for an hour: whoever opens it first is that person. Nobody gives a role that may \
             more than they may.",
        )
        .on(On::Tenant)
        .dry_run()
        .once()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, _: &Bare, query: &At, _: &Sent<Inviting>) -> Result<Resource, Problem> {
        Ok(query.resource("person"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Linked>, Problem> {
        let (base, access) = (ports.base()?, ports.acting(call.dry_run)?);
        let Inviting { email, name, role, until: end, break_glass } = call.body.0;
        let (tenant, until) = (call.query.tenant, until(end.as_deref())?);
        let new = NewInvitation { email, name, tenant, role, until, break_glass };
        let invited = access.invite(&call.caller, new).await.map_err(refused)?;
        let linked = Reply::json(Linked::of(&invited, base, call.dry_run));
        Ok(if call.dry_run { linked.tried() } else { linked.found_at("/people/invitations".to_owned()) })
    }
}
