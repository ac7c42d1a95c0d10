//! `PUT /alerts/endpoints`: has alerts posted to an address, or changes where to.

use portcullis_broker::{post::PostUrl, standard_webhooks::alerts::AlertKeysError};
use portcullis_model::{
    alert::{AlertSeverity, Endpoint},
    audit::plain,
    people::{Principal, Resource, actions},
    secret::{Secret, SecretPut},
    webhook::{BackEndState, Health},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, View, Whose, changed_meanwhile, entry, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, not_kept, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Sets one.
pub struct Set;

/// Where to, and which.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertEndpointSetting)]
pub struct Setting {
    /// Where to post to: https, a host name. As until now, with its query, where it is not there; needed where there is no endpoint.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// Only alerts that are as severe; all of them, where it is not there.
    #[schema(inline)]
    least: Option<Least>,
}

/// How severe an alert is at least.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AlertEndpointLeast)]
pub enum Least {
    /// All.
    Low,
    /// Those that are for this week, and more severe ones.
    Medium,
    /// Those that are for today, and more severe ones.
    High,
    /// Those that cannot wait.
    Critical,
}

impl From<Least> for AlertSeverity {
    fn from(least: Least) -> Self {
        match least {
            Least::Low => Self::Low,
            Least::Medium => Self::Medium,
            Least::High => Self::High,
            Least::Critical => Self::Critical,
        }
    }
}

impl Operation for Set {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Sent<Setting>;
    type Answer = Changed;

    const ABOUT: About = About::put(actions::ENDPOINTS_CHANGE, "/alerts/endpoints", "Have alerts posted to an address")
        .id("endpoints.set")
        .text(
            "A message names rule, severity, alert, tenant, installation and a link, and nothing else. A new endpoint gets a key, which is \
             answered once; setting it again keeps the key, and the address where it says none, and lets one that was disabled go on. Over \
             http, to this machine, and a tenant's to a host that is placed by hand, the operator alone has them posted. Without \
             `tenant` it is told of every tenant's alerts: only the operator and the platform's owners change that one.",
        )
        .on(On::Tenant)
        .dry_run()
        .version(Version::Needed)
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Sent<Setting>) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let before = ports.find(call.query.tenant.as_ref()).await?;
        let version = before.as_ref().map(|one| one.generation);
        pinned(call.expected, version.unwrap_or(0))?;
        let endpoint = checked(ports, &call, before.as_ref())?;
        if call.dry_run {
            let changed = Changed { dry_run: true, endpoint: View::of(&endpoint), key: None };
            return Ok(Reply::json(changed).at(version.unwrap_or(0)).tried());
        }
        let (made, keys) = first_key(ports, &call, before.is_none()).await.map_err(refused)?.unzip();
        let told = entry(&call, "set").with("url", endpoint.origin()).with("least", endpoint.least.name());
        let put = ports.outbox.put_endpoint(endpoint.clone(), version, keys, told).await;
        if !put.map_err(|error| not_kept(&error))? {
            return Err(changed_meanwhile());
        }
        let key = made.map(|made: Secret| String::from_utf8_lossy(made.expose()).into_owned());
        Ok(Reply::json(Changed { dry_run: false, endpoint: View::of(&endpoint), key }).at(endpoint.generation))
    }
}

/// The endpoint that is asked for, where there may be one.
fn checked(ports: &Ports, call: &Call<Set>, before: Option<&Endpoint>) -> Result<Endpoint, Problem> {
    let Setting { url, least } = &call.body.0;
    let url = match (url, before) {
        (Some(url), _) => url.clone(),
        (None, Some(before)) => before.url.clone(),
        (None, None) => return Err(wrong("expected where alerts are posted to")),
    };
    may_lead(ports, call, &url)?;
    // Never one that there was, even after a removal.
    let now = u64::try_from(call.now().0).unwrap_or_default();
    Ok(Endpoint {
        tenant: call.query.tenant.clone(),
        url,
        least: least.map_or(AlertSeverity::Low, Into::into),
        state: BackEndState::Active,
        health: Health::default(),
        generation: now.max(before.map_or(0, |one| one.generation.saturating_add(1))),
    })
}

/// Fails where alerts may not be posted there by whoever asks.
fn may_lead(ports: &Ports, call: &Call<Set>, url: &str) -> Result<(), Problem> {
    let (of_tenant, operator) = (call.query.tenant.is_some(), call.caller.principal == Principal::Operator);
    // What the operator set before stays where nobody names another.
    let named = call.body.0.url.is_some();
    match PostUrl::parse(url).map_err(|why| wrong(&why))? {
        PostUrl::Local(..) if of_tenant => {
            Err(wrong("a tenant's endpoint is on no loopback address of this machine: expected 'https://'"))
        }
        PostUrl::Local(..) if !operator => {
            Err(wrong("only the operator has alerts posted to this machine: expected 'https://'"))
        }
        PostUrl::Remote(target) if named && of_tenant && !operator && ports.placed.contains(target.host()) => {
            Err(wrong(
                "the operator placed this host by hand, and alone has a tenant's alerts posted there: expected another",
            ))
        }
        PostUrl::Local(..) | PostUrl::Remote(_) => Ok(()),
    }
}

fn wrong(why: &str) -> Problem {
    Problem::new(Reason::WrongBody, format!("url: {}.", plain(why)))
}

/// The key of an endpoint that is new, or has lost its own; it is stored together with the endpoint.
async fn first_key(
    ports: &Ports,
    call: &Call<Set>,
    is_new: bool,
) -> Result<Option<(Secret, SecretPut)>, AlertKeysError> {
    let tenant = call.query.tenant.as_ref();
    if !is_new && ports.keys.has(tenant).await? {
        return Ok(None);
    }
    ports.keys.first(tenant, entry(call, "key made")).await.map(Some)
}
