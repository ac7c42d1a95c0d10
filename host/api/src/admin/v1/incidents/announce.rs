//! `POST /incidents/{id}/announce`: tells of an incident on the status page.

use axum::http::StatusCode;
use portcullis_model::{
    id::IncidentId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, Which, refused};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, unavailable,
        v1::status::{self, TEXT, TITLE, words},
    },
    ops::Announced,
    problem::{Problem, Reason},
};

/// Tells of an incident on the status page.
pub struct Announce;

/// In which words.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnnouncingIncident)]
pub struct Announcing {
    /// In a few words; everybody can read it.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// In more; everybody can read it.
    #[schema(max_length = 4000)]
    text: String,
}

/// What is told of an incident, or would be.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentAnnounced)]
pub struct Told {
    /// Whether this was a rehearsal: nothing was told then.
    dry_run: bool,
    /// What it is called on the status page: by that it is resolved.
    status: String,
    /// The incident.
    #[schema(value_type = String)]
    incident: IncidentId,
}

impl Operation for Announce {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Announcing>;
    type Answer = Told;

    const ABOUT: About =
        About::post(actions::STATUS_ANNOUNCE, "/incidents/{id}/announce", "Tell of an incident on the status page")
            .id("incidents.announce")
            .text("Everybody can read it: words that name a tenant are refused. An incident is told of once.")
            .on(On::Host)
            .dry_run()
            .answers(StatusCode::CREATED, "application/json")
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Sent<Announcing>) -> Result<Resource, Problem> {
        Ok(status::resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let (found, body) = (ports.find(&call.path.id).await?, &call.body.0);
        if found.announced.is_some() {
            let advice = "It is on the status page already; see GET /admin/v1/status/announcements.";
            return Err(Problem::new(Reason::Conflict, advice));
        }
        let (title, text) = (words("title", &body.title, 1, TITLE)?, words("text", &body.text, 0, TEXT)?);
        ports.names_nobody(&format!("{title} {text}")).await?;
        let (id, since) = (status::new_id(ports.rng.as_ref()), call.now());
        let told = Told { dry_run: call.dry_run, status: id.clone(), incident: found.id.clone() };
        if call.dry_run {
            return Ok(Reply::json(told).tried());
        }
        let one = Announced { id, kind: "incident".to_owned(), title, text, since, until: None, resolved: None };
        ports.board.tell_of(&one, found, call.actor()).await.map_err(|error| refused(&error.into()))?;
        Ok(Reply::json(told))
    }
}

impl Ports {
    /// Refuses words that name a tenant.
    async fn names_nobody(&self, said: &str) -> Result<(), Problem> {
        let said = said.to_lowercase();
        let has = |name: &str| said.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name);
        let tenants = self.survey.tenants().await.map_err(|error| unavailable(&error))?;
        match tenants.iter().find(|tenant| has(tenant.as_str())) {
            None => Ok(()),
            Some(tenant) => {
                let advice =
                    format!("Everybody reads the status page: leave out '{tenant}', which is a tenant's name.");
                Err(Problem::new(Reason::Conflict, advice))
            }
        }
    }
}
