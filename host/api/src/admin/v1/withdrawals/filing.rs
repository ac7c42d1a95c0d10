//! How what was signed is filed, and what a rehearsal of that answers.

use portcullis_model::{
    audit::plain,
    id::{Digest, TenantId},
    trust::RootScope,
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    trust::{
        keeper::Keeper,
        withdrawal::{Act, Withdrawal},
    },
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, name_of, root_of};
use crate::{
    admin::{
        Call, Operation, Reply, unavailable,
        v1::signing::{self, ToSign},
    },
    problem::{Problem, Reason},
};

/// What can be wrong, beside the form of what is asked for.
pub(super) const REFUSES: &[Reason] = &[Reason::Refused];

/// A withdrawal or a lift that was filed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WithdrawalFiled)]
pub struct Filed {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// What is done, why, and when.
    #[schema(value_type = Object)]
    withdrawal: Withdrawal,
    /// The digest of what was signed: what a lift names. Null where nothing was yet.
    digest: Option<String>,
    /// By whom: `publisher`, `platform`, or `tenant:` and its name. Null where too few have signed.
    by: Option<String>,
    /// Whose signatures are missing, in a rehearsal; null where none is.
    lacks: Option<String>,
    /// What is to be signed: in a rehearsal without an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<ToSign>,
    /// What came of it: which installations were suspended, how many calls were ended, and when nothing new could begin. Null in a rehearsal.
    #[schema(value_type = Option<Object>)]
    receipt: Option<Value>,
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub what: Act,
    pub reason: &'a str,
    /// By whose root.
    pub root: RootScope,
    /// The DSSE envelope, where it was signed.
    pub envelope: Option<&'a Value>,
}

/// Answers it: what to sign, what would be filed, or what was.
pub(super) async fn filed<O: Operation>(
    ports: &Ports,
    call: &Call<O>,
    asked: Asked<'_>,
) -> Result<Reply<Filed>, Problem> {
    let Some(envelope) = signing::envelope(PayloadType::Withdrawal, asked.envelope)? else {
        if !call.dry_run {
            return Err(signing::unsigned());
        }
        return prepared(ports, asked).map(|filed| Reply::json(filed).tried());
    };
    let read = Withdrawal::read(&envelope).map_err(|error| signing::refused(&error.into()))?;
    if read.what != asked.what || read.reason != asked.reason {
        return Err(signing::other());
    }
    match call.dry_run {
        true => rehearsed(ports, read, &envelope).await.map(|filed| Reply::json(filed).tried()),
        false => done(ports, call, &asked.root, &envelope).await.map(Reply::json),
    }
}

fn prepared(ports: &Ports, asked: Asked<'_>) -> Result<Filed, Problem> {
    let withdrawal = Withdrawal { what: asked.what, reason: asked.reason.to_owned(), issued: ports.clock.now() };
    withdrawal.check().map_err(|error| signing::refused(&error.into()))?;
    let sign = Some(ToSign::of(PayloadType::Withdrawal, &withdrawal.to_bytes()));
    let lacks = Some("nobody signed it yet".to_owned());
    Ok(Filed { dry_run: true, withdrawal, digest: None, by: None, lacks, sign, receipt: None })
}

async fn rehearsed(ports: &Ports, withdrawal: Withdrawal, envelope: &Envelope) -> Result<Filed, Problem> {
    let (by, lacks) = match ports.trust().await?.authority(envelope) {
        Ok((_, by)) => (Some(name_of(&by)), None),
        Err(error) => (None, Some(plain(&error.to_string()))),
    };
    let digest = Some(Digest::of(envelope.unverified()).to_string());
    Ok(Filed { dry_run: true, withdrawal, digest, by, lacks, sign: None, receipt: None })
}

async fn done<O: Operation>(
    ports: &Ports,
    call: &Call<O>,
    root: &RootScope,
    envelope: &Envelope,
) -> Result<Filed, Problem> {
    let (_, by) = ports.trust().await?.authority(envelope).map_err(|error| signing::refused(&error.into()))?;
    let theirs = root_of(&by);
    if theirs != *root {
        let advice = format!("It is signed for '{theirs}', and asked for by '{root}': ask with 'root={theirs}'.");
        return Err(Problem::new(Reason::Refused, advice));
    }
    let before = ports.enforces.mark().await.map_err(|error| unavailable(&error))?;
    let keeper = Keeper { registry: &ports.registry, clock: ports.clock.as_ref(), actor: call.actor() };
    let (withdrawal, by) = keeper.withdrawal(&envelope.to_json()).await.map_err(|error| signing::refused(&error))?;
    let receipt = ports.enforces.receipt(before, theirs.tenant()).await.map_err(|error| unavailable(&error))?;
    Ok(Filed {
        dry_run: false,
        withdrawal,
        digest: Some(Digest::of(envelope.unverified()).to_string()),
        by: Some(name_of(&by)),
        lacks: None,
        sign: None,
        receipt: Some(seen(call, receipt).await?),
    })
}

fn tenant(suspended: &Value) -> Option<TenantId> {
    suspended["tenant"].as_str()?.parse().ok()
}

/// A receipt without what was suspended in tenants in which whoever asks may not do this: that it was is in its numbers.
async fn seen<O: Operation>(call: &Call<O>, mut receipt: Value) -> Result<Value, Problem> {
    let Some(suspended) = receipt.get_mut("suspended").and_then(Value::as_array_mut) else { return Ok(receipt) };
    let tenants: Vec<TenantId> = suspended.iter().filter_map(tenant).collect();
    let seen = call.seen(tenants).await?;
    suspended.retain(|one| tenant(one).is_some_and(|tenant| seen.contains(&tenant)));
    Ok(receipt)
}
