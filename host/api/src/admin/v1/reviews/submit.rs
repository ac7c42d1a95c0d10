//! `POST /reviews`: hands a release in for review.

use portcullis_model::{
    audit::{Entry, Kind},
    people::{Resource, actions},
    release::ReleaseError,
};
use portcullis_packages::{bundle::MAX_BUNDLE, review::ReviewError};

use super::{Changed, Ports, changed, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Packed, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Hands a release in.
pub struct Submit;

impl Operation for Submit {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Packed;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::REVIEWS_SUBMIT, "/reviews", "Hand a release in for review")
        .text(
            "The body is the release's bundle, as `portcullis plugin bundle` makes it. It is checked as if it were installed, but for \
             reviews, and nothing of it runs.",
        )
        .dry_run()
        .max_body(MAX_BUNDLE)
        .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Packed) -> Result<Resource, Problem> {
        Ok(super::resource(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let submitted = ports.desk_of(&call, None).submit(&call.body.0).await;
        match submitted {
            Ok(case) => Ok(changed(&call, case)),
            Err(error) => {
                if !call.dry_run {
                    ports.record_refusal(&call, &error).await?;
                }
                Err(refused(error))
            }
        }
    }
}

impl Ports {
    /// Writes down that a release was refused for what it is.
    async fn record_refusal(&self, call: &Call<Submit>, error: &ReviewError) -> Result<(), Problem> {
        let ReviewError::Release(ReleaseError::Refused { digest, reason }) = error else { return Ok(()) };
        let entry = Entry::new(call.now(), Kind::ReleaseRefused, call.actor(), None)
            .about(format!("release:{digest}"))
            .with("at", "submit")
            .with("reason", reason.as_str());
        self.recorder.record(vec![entry]).await.map_err(|error| unavailable(&error))
    }
}
