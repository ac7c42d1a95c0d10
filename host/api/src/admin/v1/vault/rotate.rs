//! `POST /vault/rotate-keys`: seals the stored secrets under new keys, while the host runs.

use portcullis_broker::{
    key::KeyError,
    vault::{
        VaultError,
        rotate::Rotated,
        turn::{TurnError, Wanted},
    },
};
use portcullis_model::{
    audit::{Entry, plain},
    id::TenantId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, resource};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent, unavailable},
    problem::{Problem, Reason},
};

/// Makes new keys.
pub struct Rotate;

/// Which keys are to be new: those of both layers, where it says nothing.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotatingKeys)]
pub struct Rotating {
    /// Only those of this layer.
    #[schema(inline)]
    only: Option<Layer>,
    /// Only this tenant's data key.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// A layer of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = KeyLayer)]
pub enum Layer {
    /// The data keys, one a tenant, which seal secrets.
    Data,
    /// The key-encryption key, which wraps the data keys.
    Wrapping,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeysRotated)]
pub struct Done {
    /// Whether this was a rehearsal: nothing was changed then, and the numbers say how much there is to do.
    dry_run: bool,
    /// Data keys that were made.
    made: u64,
    /// Data keys that were wrapped anew.
    rewrapped: u64,
    /// Secrets that were sealed anew.
    resealed: u64,
    /// Keys that were dropped, of both layers.
    dropped: u64,
}

impl Done {
    fn of(dry_run: bool, done: &Rotated) -> Self {
        let Rotated { made, rewrapped, resealed, dropped } = *done;
        Self { dry_run, made, rewrapped, resealed, dropped }
    }
}

impl Operation for Rotate {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Rotating>;
    type Answer = Done;

    const ABOUT: About =
        About::post(actions::VAULT_ROTATE, "/vault/rotate-keys", "Seal the stored secrets under new keys")
            .text(
                "Everything goes on meanwhile. What was cut off goes on when it is asked for again. A key-encryption key in a file of the \
                 host is made anew there: copies of the file from before open nothing that is stored later. One in an environment variable \
                 or with a program is not made here: data keys are wrapped by the one that is named first.",
            )
            .dry_run()
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Rotating>) -> Result<Resource, Problem> {
        Ok(resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        let wanted = wanted(&call.body.0)?;
        if call.dry_run {
            let plan = ports.vault.count_keys(&wanted, ports.file.is_some()).await;
            let plan = plan.map_err(|error| refused(error.into()))?;
            return Ok(Reply::json(Done::of(true, &plan)).tried());
        }
        let (now, actor) = (call.now(), call.actor());
        let entry = move |kind, tenant| Entry::new(now, kind, actor.clone(), tenant);
        let done = ports.vault.rotate_keys(&wanted, ports.file.as_deref(), entry).await.map_err(refused)?;
        Ok(Reply::json(Done::of(false, &done)))
    }
}

fn wanted(asked: &Rotating) -> Result<Wanted, Problem> {
    match (asked.only, asked.tenant.clone()) {
        (None, None) => Ok(Wanted::All),
        (Some(Layer::Wrapping), None) => Ok(Wanted::Wrapping),
        (Some(Layer::Wrapping), Some(_)) => Err(Problem::new(
            Reason::WrongBody,
            "tenant: the key-encryption key is no tenant's; leave one of them out.",
        )),
        (Some(Layer::Data) | None, tenant) => Ok(Wanted::Data(tenant)),
    }
}

fn refused(error: TurnError) -> Problem {
    match &error {
        TurnError::Vault(VaultError::Left(_) | VaultError::Busy(_)) | TurnError::File(KeyError::Busy { .. }) => {
            Problem::new(Reason::Conflict, format!("{}.", plain(&error.to_string())))
        }
        TurnError::Vault(VaultError::Key(_) | VaultError::DataKey { .. }) => {
            Problem::new(Reason::Conflict, format!("{}; see GET /admin/v1/vault.", plain(&error.to_string())))
        }
        TurnError::Vault(_) | TurnError::File(_) => unavailable(&error),
    }
}
