//! `GET /clients/{id}/tokens`: the access tokens of a client that are good now: what they are for, never what they are.

use portcullis_model::{
    oauth::AccessToken,
    people::{Resource, actions},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::{Problem, Reason},
};

/// The most tokens of a tenant that are looked through.
const MOST: usize = 1_000;

/// Lists tokens.
pub struct Tokens;

/// An access token: what it is for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientToken)]
pub struct TokenView {
    /// How the audit log calls it; leads to no token.
    token: String,
    /// Where it comes from.
    grant: String,
    /// For which resource server alone.
    audience: String,
    /// What it was narrowed to.
    scopes: Vec<String>,
    /// Who acts on behalf of whom, the latest first.
    actors: Vec<String>,
    /// Whether it is bound to a key.
    bound: bool,
    /// When it was issued.
    #[schema(format = DateTime)]
    issued: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires: String,
}

impl From<&AccessToken> for TokenView {
    fn from(token: &AccessToken) -> Self {
        Self {
            token: token.reference(),
            grant: token.grant.to_string(),
            audience: token.audience.clone(),
            scopes: token.scopes.iter().map(ToString::to_string).collect(),
            actors: token.actors.iter().map(ToString::to_string).collect(),
            bound: token.jkt.is_some(),
            issued: token.issued.to_string(),
            expires: token.expires.to_string(),
        }
    }
}

impl Operation for Tokens {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<TokenView>;

    const ABOUT: About = About::get(actions::CLIENTS_LIST, "/clients/{id}/tokens", "List tokens of a client")
        .id("clients.tokens")
        .text("Access tokens that are good now, the latest first, out of the tenant's latest 1,000: what they are for, never what they are.")
        .on(On::Tenant)
        .paged()
        .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let client = ports.find(&call.path).await?;
        let all = ports.store.live_tokens(&client.tenant, call.now(), MOST).await;
        let all = all.map_err(|error| unavailable(&error))?;
        let good = all.iter().filter(|token| token.client == client.id && !client.has_ended(token.issued));
        call.page(good.map(TokenView::from), |one| one.token.clone()).map(Reply::json)
    }
}
