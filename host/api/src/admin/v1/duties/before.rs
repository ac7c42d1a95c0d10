//! `GET /releases/{component}/{manifest}/sheet`: a release's responsibility sheet, for a tenant that has not installed it: what it would
//! answer for, and what would be refused (INT-9, DAT-12).

use axum::http::StatusCode;
use portcullis_duties::{report::sheet_page, sheet::Sheet};
use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        posture::page::{HTML, alone},
        releases::Which,
    },
    Ports,
    sheet::SheetView,
};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, Streamed, unavailable, unknown, v1::within::of_tenant},
    problem::Problem,
};

/// Shows it.
pub struct Before;

/// The same as a page that stands alone.
pub struct BeforeAlone;

/// For whom.
#[derive(Deserialize, IntoParams)]
pub struct ForWhom {
    /// Which tenant thinks about it; the only one that you see, where it is not there.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

async fn found<O: Operation<Path = Which, Query = ForWhom>>(ports: &Ports, call: &Call<O>) -> Result<Sheet, Problem> {
    let tenant = ports.meant(call, call.query.tenant.as_ref()).await?;
    let sheet = ports.look.sheet_before(&call.path.id(), &tenant).await.map_err(|error| unavailable(&error))?;
    sheet.ok_or_else(|| unknown("There is no release with these digests; see GET /admin/v1/releases."))
}

impl Operation for Before {
    type Ports = Ports;
    type Path = Which;
    type Query = ForWhom;
    type Body = Nothing;
    type Answer = SheetView;

    const ABOUT: About = About::get(
        actions::DUTIES_LIST,
        "/releases/{component}/{manifest}/sheet",
        "Show a release's responsibility sheet before it is installed",
    )
    .id("duties.sheet.before")
    .text("What is refused by the tenant's regions is said as if all that it asks for were granted.")
    .on(On::Tenants);

    async fn resource(_: &Ports, _: &Which, query: &ForWhom, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "duty"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<SheetView>, Problem> {
        Ok(Reply::json(SheetView::of(&found(ports, &call).await?, ports.look.catalogue())?))
    }
}

impl Operation for BeforeAlone {
    type Ports = Ports;
    type Path = Which;
    type Query = ForWhom;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About = About::get(
        actions::DUTIES_LIST,
        "/releases/{component}/{manifest}/sheet.html",
        "Show a release's responsibility sheet before it is installed, as a page to print",
    )
    .id("duties.sheet.before.page")
    .text("One file without a script, fit for paper.")
    .on(On::Tenants)
    .answers(StatusCode::OK, HTML);

    async fn resource(_: &Ports, _: &Which, query: &ForWhom, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "duty"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        Ok(alone(sheet_page(&found(ports, &call).await?, ports.look.catalogue())))
    }
}
