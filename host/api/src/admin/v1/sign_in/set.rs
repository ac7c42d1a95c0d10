//! `PUT /sign-in/providers/{tenant}`: sets the provider by which a tenant's people sign in.

use portcullis_broker::{
    oidc::{Party, secret_of},
    vault::NewSecret,
};
use portcullis_model::{
    audit::{Entry, Kind, plain},
    people::{AccessSettings, Provider, Resource, actions},
    secret::{Secret, SecretChange, Slot},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, slot};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, Version, not_kept, unavailable,
        v1::people::{pinned, refused},
    },
    problem::{Problem, Reason},
};

/// The shortest and the longest secret that is taken, in bytes.
const SHORTEST: usize = 8;
const LONGEST: usize = 1_024;

/// Sets one.
pub struct Set;

/// The provider, and the host's secret there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewSignInProvider)]
pub struct Setting {
    /// Its issuer, exactly as it says it itself.
    #[schema(min_length = 1, max_length = 255)]
    issuer: String,
    /// The host's client id there.
    #[schema(min_length = 1, max_length = 255)]
    client_id: String,
    /// The host's secret there, 8 to 1024 bytes; it is never answered. Absent: the one that is stored for this issuer and client stays.
    #[schema(min_length = 8, max_length = 1024, write_only)]
    client_secret: Option<String>,
    /// The host is a public client there: it has no secret, and what was stored is forgotten.
    #[serde(default)]
    public_client: bool,
    /// People come in by it alone: passkeys do not work any more, but for owners behind the glass.
    #[serde(default)]
    only: bool,
    /// Values of `acr` that say that it saw a second factor.
    #[serde(default)]
    #[schema(max_items = 16)]
    second_factor_acr: Vec<String>,
    /// Values of `amr` that say so, such as `mfa` (RFC 8176).
    #[serde(default)]
    #[schema(max_items = 16)]
    second_factor_amr: Vec<String>,
    /// Let nobody in for whom it saw no second factor.
    #[serde(default)]
    require_second_factor: bool,
    /// How long ago people may have signed in there, in minutes; absent: however long.
    #[schema(minimum = 1)]
    max_age_minutes: Option<u32>,
}

/// What becomes of the host's secret.
enum Fate {
    /// This is the one from now on.
    Given(Secret),
    /// The one that is stored stays.
    Stays(Secret),
    /// It has none: it is a public client there.
    None,
    /// There is none yet, and there ought to be one.
    Lacking,
}

impl Operation for Set {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Setting>;
    type Answer = Changed;

    const ABOUT: About =
        About::put(actions::ACCESS_CHANGE, "/sign-in/providers/{tenant}", "Set a tenant's sign-in provider")
            .id("sign-in.set")
            .text(
                "What the body does not name is as if it had never been set; the secret stays with its issuer and client. The provider is \
                 asked for what it publishes first: what cannot work is not set. With another issuer, sessions that began by the one before \
                 end. Nobody gets an account by signing in there.",
            )
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Setting>) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let tenant = call.path.tenant.clone();
        let access = ports.people.access()?;
        let before = access.settings(&call.caller, Some(&tenant)).await.map_err(refused)?;
        pinned(call.expected, before.version)?;
        let provider = read(&mut call.body.0);
        let at = secret_of(&tenant, &provider.issuer, &provider.client_id);
        let fate = fate(ports, &mut call.body.0, &at).await?;
        // The host's own rules first: what they refuse asks nobody.
        let new = AccessSettings { provider: Some(provider), ..before.clone() };
        let tried =
            access.rehearsing().set_settings(&call.caller, Some(&tenant), new.clone()).await.map_err(refused)?;
        probe(ports, &new, &fate).await?;
        let has_secret = !matches!(fate, Fate::None);
        if call.dry_run {
            let changed = Changed { dry_run: true, sign_in: ports.view(&tenant, &tried, has_secret) };
            return Ok(Reply::json(changed).at(before.version).tried());
        }
        let mut secrets = kept(ports, &call, &at, fate).await?;
        // Another provider's is of no more use.
        secrets.extend(slot(&tenant, &before).filter(|old| *old != at).map(SecretChange::Forget));
        let after = access.set_settings_with(&call.caller, Some(&tenant), new, secrets).await.map_err(refused)?;
        let changed = Changed { dry_run: false, sign_in: ports.view(&tenant, &after, has_secret) };
        Ok(Reply::json(changed).at(after.version))
    }
}

fn read(body: &mut Setting) -> Provider {
    Provider {
        issuer: std::mem::take(&mut body.issuer),
        client_id: std::mem::take(&mut body.client_id),
        only: body.only,
        mfa_acr: std::mem::take(&mut body.second_factor_acr),
        mfa_amr: std::mem::take(&mut body.second_factor_amr),
        needs_mfa: body.require_second_factor,
        max_age_minutes: body.max_age_minutes,
    }
}

async fn fate(ports: &Ports, body: &mut Setting, at: &Slot) -> Result<Fate, Problem> {
    let wrong = |why: &str| Err(Problem::new(Reason::WrongBody, why));
    match (body.client_secret.take(), body.public_client) {
        (Some(_), true) => wrong("client-secret: a public client has none."),
        (Some(text), false) => match Secret::new(text.trim().as_bytes().to_vec()) {
            secret if (SHORTEST..=LONGEST).contains(&secret.expose().len()) => Ok(Fate::Given(secret)),
            _ => wrong("client-secret: expected 8 to 1024 bytes; say public-client where the host has none there."),
        },
        (None, true) => Ok(Fate::None),
        (None, false) => {
            let found = ports.vault.slot(at).await.map_err(|error| unavailable(&error))?;
            match found.and_then(|(_, opened)| opened.credential.access) {
                Some(secret) => Ok(Fate::Stays(secret)),
                None => Ok(Fate::Lacking),
            }
        }
    }
}

/// Whether the provider can be used, by its own word.
async fn probe(ports: &Ports, new: &AccessSettings, fate: &Fate) -> Result<(), Problem> {
    let Some(provider) = &new.provider else { return Ok(()) };
    let secret = match fate {
        Fate::Given(secret) | Fate::Stays(secret) => Some(secret.clone()),
        Fate::None | Fate::Lacking => None,
    };
    let party = Party { issuer: provider.issuer.clone(), client_id: provider.client_id.clone(), secret };
    let probe = (ports.probe)().map_err(|error| unavailable(&error))?;
    probe.check(&party).await.map_err(|error| {
        let why = plain(&error.to_string());
        Problem::new(Reason::Refused, format!("{} was not set: {why}.", plain(&provider.issuer)))
    })?;
    let advice = "client-secret: the host has none there yet: send it, or say public-client.";
    match fate {
        Fate::Lacking => Err(Problem::new(Reason::WrongBody, advice)),
        _ => Ok(()),
    }
}

/// What becomes of the host's secret there, together with the settings.
async fn kept(ports: &Ports, call: &Call<Set>, at: &Slot, fate: Fate) -> Result<Vec<SecretChange>, Problem> {
    match fate {
        Fate::Given(secret) => {
            let told = Entry::new(call.now(), Kind::AccessChanged, call.actor(), Some(at.tenant.clone()))
                .with("client-secret", "stored");
            let sealed = ports.vault.sealed_for(&NewSecret::by_hand(at.clone(), "", &secret), told).await;
            sealed.map(|new| vec![SecretChange::Put(Box::new(new))]).map_err(|error| not_kept(&error))
        }
        Fate::None => Ok(vec![SecretChange::Forget(at.clone())]),
        Fate::Stays(_) | Fate::Lacking => Ok(Vec::new()),
    }
}
