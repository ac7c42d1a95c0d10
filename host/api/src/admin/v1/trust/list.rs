//! `GET /trust`: the newest root of the platform and of each tenant that has one.

use portcullis_model::{
    people::{Resource, actions},
    trust::RootScope,
};
use portcullis_packages::trust::root::Root;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, resource};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists roots.
pub struct List;

/// Which.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only this one: `platform`, or `tenant:` and a tenant.
    #[param(value_type = Option<String>)]
    root: Option<RootScope>,
}

/// A root of trust.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RootOfTrust)]
pub struct View {
    /// Its scope and version, until when it holds, its keys by owner, who may do what with how many of them, floors, and what is revoked.
    #[schema(value_type = Object)]
    root: Root,
    /// Whether it is over: nothing that it speaks for runs before its keepers sign the next version.
    expired: bool,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::TRUST_GET, "/trust", "See whose releases are trusted")
        .text("The newest version of each root. The platform's is for the platform, a tenant's own for that tenant.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource(query.root.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let (trust, now) = (ports.trust().await?, call.now());
        let mut scopes = trust.scopes();
        scopes.retain(|scope| call.query.root.as_ref().is_none_or(|wanted| wanted == scope));
        let seen = call.seen(scopes.iter().filter_map(|scope| scope.tenant().cloned())).await?;
        let platform = call.on_platform().await?;
        scopes.retain(|scope| scope.tenant().map_or(platform, |tenant| seen.contains(tenant)));
        let roots = scopes.iter().filter_map(|scope| trust.root(scope).cloned());
        let views = roots.map(|root| View { expired: root.expires <= now, root });
        call.page(views, |one| one.root.scope.to_string()).map(Reply::json)
    }
}
