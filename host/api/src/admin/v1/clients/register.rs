//! `POST /clients`: registers the client of an installation.

use axum::http::StatusCode;
use portcullis_broker::authz::clients::{self, OVERLAP, Registration};
use portcullis_model::{
    audit::{Entry, Kind},
    id::InstallationId,
    installation::Installation,
    oauth::Authentication,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, refused};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, Version,
        v1::{automation::key, installed},
    },
    problem::{Problem, Reason},
};

/// The longest time for which a key that is replaced stays good, in seconds: thirty days.
const LONGEST: u64 = 30 * 86_400;

/// Registers a client.
pub struct Register;

/// Of which installation, and how it proves itself.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewClient)]
pub struct New {
    /// The installation's id.
    #[schema(value_type = String)]
    installation: InstallationId,
    /// Its public keys: PEM with Ed25519 or P-256, or a JSON Web Key each. Private keys stay where they were made.
    #[serde(default)]
    #[schema(max_items = 5)]
    public_keys: Vec<String>,
    /// It proves itself by DPoP (RFC 9449) and not by signed assertions (RFC 7523). May then be without keys.
    #[serde(default)]
    dpop: bool,
    /// Where an authorization may lead back to, character for character.
    #[serde(default)]
    #[schema(max_items = 10)]
    redirects: Vec<String>,
    /// For how long a key that is replaced stays good; a day, where it is not there.
    #[schema(maximum = 2592000)]
    overlap_seconds: Option<u64>,
}

impl New {
    fn read(&self) -> Result<Registration, Problem> {
        let overlap_seconds = self.overlap_seconds.unwrap_or(OVERLAP);
        if overlap_seconds > LONGEST {
            let why = format!("overlap-seconds: at most {LONGEST}, which is thirty days.");
            return Err(Problem::new(Reason::WrongBody, why));
        }
        let keys = self.public_keys.iter().enumerate().map(|(at, text)| {
            let named = |problem: Problem| {
                let why = problem.advice.trim_start_matches("public-key: ");
                Problem::new(problem.reason, format!("public-keys[{at}]: {why}"))
            };
            key(text).map(|(key, _)| key).map_err(named)
        });
        Ok(Registration {
            authentication: if self.dpop { Authentication::Dpop } else { Authentication::PrivateKeyJwt },
            keys: keys.collect::<Result<_, _>>()?,
            redirects: self.redirects.clone(),
            overlap_seconds,
        })
    }
}

impl Ports {
    async fn of(&self, id: &InstallationId) -> Result<Installation, Problem> {
        installed(self.installations.as_ref(), id).await
    }
}

impl Operation for Register {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<New>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::CLIENTS_CHANGE, "/clients", "Register the client of an installation")
        .id("clients.register")
        .text("One each, with an id and a name of its own: a back end outside of the sandbox, which asks this host for tokens.")
        .on(On::Installation)
        .dry_run()
        .version(Version::Shown)
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<New>) -> Result<Resource, Problem> {
        let found = ports.of(&body.0.installation).await?;
        Ok(Resource::of(found.tenant, "client"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let installation = ports.of(&call.body.0.installation).await?;
        if installation.is_gone() {
            return Err(Problem::new(Reason::Conflict, format!("{} was uninstalled.", installation.id)));
        }
        let (registration, who) = (call.body.0.read()?, (ports.rng.as_ref(), call.now()));
        let store = ports.store.as_ref();
        if call.dry_run {
            let client = clients::planned(store, &installation, registration, who).await.map_err(refused)?;
            return Ok(Reply::json(Changed { dry_run: true, client }).tried());
        }
        let told = Entry::new(call.now(), Kind::ClientRegistered, call.actor(), Some(installation.tenant.clone()));
        let client = clients::register(store, &installation, registration, who, told).await.map_err(refused)?;
        let (version, path) = (client.version, format!("/clients/{}", client.id));
        Ok(Reply::json(Changed { dry_run: false, client }).at(version).found_at(path))
    }
}
