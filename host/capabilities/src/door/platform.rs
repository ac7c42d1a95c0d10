//! Back ends outside of the sandbox: a token's session on the capabilities of its installation.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    authority::Layer,
    error::ServiceError,
    installation::Installation,
    invoke::CallEnd,
    oauth::Bearer,
    platform::{Asked, Installed, Platform, Refusal, Session},
};
use portcullis_runtime::{Purpose, Runtime, Visit, gate::Refused};
use serde_json::json;

use super::session::Open;
use crate::Capabilities;

/// The door of one host for back ends.
pub struct BackDoor {
    runtime: Arc<Runtime<Capabilities>>,
    installed: Arc<dyn Installed>,
}

impl BackDoor {
    /// A door to what this runtime's plugins can do.
    pub fn new(runtime: Arc<Runtime<Capabilities>>, installed: Arc<dyn Installed>) -> Self {
        Self { runtime, installed }
    }

    async fn visit(&self, bearer: &Bearer, request: Asked) -> Result<Visit<Capabilities>, Refusal> {
        let known = self.installed.installation(&bearer.installation).await.map_err(ServiceError::from)?;
        let installation = known.as_ref().filter(|one| is_meant(one, bearer)).ok_or(Refusal::Stale)?;
        let purpose = Purpose {
            event: format!("api:{}", bearer.reference),
            attempt: 1,
            trace: request.trace,
            narrowed: Some((Layer::Token, bearer.scopes.clone())),
            details: vec![
                ("client", json!(bearer.client)),
                ("token", json!(bearer.reference)),
                ("actors", json!(bearer.actors.join(" for "))),
                ("request", json!(request.label)),
            ],
        };
        self.runtime.visit(installation, purpose).await.map_err(|end| ended(end, Duration::ZERO))
    }
}

/// What a token says of its installation must still be so.
fn is_meant(one: &Installation, bearer: &Bearer) -> bool {
    one.tenant == bearer.tenant && one.release == bearer.release && !one.is_gone()
}

#[async_trait]
impl Platform for BackDoor {
    async fn open(&self, bearer: &Bearer, request: Asked) -> Result<Box<dyn Session>, Refusal> {
        let visit = self.visit(bearer, request).await?;
        Ok(Box::new(Open::new(visit, bearer.client.clone())))
    }
}

/// Why a visit did not begin, or was ended; `wall` is how long it may take.
pub(super) fn ended(end: CallEnd, wall: Duration) -> Refusal {
    match end {
        CallEnd::Held { reason, wait } => Refusal::Held { reason, wait },
        CallEnd::Limit("wall-ms") => Refusal::Slow(wall),
        CallEnd::Refused(why) | CallEnd::Untrusted(why) | CallEnd::Ended(why) => Refusal::Inactive(why),
        other => Refusal::Service(ServiceError::Unavailable(other.to_string())),
    }
}

/// A gate's refusal, for who is no guest.
pub(super) fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::Denied(denial, wait) => Refusal::Denied { denial, wait },
        Refused::Service(error) => Refusal::Service(error),
    }
}
