//! `GET /installations/{id}/standing`: what becomes of a scope in an installation, layer by layer.

use portcullis_model::{
    authority::Standing,
    catalogue::ScopeDescription,
    people::{Resource, actions},
    release::Releases as _,
    scope::{ScopeError, ScopeText},
};
use portcullis_packages::install::InstallError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which, refused, words};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Says what becomes of a scope.
pub struct Stands;

/// Of which.
#[derive(Deserialize, IntoParams)]
pub struct Asked {
    /// The scope, such as `tickets:read fields=subject`.
    #[param(value_type = String)]
    scope: ScopeText,
}

/// What becomes of a scope in an installation.
#[derive(Serialize, ToSchema)]
#[schema(as = ScopeStanding)]
pub struct Stood {
    /// What it lets a plugin do, in an admin's words.
    means: Vec<String>,
    /// The classes of data that it touches.
    classes: Vec<String>,
    /// Layer by layer, what is left of it in the end, and which layer takes away first.
    #[schema(value_type = Object)]
    standing: Standing,
}

impl Stood {
    fn new(described: &[ScopeDescription], standing: Standing) -> Self {
        let classes = described.iter().flat_map(|one| &one.classes).map(|class| class.name().to_owned()).collect();
        Self { means: described.iter().map(|one| one.words.clone()).collect(), classes, standing }
    }
}

impl Operation for Stands {
    type Ports = Ports;
    type Path = Which;
    type Query = Asked;
    type Body = Nothing;
    type Answer = Stood;

    const ABOUT: About =
        About::get(actions::INSTALLATIONS_GET, "/installations/{id}/standing", "Say what becomes of a scope")
            .id("installations.standing")
            .text("Which layers give it, and who could give more. Its release is checked first.")
            .on(On::Installation)
            .refuses(&[Reason::Unknown, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Asked, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Stood>, Problem> {
        let unread = |error: ScopeError| Problem::new(Reason::WrongQuery, words(&error.to_string()));
        let (installation, scope) = (ports.find(&call.path.id).await?, &call.query.scope);
        let catalogue = ports.registry.rules().catalogue;
        let described = catalogue.describe(scope).map_err(unread)?;
        let release = ports.registry.verified(&installation.release_id(), &installation.tenant).await;
        let release = release.map_err(|error| refused(InstallError::Release(error)))?;
        ports.bounds.refresh().await.map_err(|error| unavailable(&error))?;
        let standing = catalogue.standing(&ports.bounds.layers(&release, &installation), scope).map_err(unread)?;
        Ok(Reply::json(Stood::new(&described, standing)))
    }
}
