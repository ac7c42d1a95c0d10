//! The second door: acting in an installation's name without a call into its component. What comes in here passes the same
//! capabilities' states, and through them the same decisions, projections and gate, as what a component asks for.
//!
//! Invariant: nothing here decides; a door has no other way to a service than a capability's own.

mod platform;
#[cfg(test)]
mod same;
mod session;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    door::{DoorError, OutDoor},
    egress::{Answer, MAX_BODY, SendRequest},
    error::ServiceError,
    installation::Installation,
    invoke::CallEnd,
    trace::Traceparent,
};
use portcullis_runtime::{Purpose, Runtime, gate::Refused};

pub use platform::BackDoor;

use crate::Capabilities;

/// The longest that a request of the host's own may take. Whoever asks for one gives up sooner.
const PATIENCE: Duration = Duration::from_secs(60);

/// The doors of one host.
pub struct Doors {
    runtime: Arc<Runtime<Capabilities>>,
}

impl Doors {
    /// Doors to what this runtime's plugins can do.
    pub fn new(runtime: Arc<Runtime<Capabilities>>) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl OutDoor for Doors {
    async fn send(
        &self,
        installation: &Installation,
        purpose: &str,
        attempt: u32,
        request: SendRequest,
    ) -> Result<Answer, DoorError> {
        // The request is the host's own, and its header too; what goes out is the act's, which goes on from there.
        let traced = request.headers.iter().find(|(name, _)| name == "traceparent");
        let trace = traced.and_then(|(_, value)| Traceparent::parse(value));
        let purpose = Purpose { event: purpose.to_owned(), attempt, trace, ..Purpose::default() };
        let held = |end: CallEnd| DoorError::Held(end.to_string());
        let mut visit = self.runtime.visit(installation, purpose).await.map_err(held)?;
        let (gate, states) = (visit.gate().clone(), visit.states());
        let send = async move {
            if request.body.len() > MAX_BODY {
                return Err(ServiceError::Invalid("body: expected at most 1 MiB".into()).into());
            }
            gate.count().map_err(|_| ServiceError::limited("host-calls", gate.call().limits.host_calls))?;
            states.http.door.pass(request).await
        };
        let cut_off = |end| match end {
            CallEnd::Limit(limit) => ServiceError::Unavailable(format!("cut off by the limit {limit}")).into(),
            other => held(other),
        };
        visit.within_time(PATIENCE, send).await.map_err(cut_off)?.map_err(|refused| match refused {
            Refused::Denied(denial, _) => DoorError::Denied(denial),
            Refused::Service(error) => DoorError::Service(error),
        })
    }
}
