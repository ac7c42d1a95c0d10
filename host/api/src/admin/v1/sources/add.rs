//! `POST /sources`: registers a source of events.

use axum::http::StatusCode;
use portcullis_broker::rotation::NotRegistered;
use portcullis_model::{
    audit::plain,
    id::{SourceName, TenantId},
    people::{Resource, actions},
    source::Source,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Form, Made, Ports, SourceView, failed, resource, secret};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Registers a source.
pub struct Add;

/// Whose.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Whose {
    /// Into which tenant its events go.
    #[param(value_type = String)]
    tenant: TenantId,
}

/// Which.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSource)]
pub struct Adding {
    /// Its name, which no other source of the host has.
    #[schema(value_type = String)]
    name: SourceName,
    // A sentence here would make the document ask for an object as well: the type has its own.
    #[schema(inline)]
    form: Form,
    /// The secret that it signs with, where its sender chose one; 8 to 512 bytes. Absent: the host makes one, and answers it once. Of a
    /// source of CloudEvents it is a token by which the tenant is found: only the platform chooses it.
    #[schema(min_length = 8, max_length = 512, write_only)]
    secret: Option<String>,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Sent<Adding>;
    type Answer = Made;

    const ABOUT: About = About::post(actions::SOURCES_CHANGE, "/sources", "Register a source of events")
        .id("sources.add")
        .text(
            "What it sends is taken within a second. A secret that the host made is answered once, and kept sealed. A tenant has 200 sources \
             at most.",
        )
        .on(On::Tenant)
        .dry_run()
        .once()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, body: &Sent<Adding>) -> Result<Resource, Problem> {
        Ok(resource(query.tenant.clone(), &body.0.name))
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Made>, Problem> {
        let (sources, sent) = ((ports.kept_by)(call.actor()), call.body.0.secret.take());
        let (name, tenant) = (call.body.0.name.clone(), call.query.tenant.clone());
        let source = Source { name, tenant, form: call.body.0.form.into() };
        let (secret, shown) = secret(&call, source.form, &sources, sent).await?;
        if call.dry_run {
            sources.check_new(&source).await.map_err(refused)?;
            let source = SourceView::of(&source, &Default::default());
            return Ok(Reply::json(Made { dry_run: true, source, secret: None }).tried());
        }
        sources.add(&source, &secret).await.map_err(refused)?;
        let made = Made { dry_run: false, source: ports.view(&source).await?, secret: shown };
        Ok(Reply::json(made).found_at(format!("/sources/{}", source.name)))
    }
}

fn refused(error: NotRegistered) -> Problem {
    match error {
        NotRegistered::Step(error) => failed(&error),
        many @ NotRegistered::TooMany(_) => Problem::new(Reason::Conflict, format!("{}.", plain(&many.to_string()))),
        other => Problem::new(Reason::Conflict, format!("Choose another name: {}.", plain(&other.to_string()))),
    }
}
