//! `GET /posture.html`: the same as a page that stands alone, for paper and for whoever has no account here.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::IntoResponse as _,
};
use portcullis_duties::report::posture_page;
use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Writes the page.
pub struct PageAlone;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Whose {
    /// Whose; the only one that you see, where it is not there.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// What a browser may do with it: show it, in the style that is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";
/// What such a page is.
pub(in crate::admin::v1) const HTML: &str = "text/html; charset=utf-8";

impl Operation for PageAlone {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About =
        About::get(actions::POSTURE_GET, "/posture.html", "Show how a tenant stands, as a page to print")
            .id("posture.page")
            .text("One file without a script, fit for paper.")
            .on(On::Tenants)
            .answers(StatusCode::OK, HTML);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "posture"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let tenant = ports.meant(&call, call.query.tenant.as_ref()).await?;
        let posture = ports.look.posture(&tenant).await.map_err(|error| unavailable(&error))?;
        Ok(alone(posture_page(&posture)))
    }
}

/// A page that stands alone, as it is answered.
pub(in crate::admin::v1) fn alone<T>(page: String) -> Reply<T> {
    let head = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    Reply::raw((head, page).into_response())
}
