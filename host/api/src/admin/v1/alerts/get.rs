//! `GET /alerts/{id}`: one alert.

use portcullis_model::people::{Resource, actions};

use super::{AlertView, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Shows an alert.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = AlertView;

    const ABOUT: About = About::get(actions::ALERTS_GET, "/alerts/{id}", "See an alert").on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AlertView>, Problem> {
        ports.find(call.path.id).await.map(|alert| Reply::json(AlertView(alert)))
    }
}
