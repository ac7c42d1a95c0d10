//! `POST /deliveries/{number}/retry`: has a delivery that was put aside tried again.

use portcullis_model::{
    audit::{Entry, Kind},
    people::{Resource, actions},
    queue::{DeliveryState, Retried},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{DeliveryView, Ports, Which, resource};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Has it tried again.
pub struct Retry;

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryRetried)]
pub struct Outcome {
    /// Whether nothing was changed, because it was only tried out.
    dry_run: bool,
    /// The delivery, as it was.
    delivery: DeliveryView,
    /// Whether it waits for its turn from now on, its tries counted from none. False where it was not put aside any more.
    retried: bool,
}

impl Operation for Retry {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Outcome;

    const ABOUT: About = About::post(actions::DELIVERIES_RETRY, "/deliveries/{number}/retry", "Have a delivery tried again")
        .text(
            "It waits for its turn, and its tries are counted anew. The plugin sees the event's own id, by which it knows one that it \
             has handled before. One that waits already is left as it is.",
        )
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        let (row, tenant) = ports.find(path).await?;
        Ok(resource(&row, tenant))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Outcome>, Problem> {
        let (row, tenant) = ports.find(&call.path).await?;
        let answer = |retried| {
            let delivery = DeliveryView::of(&row, &tenant);
            let reply = Reply::json(Outcome { dry_run: call.dry_run, delivery, retried });
            if call.dry_run { reply.tried() } else { reply }
        };
        if row.state == DeliveryState::Done {
            return Err(Problem::new(Reason::Conflict, "It was delivered: there is nothing to be tried again."));
        }
        if row.state != DeliveryState::Dead {
            return Ok(answer(false));
        }
        let entry = Entry::new(call.now(), Kind::DeliveryRetried, call.actor(), Some(tenant.clone()))
            .about(format!("delivery:{}", row.delivery))
            .with("installation", row.installation.as_str())
            .with("back-end", row.back_end)
            .with("attempts", row.attempts);
        let done = match call.dry_run {
            true => ports.queue.may_retry(row.delivery).await,
            false => ports.queue.retry(row.delivery, entry).await,
        };
        match done.map_err(|error| unavailable(&error))? {
            Retried::Waits => Ok(answer(true)),
            Retried::NotAside => Ok(answer(false)),
            Retried::OfPerson => Err(Problem::new(
                Reason::Conflict,
                "It asks about a person's data: whoever answers for that asks anew, with a request of its own.",
            )),
            Retried::NobodyThere => Err(Problem::new(
                Reason::Conflict,
                "Nobody is there to get it: the installation or its back end was taken away.",
            )),
        }
    }
}
