//! Answers for a definition with a connection's settings filled in: exact endpoints, parameters, hosts.
//!
//! Invariants: every setting was checked by its kind; an unknown or a missing setting is an error that names it; a scope is one
//! scope; hosts that an admin names lie within those of the definition, where it has any.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_model::{connection::Origin, target::Target};

use super::{
    ProviderError, Providers,
    check::check_scope,
    definition::{Definition, Param, Proof, Way},
};
use crate::place::Place;

const MAX_SCOPES: usize = 64;

/// A definition with everything filled in.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The definition.
    pub definition: Arc<Definition>,
    /// The client's id; empty for a static token.
    pub client_id: String,
    /// How the client proves itself.
    pub proof: Proof,
    /// The id of the client's key.
    pub key_id: Option<String>,
    /// Where the browser goes.
    pub authorize: Option<Target>,
    /// How the provider calls itself.
    pub issuer: Option<String>,
    /// The token endpoint.
    pub token: Option<Target>,
    /// Where tokens are revoked; absent where that is not offered.
    pub revoke: Option<Target>,
    /// For whom an assertion is made.
    pub audience: Option<String>,
    /// More parameters of the authorization request.
    pub authorize_extra: Vec<(String, serde_json::Value)>,
    /// More parameters of token requests.
    pub token_extra: Vec<(String, serde_json::Value)>,
    /// The scopes to ask for, those that are always asked for included.
    pub scopes: Vec<String>,
    /// Hosts that the token may go to; `None`: those that the admin names.
    pub hosts: Option<Vec<String>>,
}

impl Providers {
    /// What an origin comes to.
    pub fn resolve(&self, origin: &Origin) -> Result<Resolved, ProviderError> {
        let definition = self.get(&origin.provider)?;
        resolve(definition, origin).map_err(|problem| ProviderError::Unfit { id: origin.provider.clone(), problem })
    }
}

fn resolve(definition: &Arc<Definition>, origin: &Origin) -> Result<Resolved, String> {
    let values = settings(definition, &origin.settings)?;
    let url = |what: &str, template: &super::template::Template| {
        let filled = template.url(&definition.settings, &values).transpose();
        filled.map_err(|problem| format!("{what}: {problem}"))
    };
    let (authorize, token) = (definition.authorize.as_ref(), definition.token.as_ref());
    let endpoint = |what, template: Option<&super::template::Template>| match template {
        None => Ok(None),
        Some(template) => match url(what, template)? {
            Some(url) => Ok(Some(url)),
            None => Err(format!("{what}: a setting that it needs is absent")),
        },
    };
    let revoke = match &definition.revoke {
        None => None,
        Some(revoke) => url("revoke.endpoint", &revoke.endpoint)?,
    };
    let hosts = definition.place.hosts.iter().map(|host| host.host(&values)).collect::<Option<Vec<_>>>();
    let hosts = hosts.ok_or("place.hosts: a setting that they need is absent")?;
    let proof = values.get("client-auth").and_then(|name| proof(definition, name));
    Ok(Resolved {
        client_id: values.get("client-id").cloned().unwrap_or_default(),
        proof: proof.unwrap_or(Proof::None),
        key_id: values.get("key-id").cloned(),
        authorize: endpoint("authorize.endpoint", authorize.map(|authorize| &authorize.endpoint))?,
        issuer: authorize.and_then(|authorize| authorize.issuer.as_ref()?.fill(&values)),
        token: endpoint("token.endpoint", token.map(|token| &token.endpoint))?,
        revoke,
        audience: definition.client.assertion_audience.as_ref().and_then(|audience| audience.fill(&values)),
        authorize_extra: authorize.map(|authorize| params(&authorize.extra, &values)).unwrap_or_default(),
        token_extra: token.map(|token| params(&token.extra, &values)).unwrap_or_default(),
        scopes: scopes(definition, &origin.scopes)?,
        hosts: (!hosts.is_empty()).then_some(hosts),
        definition: definition.clone(),
    })
}

fn proof(definition: &Definition, name: &str) -> Option<Proof> {
    definition.client.authentication.iter().copied().find(|proof| proof.name() == name)
}

/// The settings with their defaults, all of them checked.
fn settings(definition: &Definition, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let known = || definition.settings.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = given.keys().find(|name| !definition.settings.contains_key(*name)) {
        let unknown = portcullis_model::audit::plain(unknown);
        return Err(format!("there is no setting '{unknown}'; there are: {}", known()));
    }
    let mut values = BTreeMap::new();
    for (name, setting) in &definition.settings {
        match given.get(name).or(setting.default.as_ref()) {
            Some(value) => {
                setting.check(value).map_err(|expected| format!("setting '{name}': expected {expected}"))?;
                values.insert(name.clone(), value.clone());
            }
            None if setting.optional => {}
            None => return Err(format!("setting '{name}' is missing: {}", setting.about)),
        }
    }
    Ok(values)
}

/// Parameters, less those that need a setting that is absent.
fn params(extra: &BTreeMap<String, Param>, values: &BTreeMap<String, String>) -> Vec<(String, serde_json::Value)> {
    let one = |(name, value): (&String, &Param)| match value {
        Param::Number(number) => Some((name.clone(), (*number).into())),
        Param::Text(template) => Some((name.clone(), template.fill(values)?.into())),
    };
    extra.iter().filter_map(one).collect()
}

fn scopes(definition: &Definition, wanted: &[String]) -> Result<Vec<String>, String> {
    let syntax = &definition.scopes;
    if wanted.len() > MAX_SCOPES {
        return Err(format!("scopes: at most {MAX_SCOPES}"));
    }
    if wanted.is_empty() && syntax.required {
        let example = syntax.example.as_deref().unwrap_or("read");
        return Err(format!("scopes: name what is needed, such as '{example}'; without one it would be everything"));
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in wanted.iter().chain(&syntax.always) {
        check_scope(scope, &syntax.separator).map_err(|problem| format!("scopes: {problem}"))?;
        if definition.way == Way::AppInstallation
            && scope.split_once(':').is_none_or(|(a, b)| a.is_empty() || b.is_empty())
        {
            return Err(format!("scopes: '{scope}' is not a permission and its level, such as 'issues:write'"));
        }
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    Ok(scopes)
}

impl Resolved {
    /// Where the token goes: hosts that the admin names, or the definition's own where the admin names none.
    pub fn place(&self, named: &[String], header: Option<&str>, prefix: Option<&str>) -> Result<Place, ProviderError> {
        let unfit = |problem: String| ProviderError::Unfit { id: self.definition.id.clone(), problem };
        let hosts = match (&self.hosts, named) {
            (None, []) => return Err(unfit("name the hosts that the token goes to".to_owned())),
            (None, named) => named.to_vec(),
            (Some(all), []) => all.clone(),
            (Some(all), named) => match named.iter().find(|host| !all.contains(host)) {
                Some(other) => {
                    let other = portcullis_model::audit::plain(other);
                    return Err(unfit(format!("'{other}' is none of its hosts: {}", all.join(", "))));
                }
                None => named.to_vec(),
            },
        };
        let place = &self.definition.place;
        let place = Place {
            hosts,
            header: header.unwrap_or(&place.header).to_owned(),
            prefix: prefix.unwrap_or(&place.prefix).to_owned(),
        };
        place.check().map_err(unfit)?;
        Ok(place)
    }

    /// The scopes as one parameter; `None` where there are none.
    pub fn scope(&self) -> Option<String> {
        (!self.scopes.is_empty()).then(|| self.scopes.join(&self.definition.scopes.separator))
    }
}

impl Definition {
    /// Whether its token could go to this host, for some settings.
    pub(super) fn could_cover(&self, host: &str) -> bool {
        self.place.hosts.iter().any(|template| {
            let text = String::from(template.clone());
            match text.rsplit_once('}') {
                // The fixed end decides. Where there is none, the setting's own rule does.
                Some((start, "")) => {
                    let name = start.rsplit_once('{').map_or("", |(_, name)| name);
                    let under = self.settings.get(name).and_then(|setting| setting.under.as_deref());
                    under.is_some_and(|under| host.ends_with(under))
                }
                Some((_, end)) => host.ends_with(end) && host.len() > end.len(),
                None => text == host,
            }
        })
    }
}
