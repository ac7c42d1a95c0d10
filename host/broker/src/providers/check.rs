//! Answers for a definition's sense: that its parts fit together, before anybody uses it.
//!
//! Invariant: what passes here can be resolved with any settings that pass their own checks, or fails for a setting by name.

use super::{
    definition::{Definition, Param, Proof, RevokeStyle, Way},
    setting::Kind,
    template::{Template, is_name},
};
use crate::{headers, place::Place};

/// Settings that each OAuth client has, and definitions do not name.
pub(super) const OWN: [&str; 3] = ["client-id", "client-auth", "key-id"];

const MAX_ASSERTION_SECONDS: u64 = 600;

/// Says in a few words what is wrong, if anything. Expects the client's own settings to be among the settings.
pub(super) fn check(definition: &Definition) -> Result<(), String> {
    check_parts(definition)?;
    for (name, setting) in &definition.settings {
        let at = |problem: String| format!("settings.{name}: {problem}");
        if !is_name(name) {
            return Err(at("a name is 1 to 40 of a-z, 0-9 and '-'".into()));
        }
        if setting.under.as_ref().is_some_and(|suffix| setting.kind != Kind::Origin || suffix.matches('.').count() < 2)
        {
            return Err(at("'under' goes with an origin, and is at least '.' and two labels".into()));
        }
        for value in setting.default.iter().chain(&setting.one_of) {
            setting.check(value).map_err(|problem| at(format!("'{value}': expected {problem}")))?;
        }
    }
    check_templates(definition)?;
    check_client(definition)?;
    check_scopes(definition)?;
    check_place(definition)?;
    let assertion = definition.client.assertion_seconds;
    if !(10..=MAX_ASSERTION_SECONDS).contains(&assertion) {
        return Err(format!("client.assertion-seconds: 10 to {MAX_ASSERTION_SECONDS}"));
    }
    match definition.conduct.lifetime_seconds {
        Some(0..30) => Err("conduct.lifetime-seconds: at least 30".to_owned()),
        _ => Ok(()),
    }
}

fn check_parts(definition: &Definition) -> Result<(), String> {
    let (authorize, token) = (definition.authorize.is_some(), definition.token.is_some());
    let fits = match definition.way {
        Way::AuthorizationCode => authorize && token,
        Way::ClientCredentials | Way::AppInstallation => !authorize && token,
        Way::Static => !authorize && !token && definition.revoke.is_none(),
    };
    if !fits {
        let needs = match definition.way {
            Way::AuthorizationCode => "'authorize' and 'token'",
            Way::ClientCredentials | Way::AppInstallation => "'token', and no 'authorize'",
            Way::Static => "none of 'authorize', 'token' and 'revoke'",
        };
        return Err(format!("this way needs {needs}"));
    }
    if definition.name.trim().is_empty() || definition.about.trim().is_empty() {
        return Err("name and about say something".to_owned());
    }
    Ok(())
}

fn check_templates(definition: &Definition) -> Result<(), String> {
    let url = |what: &str, template: &Template| {
        template.check_url(&definition.settings).map_err(|problem| format!("{what}: {problem}"))
    };
    let (mut urls, mut params, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(authorize) = &definition.authorize {
        urls.push(("authorize.endpoint", &authorize.endpoint));
        params.push(("authorize.extra", &authorize.extra));
        let issuer = authorize.issuer.as_ref();
        if issuer.is_none() && authorize.issuer_always {
            return Err("authorize.issuer-always: needs 'issuer'".to_owned());
        }
        if issuer.is_some_and(|issuer| issuer.places().any(|place| !definition.settings.contains_key(place))) {
            return Err("authorize.issuer: names a setting that is not there".to_owned());
        }
    }
    if let Some(token) = &definition.token {
        urls.push(("token.endpoint", &token.endpoint));
        params.push(("token.extra", &token.extra));
        headers.push(("token.headers", &token.headers));
        if token.answer.within.is_empty() || token.answer.within.iter().any(|p| !p.is_empty() && !p.starts_with('/')) {
            return Err("token.answer.within: JSON pointers, such as '' and '/authed_user'".to_owned());
        }
    }
    if let Some(revoke) = &definition.revoke {
        urls.push(("revoke.endpoint", &revoke.endpoint));
        headers.push(("revoke.headers", &revoke.headers));
    }
    urls.iter().try_for_each(|(what, template)| url(what, template))?;
    for (what, extra) in params {
        for (name, value) in extra {
            let Param::Text(template) = value else { continue };
            if let Some(unknown) = template.places().find(|place| !definition.settings.contains_key(*place)) {
                return Err(format!("{what}.{name}: there is no setting '{unknown}'"));
            }
        }
        if let Some(taken) = extra.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return Err(format!("{what}.{taken}: the host sets this by itself"));
        }
    }
    for (what, fixed) in headers {
        for (name, value) in fixed {
            if !headers::is_name(name)
                || headers::is_forbidden_for_credentials(name)
                || name == "authorization"
                || !headers::is_value(value)
            {
                return Err(format!("{what}.{name}: not a header that can be set"));
            }
        }
    }
    Ok(())
}

/// Parameters that a definition cannot set: the protocol's own.
const RESERVED: [&str; 15] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

fn check_client(definition: &Definition) -> Result<(), String> {
    let ways = &definition.client.authentication;
    let public = ways.contains(&Proof::None);
    match definition.way {
        Way::Static => Ok(()),
        _ if ways.is_empty() => Err("client.authentication: at least one way".to_owned()),
        Way::AppInstallation if ways != &[Proof::PrivateKeyJwt] => {
            Err("client.authentication: an app proves itself by private-key-jwt alone".to_owned())
        }
        Way::ClientCredentials if public => Err("client.authentication: 'none' would let anybody in".to_owned()),
        Way::AuthorizationCode if public && !definition.authorize.as_ref().is_some_and(|authorize| authorize.pkce) => {
            Err("client.authentication: 'none' needs PKCE".to_owned())
        }
        _ => match &definition.revoke {
            Some(revoke)
                if revoke.style == RevokeStyle::BasicJson
                    && ways.iter().any(|way| matches!(way, Proof::PrivateKeyJwt | Proof::None)) =>
            {
                Err("revoke.style: basic-json needs a client with a secret".to_owned())
            }
            _ => Ok(()),
        },
    }
}

fn check_scopes(definition: &Definition) -> Result<(), String> {
    let scopes = &definition.scopes;
    if !matches!(scopes.separator.as_str(), " " | "," | "+" | ";") {
        return Err("scopes.separator: one of ' ', ',', '+', ';'".to_owned());
    }
    let mut all = scopes.always.iter().chain(&scopes.example);
    all.try_for_each(|scope| check_scope(scope, &scopes.separator)).map_err(|problem| format!("scopes: {problem}"))
}

/// Whether it is one scope: a scope-token of RFC 6749, 3.3, without the separator in it.
pub(super) fn check_scope(scope: &str, separator: &str) -> Result<(), String> {
    let token = scope.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'"' && b != b'\\');
    match token && (1..=256).contains(&scope.len()) && !scope.contains(separator) {
        true => Ok(()),
        false => Err(format!("'{}' is not one scope in the provider's words", portcullis_model::audit::plain(scope))),
    }
}

fn check_place(definition: &Definition) -> Result<(), String> {
    let place = &definition.place;
    for host in &place.hosts {
        host.check_host(&definition.settings).map_err(|problem| format!("place.hosts: {problem}"))?;
    }
    let stand_in = Place {
        hosts: vec!["host.example.test".to_owned()],
        header: place.header.clone(),
        prefix: place.prefix.clone(),
    };
    stand_in.check().map_err(|problem| format!("place.{problem}"))
}
