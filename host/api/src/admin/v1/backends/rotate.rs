//! `POST /installations/{id}/backend/key`: replaces the key that signs messages to a back end, or makes the next one ready.

use std::time::Duration;

use portcullis_broker::standard_webhooks::{MAX_OVERLAP, ring::Ready};
use portcullis_model::{
    audit::Kind,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, SchemeName, Which, entry, owner, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// How long the old key signs as well where nobody says: a day.
const USUAL: u64 = 86_400;

/// Replaces the key.
pub struct Rotate;

/// How.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NextBackEndKey)]
pub struct Next {
    /// Only make the next key: it does not sign before this is asked for again without it.
    #[serde(default)]
    prepare: bool,
    /// For how long the old key signs as well, at most thirty days; 0: every older key ends at once, one that was only made ready included. A
    /// day, where it is not there.
    #[schema(maximum = 2592000)]
    overlap_seconds: Option<u64>,
    /// How messages are signed from then on; as until now, where it is not there. A key that is ready signs as it was made.
    #[schema(inline)]
    scheme: Option<SchemeName>,
}

/// A key that was made, or would be; or one that was ready, and signs now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackEndKey)]
pub struct Key {
    /// Whether this was a rehearsal: no key was made then.
    dry_run: bool,
    /// What the back end checks signatures with: nobody sees it again. Absent in a rehearsal, and where no key was made because one that
    /// was ready signs now: it was answered when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Whether it signs already.
    signs: bool,
    /// Whether it is the one that was made ready before: no other is made.
    promoted: bool,
    /// Whether one that was made ready before is gone: it never signs.
    #[serde(rename = "replaces-ready")]
    replaces_ready: bool,
    /// Until when the key before it signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    previous_until: Option<String>,
}

impl Operation for Rotate {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Next>;
    type Answer = Key;

    const ABOUT: About =
        About::post(actions::BACKENDS_CHANGE, "/installations/{id}/backend/key", "Replace the key of a back end")
            .id("backends.rotate")
            .text(
                "The answer has what the back end checks signatures with, once. A key that is ready is the next one, unless every older \
                 key ends at once: nothing is made then, and nothing is shown again.",
            )
            .on(On::Installation)
            .dry_run()
            .once()
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Next>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Key>, Problem> {
        let (installation, _) = ports.both(&call).await?;
        let (overlap, of) = (overlap(&call.body.0)?, owner(&installation));
        if call.dry_run {
            let would = ports.keys.rehearse(&of, overlap).await.map_err(refused)?;
            return Ok(Reply::json(Key::of(true, overlap, would.ready, would.previous_until)).tried());
        }
        let scheme = call.body.0.scheme.map(Into::into);
        let made = match overlap {
            None => ports.keys.prepare(of, scheme, entry(&call, Kind::BackendPrepared, &installation)).await,
            Some(overlap) => {
                ports.keys.rotate(of, scheme, overlap, entry(&call, Kind::BackendRotated, &installation)).await
            }
        };
        let made = made.map_err(refused)?;
        let is_new = made.ready != Ready::Signs;
        let key = is_new.then(|| String::from_utf8_lossy(made.shown.expose()).into_owned());
        Ok(Reply::json(Key { key, ..Key::of(false, overlap, made.ready, made.previous_until) }))
    }
}

impl Key {
    /// Without the key itself.
    fn of(dry_run: bool, overlap: Option<Duration>, ready: Ready, previous_until: Option<Timestamp>) -> Self {
        Self {
            dry_run,
            key: None,
            signs: overlap.is_some(),
            promoted: ready == Ready::Signs,
            replaces_ready: ready == Ready::Gone,
            // A key that is only made ready leaves the overlap of others as it is.
            previous_until: overlap.and(previous_until).map(|at| at.to_string()),
        }
    }
}

/// For how long the old key signs as well; none where the next one is only made ready.
fn overlap(next: &Next) -> Result<Option<Duration>, Problem> {
    let wrong = |why: String| Problem::new(Reason::WrongBody, why);
    match (next.prepare, next.overlap_seconds.map(Duration::from_secs)) {
        (true, Some(_)) => Err(wrong("overlap-seconds: a key that is only made ready has none.".to_owned())),
        (_, Some(overlap)) if overlap > MAX_OVERLAP => {
            Err(wrong(format!("overlap-seconds: at most {}.", MAX_OVERLAP.as_secs())))
        }
        (true, None) => Ok(None),
        (false, overlap) => Ok(Some(overlap.unwrap_or(Duration::from_secs(USUAL)))),
    }
}
