//! `POST /connections/{installation}/{name}/authorize`: a link by which a person consents to a connection anew.

use axum::http::StatusCode;
use portcullis_broker::{
    consent::{ConsentError, Wanted},
    place::Place,
};
use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Makes a link for a consent.
pub struct Reconnect;

/// A link by which a person consents: good once, and shown once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ConsentLink)]
pub struct Asked {
    /// The consent.
    consent: String,
    /// The link: to be opened in a browser that reaches this host. Nobody sees it again.
    link: String,
    /// The redirect URI that the client at the provider must have, exactly.
    redirect_uri: String,
    /// Until when it is good.
    #[schema(format = DateTime)]
    expires: String,
}

impl Operation for Reconnect {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Asked;

    const ABOUT: About = About::post(
        actions::CONNECTIONS_AUTHORIZE,
        "/connections/{installation}/{name}/authorize",
        "Make a link for a new consent",
    )
    .text(
        "For the same provider, scopes, destinations and client as before. What is stored stays in use until the new consent is \
         given. The link is answered once and good once, for an hour.",
    )
    .on(On::Tenant)
    .once()
    .answers(StatusCode::CREATED, "application/json")
    .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Asked>, Problem> {
        let advice = "This host has no address that a link could lead to: set listen.public-url.";
        let base = ports.base.clone().ok_or_else(|| Problem::new(Reason::Conflict, advice))?;
        let found = ports.find(&call.path).await?;
        let place: Place = serde_json::from_value(found.place).map_err(|error| unavailable(&error))?;
        let wanted = Wanted { key: found.key, origin: found.origin, place, asked_by: call.actor(), base };
        let asked = ports.desk.link(wanted).await.map_err(|error| match error {
            ConsentError::Store(_) => unavailable(&error),
            other => {
                let text = portcullis_model::audit::plain(&other.to_string());
                Problem::new(Reason::Conflict, format!("No link can be made: {text}."))
            }
        })?;
        let made = Asked {
            consent: asked.consent.id.to_string(),
            link: asked.link.as_str().to_owned(),
            redirect_uri: asked.consent.redirect.clone(),
            expires: asked.consent.expires.to_string(),
        };
        Ok(Reply::json(made).found_at("/connections".to_owned()))
    }
}
