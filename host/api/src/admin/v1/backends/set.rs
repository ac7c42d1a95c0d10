//! `PUT /installations/{id}/backend`: sends an installation's events to a back end, too; or changes where to.

use portcullis_broker::standard_webhooks::{KeysError, Made};
use portcullis_model::{
    audit::{Kind, plain},
    installation::Installation,
    people::{Resource, actions},
    secret::SecretPut,
    target::Target,
    webhook::{BackEnd, BackEndState, Health, check_events},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, SchemeName, View, Which, changed_meanwhile, entry, owner, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, not_kept, unavailable, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Sets one.
pub struct Set;

/// Where to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackEndSetting)]
pub struct Setting {
    /// Where to post to: https, a host name. As until now, with its query, where it is not there; needed where there is no back end.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// Only events of these types, or that begin so where they end in `*`. Empty: all that the installation is granted.
    #[serde(default)]
    #[schema(max_items = 64)]
    events: Vec<String>,
    /// How messages are signed, where the back end is new: HMAC with a shared secret, where it is not there.
    #[schema(inline)]
    scheme: Option<SchemeName>,
}

impl Operation for Set {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Setting>;
    type Answer = Changed;

    const ABOUT: About =
        About::put(actions::BACKENDS_CHANGE, "/installations/{id}/backend", "Send an installation's events to a back end")
            .id("backends.set")
            .text(
                "The installation must be granted to send there: `http:send` to the address, by POST. A new one gets a key, which is \
                 answered once; setting it again keeps the key, and the address where it says none, and lets one that was disabled go on.",
            )
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Setting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let installation = ports.find(&call.path).await?;
        let before = ports.back_end(&installation.id).await?;
        let version = before.as_ref().map(|one| one.generation);
        pinned(call.expected, version.unwrap_or(0))?;
        let back_end = checked(ports, &call, &installation, before.as_ref()).await?;
        if call.dry_run {
            let changed = Changed { dry_run: true, back_end: View::of(back_end), key: None };
            return Ok(Reply::json(changed).at(version.unwrap_or(0)).tried());
        }
        let (made, keys) = first_key(ports, &call, &installation, before.is_none()).await.map_err(refused)?.unzip();
        let told = entry(&call, Kind::BackendSet, &installation)
            .with("url", format!("{}{}", back_end.url.origin(), back_end.url.path()))
            .with("events", back_end.events.clone());
        let put = ports.back_ends.put_back_end(back_end.clone(), version, keys, told).await;
        if !put.map_err(|error| not_kept(&error))? {
            return Err(changed_meanwhile());
        }
        let generation = back_end.generation;
        let key = made.map(|made| String::from_utf8_lossy(made.shown.expose()).into_owned());
        Ok(Reply::json(Changed { dry_run: false, back_end: View::of(back_end), key }).at(generation))
    }
}

/// The back end that is asked for, where the installation may have it.
async fn checked(
    ports: &Ports,
    call: &Call<Set>,
    of: &Installation,
    before: Option<&BackEnd>,
) -> Result<BackEnd, Problem> {
    if of.is_gone() {
        return Err(Problem::new(Reason::Conflict, "This installation was uninstalled."));
    }
    let url = address(&call.body.0, before)?;
    check_events(&call.body.0.events).map_err(wrong)?;
    // Each message is judged again when it is sent.
    if let Some(why) = ports.grants.refusal(of, &url).await.map_err(|error| unavailable(&error))? {
        return Err(Problem::new(Reason::Refused, format!("{}.", plain(&why))));
    }
    // Never one that there was, even after a removal.
    let now = u64::try_from(call.now().0).unwrap_or_default();
    Ok(BackEnd {
        tenant: of.tenant.clone(),
        installation: of.id.clone(),
        url,
        events: call.body.0.events.clone(),
        state: BackEndState::Active,
        health: Health::default(),
        generation: now.max(before.map_or(0, |one| one.generation.saturating_add(1))),
    })
}

fn wrong(why: String) -> Problem {
    Problem::new(Reason::WrongBody, format!("{}.", plain(&why)))
}

/// Where to: what is asked for, or what there is.
fn address(asked: &Setting, before: Option<&BackEnd>) -> Result<Target, Problem> {
    match (&asked.url, before) {
        (Some(url), _) => url.parse().map_err(|why: String| wrong(format!("url: {why}"))),
        (None, Some(before)) => Ok(before.url.clone()),
        (None, None) => Err(wrong("url: expected where messages go to".to_owned())),
    }
}

/// The key of a back end that is new, or has lost its own; it is stored together with the back end.
async fn first_key(
    ports: &Ports,
    call: &Call<Set>,
    of: &Installation,
    is_new: bool,
) -> Result<Option<(Made, SecretPut)>, KeysError> {
    let owner = owner(of);
    if !is_new && ports.keys.has(&owner).await? {
        return Ok(None);
    }
    let scheme = call.body.0.scheme.unwrap_or(SchemeName::Hmac).into();
    let told = entry(call, Kind::BackendRotated, of).with("step", "made");
    ports.keys.first(&owner, scheme, told).await.map(Some)
}
