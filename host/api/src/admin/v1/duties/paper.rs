//! `GET /duties/open.html` and `GET /installations/{id}/sheet.html`: what is open, and a plugin's sheet, as pages that stand alone: for
//! paper, and for whoever has no account here.

use axum::http::StatusCode;
use portcullis_duties::report::{open_page, sheet_page};
use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        installations::Which,
        posture::page::{HTML, alone},
    },
    Ports,
    sheet::{found, resource_of},
};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Writes what is open.
pub struct OpenAlone;

/// Writes a sheet.
pub struct SheetAlone;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Whose {
    /// In which tenant; the only one that you see, where it is not there.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Operation for OpenAlone {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About =
        About::get(actions::DUTIES_LIST, "/duties/open.html", "List who has to do what, as a page to print")
            .id("duties.open.page")
            .text("One file without a script, fit for paper.")
            .on(On::Tenants)
            .answers(StatusCode::OK, HTML);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "duty"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let tenant = ports.meant(&call, call.query.tenant.as_ref()).await?;
        let posture = ports.look.posture(&tenant).await.map_err(|error| unavailable(&error))?;
        Ok(alone(open_page(&posture)))
    }
}

impl Operation for SheetAlone {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About = About::get(
        actions::DUTIES_LIST,
        "/installations/{id}/sheet.html",
        "Show a plugin's responsibility sheet, as a page to print",
    )
    .id("duties.sheet.page")
    .text("One file without a script, fit for paper.")
    .on(On::Installation)
    .answers(StatusCode::OK, HTML);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        resource_of(ports, path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        Ok(alone(sheet_page(&found(ports, &call.path).await?, ports.look.catalogue())))
    }
}
