//! `POST /sources/{name}/secret`: gives a source another secret.

use std::time::Duration;

use portcullis_model::{
    people::{Resource, actions},
    rotation::LONGEST_OVERLAP,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Made, Ports, SourceView, Which, failed, secret};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable},
    problem::{Problem, Reason},
};

/// Gives one another secret.
pub struct Rotate;

/// The next secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NextSourceSecret)]
pub struct Next {
    /// The secret that it signs with from now on, where its sender chose one; 8 to 512 bytes. Absent: the host makes one, and answers it
    /// once. Of a source of CloudEvents only the platform chooses it.
    #[schema(min_length = 8, max_length = 512, write_only)]
    secret: Option<String>,
    /// For how long the secret before is accepted as well; 0: not at all. As policy says, where it is not there.
    overlap_seconds: Option<u64>,
}

impl Operation for Rotate {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Next>;
    type Answer = Made;

    const ABOUT: About = About::post(actions::SOURCES_CHANGE, "/sources/{name}/secret", "Give a source another secret")
        .id("sources.rotate")
        .text(
            "Both are accepted during the overlap: give the new one to whoever sends. A source whose secret was revoked has no overlap. \
             A secret that the host made is answered once.",
        )
        .on(On::Tenant)
        .dry_run()
        .once()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Next>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Made>, Problem> {
        let (sources, source) = ((ports.kept_by)(call.actor()), ports.asked(&call).await?);
        let overlap = match call.body.0.overlap_seconds.map(Duration::from_secs) {
            Some(overlap) if overlap > LONGEST_OVERLAP => {
                let days = LONGEST_OVERLAP.as_secs() / 86_400;
                return Err(Problem::new(Reason::WrongBody, format!("overlap-seconds: at most {days} days.")));
            }
            Some(overlap) => overlap,
            None => sources.overlap(&source.tenant).await.map_err(|error| unavailable(&error))?,
        };
        let sent = call.body.0.secret.take();
        let (secret, shown) = secret(&call, source.form, &sources, sent).await?;
        if call.dry_run {
            let mut keys = sources.of(&source).await.map_err(|error| failed(&error))?;
            keys.promote_at = (keys.revoked.is_none() && !overlap.is_zero()).then(|| call.now().plus(overlap));
            (keys.generation, keys.issued, keys.revoked) = (keys.generation + 1, Some(call.now()), None);
            let source = SourceView::of(&source, &keys);
            return Ok(Reply::json(Made { dry_run: true, source, secret: None }).tried());
        }
        sources.rotate(&source, &secret, overlap).await.map_err(|error| failed(&error))?;
        Ok(Reply::json(Made { dry_run: false, source: ports.view(&source).await?, secret: shown }))
    }
}
