//! `POST /trust/changes`: takes the next version of a root that enough of its keepers have signed.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
    trust::RootScope,
};
use portcullis_packages::{
    dsse::{DsseError, Envelope, MAX_ENVELOPE, PayloadType},
    trust::{
        By, InForce, TrustError,
        keeper::{Keeper, KeeperError},
        root::Root,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, resource};
use crate::{
    admin::{About, Bare, Call, MAX_BODY, On, Operation, Reply, Sent, unavailable},
    problem::{Problem, Reason},
};

/// Takes a root.
pub struct Take;

/// What was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignedRoot)]
pub struct SignedRoot {
    /// The DSSE envelope around the next version of a root, with the signatures of as many keepers as the one before asks for.
    #[schema(value_type = Object)]
    envelope: Value,
}

/// A root that was taken, or would be, and what that changes of withdrawals.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RootTaken)]
pub struct RootTaken {
    /// Whether this was a rehearsal: everything was checked, and nothing was taken.
    #[serde(rename = "dry_run")]
    dry_run: bool,
    /// For whom it speaks: `platform`, or `tenant:` and the tenant.
    scope: String,
    /// Its version.
    version: u64,
    /// Until when it holds.
    #[schema(format = DateTime)]
    expires: String,
    /// Withdrawals that are no longer in force, for the keys behind them are revoked: to be signed again.
    withdrawals_over: Vec<OneWithdrawal>,
    /// Those that are in force again, for whoever lifted them may not any more.
    withdrawals_back: Vec<OneWithdrawal>,
}

/// A withdrawal, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WithdrawalNamed)]
pub struct OneWithdrawal {
    /// The digest of what was signed.
    digest: String,
    /// What it is about, in words.
    target: String,
}

impl Operation for Take {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<SignedRoot>;
    type Answer = RootTaken;

    const ABOUT: About = About::post(actions::TRUST_CHANGE, "/trust/changes", "Take the next version of a root")
        .text(
            "Which version it comes after stands in what was signed: of two, the second is refused. A tenant's first root is signed by the \
             platform's keepers, too. A running host suspends what is not trusted any more within seconds.",
        )
        .on(On::Tenant)
        .dry_run()
        .max_body(MAX_BODY + MAX_ENVELOPE)
        .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, body: &Sent<SignedRoot>) -> Result<Resource, Problem> {
        let (_, unread) = read(&body.0)?;
        Ok(resource(Some(&unread.scope)).named(unread.scope.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RootTaken>, Problem> {
        let text = read(&call.body.0)?.0.to_json();
        let keeper = Keeper { registry: &ports.registry, clock: ports.clock.as_ref(), actor: call.actor() };
        let old = ports.trust().await?;
        let (root, new) = keeper.to_come(&text).await.map_err(refused)?;
        let told = RootTaken {
            dry_run: call.dry_run,
            scope: root.scope.to_string(),
            version: root.version,
            expires: root.expires.to_string(),
            withdrawals_over: named(&root.scope, old.beside(&new)),
            withdrawals_back: named(&root.scope, new.beside(&old)),
        };
        if call.dry_run {
            return Ok(Reply::json(told).tried());
        }
        keeper.root(&text).await.map_err(refused)?;
        Ok(Reply::json(told))
    }
}

/// The envelope, and the root in it, of which nothing is believed yet.
fn read(body: &SignedRoot) -> Result<(Envelope, Root), Problem> {
    let wrong = |why: String| Problem::new(Reason::WrongBody, format!("envelope: {}.", plain(&why)));
    let envelope = Envelope::parse(PayloadType::Root, &body.envelope.to_string()).map_err(|error| match error {
        DsseError::WrongType { found, .. } => wrong(format!(
            "expected a root, and this is '{found}'; withdrawals go to POST /admin/v1/withdrawals, overrides to POST \
             /admin/v1/releases/COMPONENT/MANIFEST/override, and 'portcullis trust apply' takes each of them, handovers too"
        )),
        other => wrong(other.to_string()),
    })?;
    let root = Root::read(&envelope).map_err(|error| wrong(error.to_string()))?;
    Ok((envelope, root))
}

/// Those of them that are whoever's who is behind a root of this scope, or a publisher's.
fn named(scope: &RootScope, all: Vec<InForce>) -> Vec<OneWithdrawal> {
    let concerns = |one: &InForce| match &one.by {
        By::Publisher => true,
        By::Root(by) => by == scope,
    };
    let some = all.into_iter().filter(concerns);
    some.map(|one| OneWithdrawal { digest: one.digest.to_string(), target: one.target.to_string() }).collect()
}

fn refused(error: KeeperError) -> Problem {
    let reason = match &error {
        KeeperError::Store(_) => return unavailable(&error),
        KeeperError::Conflict(_) | KeeperError::Trust(TrustError::Version { .. }) => Reason::Conflict,
        _ => Reason::Refused,
    };
    Problem::new(reason, format!("{}.", plain(&error.to_string())))
}
