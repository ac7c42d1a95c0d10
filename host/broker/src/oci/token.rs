//! Answers for what a registry wants to know about who is asking (RFC 9110, 11.6.1), and for the token services that it names.
//!
//! Invariants: a password goes to the registry itself, or to the token service that the registry named over `https`, which is
//! then reached by `https` too; a registry that is spoken to in plain HTTP can name no server but itself. The scope of a token
//! is made here, never taken from the challenge: a registry cannot have tokens made out that reach further than itself.

use hyper::{Method, StatusCode, header::HeaderValue};
use serde::Deserialize;
use url::Url;

use super::{
    OciError, Origin,
    credentials::{Credentials, sensitive},
    exchange::{Call, Exchange, Reply},
};

const MAX_ANSWER: usize = 64 * 1024;
const MAX_TOKEN: usize = 32 * 1024;

/// What a registry wants.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Challenge {
    /// Name and password in each request.
    Basic,
    /// A token from this service.
    Bearer { realm: String, service: Option<String> },
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The value of `Authorization` for the registry, after this answer of status 401.
pub(super) async fn answer(
    exchange: &Exchange,
    reply: &Reply,
    credentials: Option<&Credentials>,
    scope: &str,
) -> Result<HeaderValue, OciError> {
    let host = exchange.registry().authority();
    let wrong = |problem: String| OciError::Credentials { host: host.clone(), problem };
    let challenges = reply.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
    let mut challenges: Vec<Challenge> = challenges.flat_map(challenges_of).collect();
    // A token that is good for one repository before a password.
    challenges.sort_by_key(|challenge| *challenge == Challenge::Basic);
    match (challenges.into_iter().next(), credentials) {
        (Some(Challenge::Basic), Some(credentials)) => {
            credentials.basic().ok_or_else(|| wrong("they cannot be put in a header".to_owned()))
        }
        (Some(Challenge::Basic), None) => {
            Err(wrong("it asks for a user's name and password; give --username".to_owned()))
        }
        (Some(Challenge::Bearer { realm, service }), credentials) => {
            let realm = service_url(exchange.registry(), &realm, service.as_deref(), scope)?;
            token(exchange, realm, credentials).await
        }
        (None, _) => Err(wrong("it refuses, and names no way to say who is asking that is known here".to_owned())),
    }
}

/// Where a token is asked for.
fn service_url(registry: &Origin, realm: &str, service: Option<&str>, scope: &str) -> Result<Url, OciError> {
    let refused = |problem: &str| {
        let problem = portcullis_model::audit::plain(&format!("'{realm}': {problem}"));
        OciError::Elsewhere { host: registry.authority(), what: "who asks for a token".to_owned(), problem }
    };
    let mut url = Url::parse(realm).map_err(|error| refused(&error.to_string()))?;
    let origin = Origin::of(&url).map_err(refused)?;
    if origin != *registry && registry.is_plain() {
        return Err(refused("it was named in plain HTTP, which anybody could have done"));
    }
    if origin != *registry && origin.is_plain() {
        return Err(refused("it is not https"));
    }
    url.set_fragment(None);
    let mut query = url.query_pairs_mut();
    if let Some(service) = service {
        query.append_pair("service", service);
    }
    query.append_pair("scope", scope);
    drop(query);
    Ok(url)
}

async fn token(exchange: &Exchange, url: Url, credentials: Option<&Credentials>) -> Result<HeaderValue, OciError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let wrong = |problem: String| OciError::Credentials { host: host.clone(), problem };
    let basic = credentials.and_then(Credentials::basic);
    let what = "the token service's answer";
    let call = Call { what, method: Method::GET, url, accept: None, content: None, most: MAX_ANSWER };
    let reply = exchange.send(&call, basic.as_ref()).await?;
    match reply.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(wrong(format!(
                "its token service answers {}: name or secret are wrong",
                reply.status.as_u16()
            )));
        }
        other => return Err(wrong(format!("its token service answers {}", other.as_u16()))),
    }
    // Not serde's words: they can quote the token.
    let answer: Answer =
        serde_json::from_slice(&reply.body).map_err(|_| OciError::form(what, "it is not as expected"))?;
    let token = answer.token.or(answer.access_token).unwrap_or_default();
    if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(OciError::form(what, "there is no token in it that can be sent"));
    }
    sensitive(&format!("Bearer {token}")).ok_or_else(|| OciError::form(what, "the token cannot be sent"))
}

/// The challenges in a header's value. What cannot be read is left out.
fn challenges_of(value: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut rest = value.trim_start();
    while let Some((scheme, after)) = word(rest) {
        let (pairs, after) = pairs(after.trim_start());
        let get =
            |name: &str| pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = get("realm")
        {
            found.push(Challenge::Bearer { realm, service: get("service") });
        }
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    found
}

/// `key=value` pairs with commas between them, up to where another challenge begins.
fn pairs(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut pairs = Vec::new();
    while let Some((key, after)) = word(rest) {
        let Some(after) = after.trim_start().strip_prefix('=') else { break };
        let Some((value, after)) = value(after.trim_start()) else { break };
        pairs.push((key.to_owned(), value));
        rest = after.trim_start();
        let Some(after) = rest.strip_prefix(',') else { break };
        rest = after.trim_start();
    }
    (pairs, rest)
}

fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.!#$%&'*+^`|~".contains(c))).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return word(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((value, &quoted[at + 1..])),
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.into(), service: service.map(Into::into) }
    }

    #[test]
    fn reads_challenges_as_registries_write_them() {
        let docker = r#"Bearer realm="https://auth.test/token",service="reg.test",scope="repository:a/b:pull,push",error="invalid_token""#;
        assert_eq!(challenges_of(docker), [bearer("https://auth.test/token", Some("reg.test"))]);
        assert_eq!(challenges_of("Basic realm=\"x, y\", charset=\"UTF-8\""), [Challenge::Basic]);
        assert_eq!(challenges_of("basic"), [Challenge::Basic]);
        let two = r#"Negotiate, Basic realm="a", BEARER Realm = "https://t/\"q", Service=s"#;
        assert_eq!(challenges_of(two), [Challenge::Basic, bearer("https://t/\"q", Some("s"))]);
        for nothing in ["", ",,,", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"open", "\"", "="] {
            assert_eq!(challenges_of(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn only_a_protected_line_names_a_service_elsewhere() {
        let registry = Origin::parse("reg.test", false).unwrap();
        let url = |realm: &str| service_url(&registry, realm, Some("a&b"), "repository:a/b:pull,push");
        let found = url("https://auth.test/token?account=x#f").unwrap();
        let expected = "https://auth.test/token?account=x&service=a%26b&scope=repository%3Aa%2Fb%3Apull%2Cpush";
        assert_eq!(found.as_str(), expected);
        for bad in ["http://auth.test/", "http://127.0.0.1/", "https://u:p@auth.test/", "ftp://auth.test/", "token", ""]
        {
            let error = url(bad).unwrap_err().to_string();
            assert!(error.contains("which is not followed"), "{bad}: {error}");
        }
        let local = Origin::parse("127.0.0.1:5000", true).unwrap();
        let url = |realm: &str| service_url(&local, realm, None, "s");
        assert!(url("http://127.0.0.1:5000/token").is_ok());
        for bad in ["http://127.0.0.1:5001/token", "https://auth.test/token", "http://localhost:5000/token"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
