//! Automation: programs of a tenant's own that use this API, each with a role and by a key of its own (ACC-3).
//!
//! Invariants: each act is decided once more where it is done, with whoever asks; no private key and no token is asked for or answered;
//! what is tried out makes every check that the act makes, and writes nothing.

mod add;
mod list;
mod remove;
mod rotate;
#[cfg(test)]
mod tests;

use portcullis_broker::authz::jwk;
use portcullis_model::{
    id::{ClientId, TenantId},
    oauth::{Jwk, KeyState},
    people::{Automation, Resource},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use super::people::Ports;
use super::people::{called, refused};
use crate::{
    admin::Group,
    problem::{Problem, Reason},
};

/// The longest text of a key, in bytes.
const LONGEST_KEY: usize = 4_096;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<add::Add>().with::<rotate::Rotate>().with::<remove::Remove>()
}

/// Whose.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Whose {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
}

impl Whose {
    fn resource(&self, which: Option<&str>) -> Resource {
        let all = Resource::of(self.tenant.clone(), "automation");
        match which {
            Some(which) => all.named(which),
            None => all,
        }
    }
}

/// Which.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its client id.
    #[param(value_type = String)]
    id: ClientId,
}

/// A program of a tenant's own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Automation)]
pub struct AutomationView {
    /// Its client id, which it names as `iss` and `sub` where it asks for a token.
    client: String,
    /// What it is called.
    name: String,
    /// As what it acts.
    role: String,
    /// Whether it may do what people need a second factor for.
    privileged: bool,
    /// From where it may come; empty: from wherever the tenant's people may.
    networks: Vec<String>,
    /// Who made it.
    by: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Until when it can be used.
    #[schema(format = DateTime)]
    until: String,
    /// Whether it can be used now.
    holds: bool,
    /// Its keys that are good now.
    keys: Vec<KeyView>,
}

/// A public key of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutomationKey)]
pub struct KeyView {
    /// Its thumbprint (RFC 7638).
    thumbprint: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Until when, where another one has followed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl AutomationView {
    fn of(one: &Automation, now: Timestamp) -> Self {
        let key = |key: &portcullis_model::oauth::ClientKey| KeyView {
            thumbprint: key.thumbprint.clone(),
            since: key.since.to_string(),
            until: match key.state {
                KeyState::Previous { until } => Some(until.to_string()),
                _ => None,
            },
        };
        Self {
            client: one.id.to_string(),
            name: one.name.clone(),
            role: one.role.to_string(),
            privileged: one.privileged,
            networks: one.networks.iter().map(ToString::to_string).collect(),
            by: called(&one.by),
            since: one.since.to_string(),
            until: one.until.to_string(),
            holds: one.holds(now),
            keys: one.good_keys(now).map(key).collect(),
        }
    }
}

/// One that was made or changed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutomationChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// As it is then.
    automation: AutomationView,
}

/// A public key out of its text: PEM as `openssl pkey -pubout` writes it, or a JSON Web Key; with its thumbprint.
pub(in crate::admin::v1) fn key(text: &str) -> Result<(Jwk, String), Problem> {
    let wrong = |why: String| Problem::new(Reason::WrongBody, format!("public-key: {why}."));
    if text.len() > LONGEST_KEY {
        return Err(wrong(format!("at most {LONGEST_KEY} bytes")));
    }
    let text = text.trim();
    let read = match text.starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| error.to_string()).and_then(|value| jwk::read(&value)),
        // Browsers send line ends of their own.
        false => jwk::read_pem(&text.replace("\r\n", "\n")),
    };
    let key = read.map_err(wrong)?;
    let thumbprint = jwk::thumbprint(&key);
    Ok((key, thumbprint))
}
