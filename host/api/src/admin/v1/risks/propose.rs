//! `POST /risks`: proposes to accept a risk. It has no effect before somebody else approves it.

use axum::http::StatusCode;
use portcullis_model::{
    connection::ConnectionKey,
    duty::{Party, RiskAbout},
    id::{DutyId, InstallationId, TenantId},
    people::{Principal, Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::posture::{party, refused, until as end, who},
    Ports, RiskView,
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, v1::no_installation},
    problem::{Problem, Reason},
};

/// Proposes a risk.
pub struct Propose;

/// What is proposed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposing {
    /// Against which duty.
    #[schema(value_type = String)]
    duty: DutyId,
    /// What it is to let pass.
    about: ProposedAbout,
    /// Why.
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
    /// Until when: a time such as `2026-12-01T09:30:00Z`, or a day.
    until: String,
}

/// What a risk is about.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProposedAbout {
    /// The static token of one connection.
    Connection {
        /// Of which installation.
        #[schema(value_type = String)]
        installation: InstallationId,
        /// The connection's name.
        name: String,
    },
    /// Requests of one tenant to one host without TLS.
    Host {
        /// Whose requests.
        #[schema(value_type = String)]
        tenant: TenantId,
        /// To which host.
        host: String,
    },
}

impl ProposedAbout {
    async fn read(&self, ports: &Ports) -> Result<RiskAbout, Problem> {
        match self {
            Self::Host { tenant, host } => Ok(RiskAbout::Host { tenant: tenant.clone(), host: host.clone() }),
            Self::Connection { installation, name } => {
                let whose = ports.look.whose(installation).await.map_err(|error| unavailable(&error))?;
                let tenant = whose.ok_or_else(no_installation)?;
                let (installation, name) = (installation.clone(), name.clone());
                Ok(RiskAbout::Connection(ConnectionKey { tenant, installation, name }))
            }
        }
    }
}

impl Operation for Propose {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Proposing>;
    type Answer = RiskView;

    const ABOUT: About = About::post(actions::RISKS_PROPOSE, "/risks", "Propose to accept a risk")
        .text("It has no effect before another person approves it.")
        .on(On::Tenant)
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Refused, Reason::Unknown]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<Proposing>) -> Result<Resource, Problem> {
        let about = body.0.about.read(ports).await?;
        Ok(Resource::of(about.tenant().clone(), "risk"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RiskView>, Problem> {
        if matches!(call.caller.principal, Principal::Automation(_)) {
            return Err(Problem::new(Reason::Refused, "This is a person's word: sign in, and say it by name."));
        }
        let Proposing { duty, about, reason, until } = call.body.0.clone();
        let about = about.read(ports).await?;
        if let Some(why) = ports.look.unfit(&about).await.map_err(|error| unavailable(&error))? {
            return Err(Problem::new(Reason::Refused, format!("{}.", portcullis_model::audit::plain(&why))));
        }
        let until = end(&until)?;
        let who = who(&call.caller, party(&call.caller, Some(about.tenant()), None, Party::Subscriber));
        let risk = ports.desk().propose(&who, &duty, about, &reason, until).await.map_err(refused)?;
        Ok(Reply::json(ports.shown_risk(risk, call.now())).found_at("/risks".to_owned()))
    }
}
