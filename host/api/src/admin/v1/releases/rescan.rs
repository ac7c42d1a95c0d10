//! `POST /releases/rescan`: looks again at what releases are made of, for vulnerabilities that are known by now.

use async_trait::async_trait;
use portcullis_model::{
    audit::Actor,
    people::{Resource, actions},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, Operation, Reply, sentence, unavailable},
    problem::{Problem, Reason},
};

/// What was found.
#[derive(Clone, Debug)]
pub struct Rescanned {
    /// Part by part.
    pub found: Value,
    /// In words.
    pub words: String,
}

/// Why nobody looked.
#[derive(Clone, Debug)]
pub enum NotScanned {
    /// Nothing is known of vulnerabilities here; with what to do about that.
    NoAdvisories(String),
    /// Somebody looks already.
    Busy,
    /// It failed; in words for the host's log.
    Failed(String),
}

/// Looks again at what releases are made of.
#[async_trait]
pub trait Rescans: Send + Sync {
    /// Whether it stops any, by the configuration.
    fn stops(&self) -> bool;

    /// Looks at every release that is installed or was handed in, and stops those that the configuration says; in a rehearsal says what it
    /// would find and stop.
    ///
    /// # Errors
    /// Nothing is known of vulnerabilities, somebody looks already, or storage.
    async fn rescan(&self, by: Actor, dry_run: bool) -> Result<Rescanned, NotScanned>;
}

/// Looks again.
pub struct Rescan;

/// What was found and stopped, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReleasesRescanned)]
pub struct Done {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// By which advisories; of each release what was found, what of it is new and what is gone; what could not be looked at; and what was
    /// stopped, and how.
    #[schema(value_type = Object)]
    found: Value,
    /// The same in words.
    words: String,
}

impl Operation for Rescan {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Done;

    const ABOUT: About =
        About::post(actions::RELEASES_RESCAN, "/releases/rescan", "Look again for known vulnerabilities")
            .text(
                "At every release that is installed or was handed in, by the advisories that the host has. What the configuration does not \
                 bear is stopped everywhere: where it stops any, only by whoever may quarantine releases. One looks at a time. A release says itself what it is made of: one that says nothing has no findings.",
            )
            .dry_run()
            .refuses(&[Reason::StepUp, Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        if ports.rescans.stops() && !call.dry_run {
            call.also(actions::WITHDRAWALS_QUARANTINE).await?;
        }
        let rescanned = ports.rescans.rescan(call.actor(), call.dry_run).await;
        let Rescanned { found, words } = rescanned.map_err(|error| match error {
            NotScanned::NoAdvisories(advice) => Problem::new(Reason::Conflict, sentence(&advice)),
            NotScanned::Busy => {
                Problem::new(Reason::Conflict, "Releases are being looked at already; ask again when that is done.")
            }
            NotScanned::Failed(error) => unavailable(&error),
        })?;
        let reply = Reply::json(Done { dry_run: call.dry_run, found, words });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
