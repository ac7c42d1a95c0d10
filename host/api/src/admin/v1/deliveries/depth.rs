//! `GET /deliveries/depth`: how many deliveries are in each state, on the whole host.

use portcullis_model::{
    people::{Resource, actions},
    queue::DeliveryState,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, Operation, Reply, unavailable},
    problem::Problem,
};

/// Counts deliveries.
pub struct Depth;

/// How many deliveries are how far.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = DeliveryDepth)]
pub struct Counts {
    /// They wait for their turn.
    pending: u64,
    /// They are under way.
    leased: u64,
    /// They were delivered.
    done: u64,
    /// They were put aside.
    dead: u64,
}

impl Operation for Depth {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Counts;

    const ABOUT: About = About::get(actions::DELIVERIES_LIST, "/deliveries/depth", "Count deliveries by state")
        .id("deliveries.depth")
        .text("Those of all tenants together.");

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("delivery"))
    }

    async fn handle(ports: &Ports, _: Call<Self>) -> Result<Reply<Counts>, Problem> {
        let mut counts = Counts::default();
        for (state, count) in ports.queue.depth().await.map_err(|error| unavailable(&error))? {
            let of_state = match state {
                DeliveryState::Pending => &mut counts.pending,
                DeliveryState::Leased => &mut counts.leased,
                DeliveryState::Done => &mut counts.done,
                DeliveryState::Dead => &mut counts.dead,
            };
            *of_state = count;
        }
        Ok(Reply::json(counts))
    }
}
