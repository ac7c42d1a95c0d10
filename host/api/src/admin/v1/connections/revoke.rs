//! `POST /connections/{installation}/{name}/revoke`: ends a connection.

use portcullis_broker::rotation::Fate;
use portcullis_model::{
    audit::{Entry, Kind},
    connection::{ConnectionKey, Standing},
    ending::Ending,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, v1::reason},
    problem::{Problem, Reason},
};

/// Ends a connection.
pub struct Revoke;

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndingConnection)]
pub struct Revoking {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A connection that was ended, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionEnded)]
pub struct Ended {
    /// Whether this was a rehearsal: nothing was ended then.
    dry_run: bool,
    /// What became of the credential at its provider; null in a rehearsal, and where nothing is known yet.
    upstream: Option<String>,
    /// Whether a person must revoke it at the provider: nobody tries again.
    by_hand: bool,
    /// What became of each credential of it that was not revoked yet, the latest last.
    credentials: Vec<Upstream>,
}

/// What became of a credential at its provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CredentialEnded)]
pub struct Upstream {
    /// Which provider, where that is known.
    provider: Option<String>,
    /// `revoked`, `not-offered`, `failed` where nobody asks again, or `later`.
    fate: &'static str,
    /// Why, where it was not revoked.
    why: Option<String>,
}

impl From<&(Ending, Fate)> for Upstream {
    fn from((ending, fate): &(Ending, Fate)) -> Self {
        let (fate, why) = told(fate);
        Self { provider: ending.provider.as_ref().map(ToString::to_string), fate, why }
    }
}

/// What became of a credential: in a word, and why where it was not revoked.
pub(in crate::admin::v1) fn told(fate: &Fate) -> (&'static str, Option<String>) {
    match fate {
        Fate::Revoked => ("revoked", None),
        Fate::NotOffered => ("not-offered", None),
        Fate::Failed(why) => ("failed", Some(why.clone())),
        Fate::Later(why) => ("later", Some(why.clone())),
    }
}

impl Operation for Revoke {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Revoking>;
    type Answer = Ended;

    const ABOUT: About =
        About::post(actions::CONNECTIONS_REVOKE, "/connections/{installation}/{name}/revoke", "End a connection")
            .text(
                "No request carries it any more from then on. Its credential is revoked at the provider, where that is offered; one \
                 that cannot be asked at the moment is asked again for a day, or when this is asked for once more.",
            )
            .on(On::Tenant)
            .dry_run()
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Revoking>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Ended>, Problem> {
        let why = reason(&call.body.0.reason)?;
        let found = ports.find(&call.path).await?;
        let over = || Problem::new(Reason::Conflict, "This connection was ended before.");
        if matches!(found.standing, Standing::Revoked { .. }) && !ports.owes(&found.key).await? {
            return Err(over());
        }
        if call.dry_run {
            let ended = Ended { dry_run: true, upstream: None, by_hand: false, credentials: Vec::new() };
            return Ok(Reply::json(ended).tried());
        }
        let (key, endings) = (found.key, (ports.ended_by)(call.actor()));
        // Here first: a renewal that is under way finds that it came too late, and takes back what it got.
        let entry = Entry::new(call.now(), Kind::ConnectionEnded, call.actor(), Some(key.tenant.clone()))
            .about(format!("installation:{}", key.installation))
            .with("name", key.name.as_str())
            .with("upstream", "is asked next")
            .with_personal("reason", why);
        let ended = endings.end(&key, entry).await.map_err(|error| unavailable(&error))?;
        let its = |ending: &Ending| ending.key == key;
        let settled = endings.settle(its, false).await.map_err(|error| unavailable(&error))?;
        if ended.is_none() && settled.is_empty() {
            return Err(over());
        }
        let fate = settled.last().map(|(_, fate)| fate);
        let by_hand = matches!(fate, Some(Fate::Failed(_) | Fate::NotOffered));
        let credentials = settled.iter().map(Upstream::from).collect();
        Ok(Reply::json(Ended { dry_run: false, upstream: fate.map(Fate::text), by_hand, credentials }))
    }
}

impl Ports {
    /// Whether a credential of this connection is not revoked at its provider yet.
    async fn owes(&self, key: &ConnectionKey) -> Result<bool, Problem> {
        let owed = self.owed.endings().await.map_err(|error| unavailable(&error))?;
        Ok(owed.iter().any(|ending| ending.key == *key))
    }
}
