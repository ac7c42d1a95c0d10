//! Requests that the host itself makes on behalf of an installation, outside of a call into its component: under the same
//! authority, permits, budgets and log as the component's own (idea 1, idea 2).

use async_trait::async_trait;

use crate::{
    authority::Denial,
    egress::{Answer, SendRequest},
    error::ServiceError,
    installation::Installation,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// A layer of the installation's authority says no; it is in the audit log.
    #[error("denied: {}", .0.reason)]
    Denied(Box<Denial>),
    /// The installation cannot act now: suspended, refused, or out of budget. Says which.
    #[error("{0}")]
    Held(String),
    /// The request was permitted and failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Sends requests out in an installation's name.
#[async_trait]
pub trait OutDoor: Send + Sync {
    /// Sends. `purpose` stands in the audit log where a call names its event, such as `webhook:msg_123`; `attempt` counts from 1.
    async fn send(
        &self,
        installation: &Installation,
        purpose: &str,
        attempt: u32,
        request: SendRequest,
    ) -> Result<Answer, DoorError>;
}
