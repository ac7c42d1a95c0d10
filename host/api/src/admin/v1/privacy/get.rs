//! `GET /privacy/requests/{id}`: one request, installation by installation.

use portcullis_model::people::{Resource, actions};

use super::{Ports, RequestView, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Shows a request.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = RequestView;

    const ABOUT: About = About::get(actions::PRIVACY_LIST, "/privacy/requests/{id}", "See a request of a data subject")
        .id("privacy.get")
        .on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource_of(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RequestView>, Problem> {
        Ok(Reply::json(RequestView::of(ports.one(&call.path).await?, call.now())))
    }
}
