//! `POST /connections/{installation}/{name}`: stores a credential that no person consents to.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use portcullis_broker::{
    connecting::{New, NotConnected},
    connection::STATIC,
};
use portcullis_model::{
    audit::Actor,
    connection::{ConnectionKey, Origin},
    id::ProviderId,
    people::{Caller, Principal, Resource, actions},
    risk::AcceptedRisk,
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, Which, secret};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, not_kept, sentence, unavailable,
        v1::{posture::until, reason},
    },
    problem::{Problem, Reason},
};

/// The longest that a token which never changes is borne, in days (INT-3).
const MOST_DAYS: u64 = 365;

/// Stores a connection.
pub struct Add;

/// From which provider, what for, and the secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewConnection)]
pub struct Adding {
    /// Where it comes from, such as `client-credentials`. Absent: `static`, a token that somebody stores by hand.
    #[schema(value_type = Option<String>)]
    provider: Option<ProviderId>,
    /// What the provider's definition leaves open, such as `client-id`, by its name there.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// What to ask for, in the provider's words.
    #[serde(default)]
    scopes: Vec<String>,
    /// Where the token goes, and nowhere else: host names, with `:port` where that is not 443. The provider's own where none is named.
    #[serde(default)]
    hosts: Vec<String>,
    /// The header that carries it, where that is not the provider's.
    header: Option<String>,
    /// What stands before it in the header, where that is not the provider's.
    prefix: Option<String>,
    /// The client's secret or key, or the token; it is never answered. A rehearsal needs none.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<Secret>,
    /// For a token that somebody stores by hand: who says so answers for it.
    risk: Option<Accepting>,
}

/// Why a risk is taken, and until when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcceptingConnection)]
pub struct Accepting {
    /// Why there is no other way.
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
    /// Until when: a time such as `2026-12-01T09:30:00Z`, or a day, at most 365 days from now. The token is not used after it.
    until: String,
}

/// A connection that was stored, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionAdded)]
pub struct Added {
    /// Whether this was a rehearsal: nothing was stored then, and no provider was asked.
    dry_run: bool,
    /// From which provider.
    provider: String,
    /// Where it goes.
    hosts: Vec<String>,
    /// Whether it takes the place of a credential that the connection has.
    replaces: bool,
    /// Counts credentials of the connection; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// Until when the risk of a static token is accepted; absent where the host renews it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Adding>;
    type Answer = Added;

    const ABOUT: About =
        About::post(actions::CONNECTIONS_ADD, "/connections/{installation}/{name}", "Store a credential for an installation")
            .text(
                "With a client's secret or key the provider is asked for a first token at once: what does not work is not stored. A token \
                 that somebody stores by hand needs a risk that is accepted, by a person who may approve risks, and is not used after its \
                 end. What the connection had before is replaced. Where a person has to consent, ask for a link instead.",
            )
            .on(On::Tenant)
            .dry_run()
            .answers(StatusCode::CREATED, "application/json")
            .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Adding>) -> Result<Resource, Problem> {
        ports.resource_new(path).await
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Added>, Problem> {
        let (secret, key) = (call.body.0.secret.take(), ports.key_new(&call.path).await?);
        if call.body.0.risk.is_some() {
            // Whoever does the daily work does not say which risks a tenant takes.
            call.also(actions::RISKS_APPROVE).await?;
        }
        let now = call.now();
        let new = call.body.0.read(key, &call.caller, now)?;
        let place = ports.connecting.check(&new).map_err(refused)?;
        ports.may_ask(&call.caller, &new.origin)?;
        if let Some(secret) = &secret {
            ports.connecting.check_secret(&new, secret).map_err(refused)?;
        }
        let added = Added {
            dry_run: call.dry_run,
            provider: new.origin.provider.to_string(),
            hosts: place.hosts,
            replaces: ports.views().await?.iter().any(|one| one.key == new.key),
            generation: None,
            until: new.origin.risk.as_ref().map(|risk| risk.until.to_string()),
        };
        if call.dry_run {
            return Ok(Reply::json(added).tried());
        }
        let advice = "secret: send the client's secret or key, or the token.";
        let secret = secret.ok_or_else(|| Problem::new(Reason::WrongBody, advice))?;
        let generation = ports.connecting.store(&new, secret, call.actor()).await.map_err(refused)?;
        let at = format!("/connections/{}/{}", new.key.installation, new.key.name);
        Ok(Reply::json(Added { generation: Some(generation), ..added }).found_at(at))
    }
}

impl Adding {
    fn read(&mut self, key: ConnectionKey, by: &Caller, now: Timestamp) -> Result<New, Problem> {
        let risk = self.risk.take().map(|risk| risk.read(by, now)).transpose()?;
        let provider = match self.provider.take() {
            Some(provider) => provider,
            None => STATIC.parse::<ProviderId>().map_err(|error| unavailable(&error))?,
        };
        let (settings, scopes) = (std::mem::take(&mut self.settings), std::mem::take(&mut self.scopes));
        let origin = Origin { provider, settings, scopes, risk };
        let hosts = std::mem::take(&mut self.hosts);
        Ok(New { key, origin, hosts, header: self.header.take(), prefix: self.prefix.take() })
    }
}

impl Accepting {
    /// The risk, as somebody accepts it: a person, by the name that stands in the log.
    fn read(self, by: &Caller, now: Timestamp) -> Result<AcceptedRisk, Problem> {
        let accepted_by = match (&by.principal, &by.actor) {
            (Principal::Automation(_), _) => None,
            (_, Actor::Person { name } | Actor::Account { name, .. }) => Some(name.clone()),
            _ => None,
        };
        let advice = "This is a person's word: sign in, and accept the risk by name.";
        let accepted_by = accepted_by.ok_or_else(|| Problem::new(Reason::Refused, advice))?;
        let (reason, until) = (reason(&self.reason)?, until(&self.until)?);
        let latest = now.plus(Duration::from_secs(MOST_DAYS * 86_400));
        if until > latest {
            let advice = format!("until: a risk is accepted for at most {MOST_DAYS} days, until {latest}.");
            return Err(Problem::new(Reason::Refused, advice));
        }
        Ok(AcceptedRisk { reason, accepted_by, until })
    }
}

/// Why nothing was stored, in words for whoever wanted it.
fn refused(error: NotConnected) -> Problem {
    match error {
        NotConnected::Keep(error) => not_kept(&error),
        NotConnected::Unrecorded(_) => unavailable(&error),
        other => Problem::new(Reason::Refused, sentence(&other)),
    }
}
