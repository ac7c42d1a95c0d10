//! `POST /connections/{installation}/{name}/authorize`: a link by which a person consents to a connection, for the first time or anew.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use portcullis_broker::{
    consent::{ConsentError, Wanted},
    place::Place,
    providers::{ProviderError, definition::Proof},
};
use portcullis_model::{
    audit::plain,
    connection::Origin,
    id::ProviderId,
    people::{Resource, actions},
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, Which, secret};
use crate::{
    admin::{About, Bare, Call, Maybe, On, Operation, Reply, sentence, unavailable},
    problem::{Problem, Reason},
};

/// Makes a link for a consent.
pub struct Reconnect;

/// From which provider, what for, and the client's secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewConsent)]
pub struct Authorizing {
    /// The provider.
    #[schema(value_type = String)]
    provider: ProviderId,
    /// What the provider's definition leaves open, such as `client-id`, by its name there.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// What to ask for, in the provider's words.
    #[serde(default)]
    scopes: Vec<String>,
    /// Where the token goes, and nowhere else: host names, with `:port` where that is not 443. The provider's own where none is named.
    #[serde(default)]
    hosts: Vec<String>,
    /// The header that carries it, where that is not the provider's.
    header: Option<String>,
    /// What stands before it in the header, where that is not the provider's.
    prefix: Option<String>,
    /// The client's secret or key; it is never answered. A rehearsal needs none.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    client_secret: Option<Secret>,
    /// The client's secret is the one that the connection has already, with just these settings.
    #[serde(default)]
    same_client: bool,
}

/// A link by which a person consents: good once, and shown once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ConsentLink)]
pub struct Asked {
    /// Whether this was a rehearsal: there is no link then.
    #[serde(rename = "dry_run")]
    dry_run: bool,
    /// Whether the client's secret has to be sent.
    needs_secret: bool,
    /// The consent; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
    /// The link: to be opened in a browser that reaches this host. Nobody sees it again. Absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The redirect URI that the client at the provider must have, exactly; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    /// Until when it is good; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires: Option<String>,
}

/// What a link is to be for, and what its client has.
struct Read {
    wanted: Wanted,
    /// The secret that was sent.
    client: Option<Secret>,
    /// Whether one has to be.
    needs_secret: bool,
}

impl Operation for Reconnect {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Maybe<Authorizing>;
    type Answer = Asked;

    const ABOUT: About = About::post(
        actions::CONNECTIONS_AUTHORIZE,
        "/connections/{installation}/{name}/authorize",
        "Make a link for a consent",
    )
    .text(
        "Without a body: for the same provider, scopes, destinations and client as before. What is stored stays in use until the new \
         consent is given. The link is answered once and good once, for an hour.",
    )
    .on(On::Tenant)
    .dry_run()
    .once()
    .answers(StatusCode::CREATED, "application/json")
    .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, body: &Maybe<Authorizing>) -> Result<Resource, Problem> {
        match &body.0 {
            Some(_) => ports.resource_new(path).await,
            None => ports.resource(path).await,
        }
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Asked>, Problem> {
        let Read { wanted, client, needs_secret } = match call.body.0.take() {
            Some(body) => ports.for_this(&call, body).await?,
            None => ports.anew(&call).await?,
        };
        if call.dry_run {
            ports.desk.check(&wanted).await.map_err(refused)?;
            // What has to be sent need not be sent to try it out.
            if client.is_some() || !needs_secret {
                ports.desk.check_client(&wanted, client.as_ref()).await.map_err(refused)?;
            }
            let tried =
                Asked { dry_run: true, needs_secret, consent: None, link: None, redirect_uri: None, expires: None };
            return Ok(Reply::json(tried).tried());
        }
        if needs_secret && client.is_none() {
            let advice = "client-secret: send it, or say same-client where the connection has it already.";
            return Err(Problem::new(Reason::WrongBody, advice));
        }
        let asked = ports.desk.link(wanted, client).await.map_err(refused)?;
        let made = Asked {
            dry_run: false,
            needs_secret,
            consent: Some(asked.consent.id.to_string()),
            link: Some(asked.link.as_str().to_owned()),
            redirect_uri: Some(asked.consent.redirect.clone()),
            expires: Some(asked.consent.expires.to_string()),
        };
        Ok(Reply::json(made).found_at("/connections".to_owned()))
    }
}

impl Ports {
    /// Where links lead to.
    fn reached(&self) -> Result<String, Problem> {
        let advice = "This host has no address that a link could lead to: set listen.public-url.";
        self.base.clone().ok_or_else(|| Problem::new(Reason::Conflict, advice))
    }

    /// For what the connection was made for before.
    async fn anew(&self, call: &Call<Reconnect>) -> Result<Read, Problem> {
        let base = self.reached()?;
        let found = self.find(&call.path).await?;
        let place: Place = serde_json::from_value(found.place).map_err(|error| unavailable(&error))?;
        let wanted = Wanted { key: found.key, origin: found.origin, place, asked_by: call.actor(), base };
        Ok(Read { wanted, client: None, needs_secret: false })
    }

    /// For what the request says.
    async fn for_this(&self, call: &Call<Reconnect>, body: Authorizing) -> Result<Read, Problem> {
        if body.same_client && body.client_secret.is_some() {
            let advice = "client-secret: send it, or say same-client; not both.";
            return Err(Problem::new(Reason::WrongBody, advice));
        }
        let key = self.key_new(&call.path).await?;
        let origin = Origin { provider: body.provider, settings: body.settings, scopes: body.scopes, risk: None };
        let unfit = |error: ProviderError| Problem::new(Reason::Refused, sentence(&error));
        let resolved = self.connecting.providers.resolve(&origin).map_err(unfit)?;
        self.may_ask(&call.caller, &origin)?;
        let place = resolved.place(&body.hosts, body.header.as_deref(), body.prefix.as_deref()).map_err(unfit)?;
        let needs_secret = resolved.proof != Proof::None && !body.same_client;
        let wanted = Wanted { key, origin, place, asked_by: call.actor(), base: self.reached()? };
        Ok(Read { wanted, client: body.client_secret, needs_secret })
    }
}

fn refused(error: ConsentError) -> Problem {
    match error {
        ConsentError::Store(_) => unavailable(&error),
        other => Problem::new(Reason::Conflict, format!("No link can be made: {}.", plain(&other.to_string()))),
    }
}
