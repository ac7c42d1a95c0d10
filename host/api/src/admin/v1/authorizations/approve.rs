//! `POST /authorizations/{code}/approve`: agrees to what a client asks for, or to a part of it.

use portcullis_broker::authz::consent;
use portcullis_model::{
    people::{Resource, actions},
    scope::{ScopeError, ScopeText},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Decided, Ports, Which, entry, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Agrees.
pub struct Approve;

/// To how much.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApprovingAuthorization)]
pub struct Approving {
    /// To no more than these scopes, as text; to all that is asked for, where it is not there.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

impl Approving {
    /// To no more than these, each of which this host understands.
    fn narrow(&self, ports: &Ports) -> Result<Option<Vec<ScopeText>>, Problem> {
        let Some(texts) = &self.scopes else { return Ok(None) };
        let read = |text: &String| -> Result<ScopeText, ScopeError> {
            let scope: ScopeText = text.parse()?;
            ports.catalogue.describe(&scope)?;
            Ok(scope)
        };
        let all = texts.iter().map(read).collect::<Result<Vec<_>, _>>();
        all.map(Some).map_err(|error| refused(error.into()))
    }
}

impl Operation for Approve {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Approving>;
    type Answer = Decided;

    const ABOUT: About = About::post(
        actions::AUTHORIZATIONS_DECIDE,
        "/authorizations/{code}/approve",
        "Agree to a request for authorization",
    )
    .id("authorizations.approve")
    .text(
        "To all of it, or to what it has in common with the scopes of the body. The page that shows the code goes on by itself. Agree only \
         where somebody you know gave you the code and started this.",
    )
    .on(On::Tenant)
    .dry_run()
    .refuses(&[Reason::Unknown, Reason::Refused, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Approving>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Decided>, Problem> {
        let narrow = call.body.0.narrow(ports)?;
        let pending = ports.find(&call.path).await?;
        let authorization = ports.shown(&pending, &ports.clients().await?);
        let (catalogue, narrow) = (ports.catalogue.as_ref(), narrow.as_deref());
        if call.dry_run {
            let scopes = ports.scopes(&consent::agreed(catalogue, &pending, narrow).map_err(refused)?);
            return Ok(Reply::json(Decided { dry_run: true, authorization, scopes }).tried());
        }
        let entry = entry(&call, ports.clock.now(), &pending);
        let scopes = consent::approve(ports.store.as_ref(), catalogue, pending, narrow, entry).await;
        let scopes = ports.scopes(&scopes.map_err(refused)?);
        Ok(Reply::json(Decided { dry_run: false, authorization, scopes }))
    }
}
