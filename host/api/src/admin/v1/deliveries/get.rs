//! `GET /deliveries/{number}`: one delivery, and what became of it.

use portcullis_model::people::{Resource, actions};

use super::{DeliveryView, Ports, Which, resource};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Shows a delivery.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = DeliveryView;

    const ABOUT: About = About::get(actions::DELIVERIES_LIST, "/deliveries/{number}", "See a delivery")
        .id("deliveries.get")
        .on(On::Tenant)
        .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        let (row, tenant) = ports.find(path).await?;
        Ok(resource(&row, tenant))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<DeliveryView>, Problem> {
        let (row, tenant) = ports.find(&call.path).await?;
        Ok(Reply::json(DeliveryView::of(&row, &tenant)))
    }
}
