//! What an installation gets of an event, for whoever hands events over outside of a call into its component.
//!
//! Invariant: it is what [`narrow`] makes of the event under the installation's layers, the veil and the rules of its tenant: the
//! same function and the same inputs as for a call, so that a back end sees what the plugin sees and nothing beside it.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    bounds::Bounds,
    call::Call,
    event::Event,
    id::CallId,
    installation::Installation,
    pseudonym::Pseudonyms,
    release::{ReleaseError, Releases},
    time::Rng,
    veil::Veil,
    webhook::{NotProjected, ProjectEvents},
};

use crate::{Authorities, narrow::narrow};

/// Projects events as calls do.
pub struct Projection {
    /// What verifies releases.
    pub releases: Arc<dyn Releases>,
    /// What holds for whatever is asked and granted.
    pub bounds: Bounds,
    /// Stand-ins for what may not be seen: the same as the plugins'.
    pub pseudonyms: Arc<dyn Pseudonyms>,
    /// For the id of what stands in a call's place.
    pub rng: Arc<dyn Rng>,
}

#[async_trait]
impl ProjectEvents for Projection {
    async fn project(&self, one: &Installation, event: &Event, attempt: u32) -> Result<String, NotProjected> {
        if event.tenant != one.tenant {
            return Err(NotProjected::Refused("it is another tenant's".to_owned()));
        }
        let release = self.releases.verified(&one.release_id(), &one.tenant).await.map_err(|error| match error {
            // A release that does not hold now is about to be suspended; it may hold again.
            ReleaseError::Store(_) | ReleaseError::Missing(_) | ReleaseError::Refused { .. } => {
                NotProjected::Unavailable(error.to_string())
            }
        })?;
        self.bounds.refresh().await.map_err(|error| NotProjected::Unavailable(error.to_string()))?;
        let authorities = Authorities::read(&self.bounds.layers(&release, one))
            .map_err(|error| NotProjected::Refused(error.to_string()))?;
        let call = Call::new(
            CallId::random(self.rng.as_ref()),
            one.tenant.clone(),
            one.id.clone(),
            one.plugin.clone(),
            one.release,
            format!("{}/{}", event.origin, event.id),
            attempt,
            self.bounds.limits(&release, one),
        );
        let veil = Veil::new(Arc::new(call.under(self.bounds.rules(&one.tenant))), self.pseudonyms.clone());
        narrow(event, &authorities, &veil).map_err(NotProjected::Refused)
    }
}

#[cfg(test)]
#[path = "projection_test.rs"]
mod tests;
