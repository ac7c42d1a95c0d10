//! What is asked of a provider, request by request, without a network.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::time::Timestamp;
use serde_json::{Value, json};

use super::{call::Call, *};
use crate::testing::Counter;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn resolved(provider: &str, settings: &[(&str, &str)], scopes: &[&str]) -> Resolved {
    let origin = Origin {
        provider: provider.parse().unwrap(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        risk: None,
    };
    Providers::built_in().unwrap().resolve(&origin).unwrap()
}

fn asking<'a>(resolved: &'a Resolved, client: Option<&'a Secret>, rng: &'a Counter) -> Asking<'a> {
    Asking { resolved, client, now: Timestamp(1_000_000), rng }
}

fn header(call: &Call, name: &str) -> Option<String> {
    let found = call.headers.iter().find(|(known, _)| known.as_str() == name);
    found.map(|(_, value)| value.to_str().unwrap().to_owned())
}

fn form(call: &Call) -> BTreeMap<String, String> {
    let (kind, body) = call.body.as_ref().unwrap();
    assert_eq!(*kind, "application/x-www-form-urlencoded");
    url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn json_of(call: &Call) -> Value {
    let (kind, body) = call.body.as_ref().unwrap();
    assert_eq!(*kind, "application/json");
    serde_json::from_slice(body).unwrap()
}

fn ec_key() -> Secret {
    secret(&rcgen::KeyPair::generate().unwrap().serialize_pem())
}

const URLS: [(&str, &str); 4] = [
    ("authorize-url", "https://id.example.com/auth"),
    ("token-url", "https://id.example.com/token"),
    ("revoke-url", "https://id.example.com/revoke"),
    ("client-id", "client:1"),
];

#[test]
fn a_code_by_basic_and_a_refresh_by_post() {
    let (rng, client) = (Counter::default(), secret("p+ss:word"));
    let generic = resolved("oauth2", &URLS, &["a", "b"]);
    let (code, verifier) = (secret("code-1234"), secret("verifier"));
    let call = asking(&generic, Some(&client), &rng)
        .code(&code, "https://h.example/connect/callback", Some(&verifier))
        .unwrap();
    // Each part is encoded before the two are joined.
    assert_eq!(header(&call, "authorization").unwrap(), "Basic Y2xpZW50JTNBMTpwJTJCc3MlM0F3b3Jk");
    let expected = [
        ("code", "code-1234"),
        ("code_verifier", "verifier"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://h.example/connect/callback"),
    ];
    assert_eq!(form(&call), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let by_post = [&URLS[..], &[("client-auth", "post")]].concat();
    let generic = resolved("oauth2", &by_post, &["a", "b"]);
    let call = asking(&generic, Some(&client), &rng).refresh(&secret("refresh-1")).unwrap();
    assert_eq!(header(&call, "authorization"), None);
    let sent = form(&call);
    assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), ("client:1", "p+ss:word"));
    assert_eq!((sent["refresh_token"].as_str(), sent.contains_key("scope")), ("refresh-1", false));
}

#[test]
fn quirk_json_with_lifetimes_and_scopes_on_refresh() {
    let (rng, client) = (Counter::default(), secret("client-secret"));
    let zendesk = resolved("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &["tickets:read", "users:read"]);
    let call = asking(&zendesk, Some(&client), &rng).refresh(&secret("refresh-1")).unwrap();
    assert_eq!(call.target.to_string(), "https://acme.zendesk.com/oauth/tokens");
    let expected = json!({
        "client_id": "c", "client_secret": "client-secret", "expires_in": 1800, "grant_type": "refresh_token",
        "refresh_token": "refresh-1", "refresh_token_expires_in": 7_776_000, "scope": "tickets:read users:read",
    });
    assert_eq!(json_of(&call), expected);
}

#[test]
fn quirk_json_is_asked_for() {
    let (rng, client) = (Counter::default(), secret("client-secret"));
    let github = resolved("github", &[("client-id", "Iv1.abc")], &[]);
    let call = asking(&github, Some(&client), &rng).code(&secret("code-1234"), "https://h.example/cb", None).unwrap();
    assert_eq!(header(&call, "accept").unwrap(), "application/json");
}

#[test]
fn quirk_an_app_signs_for_one_installation_with_the_least_permissions() {
    let (rng, key) = (Counter::default(), ec_key());
    let app =
        resolved("github-app", &[("installation-id", "42"), ("client-id", "Iv1")], &["issues:write", "metadata:read"]);
    let call = asking(&app, Some(&key), &rng).app().unwrap();
    assert_eq!(call.target.to_string(), "https://api.github.com/app/installations/42/access_tokens");
    assert_eq!(json_of(&call), json!({ "permissions": { "issues": "write", "metadata": "read" } }));
    assert_eq!(header(&call, "x-github-api-version").unwrap(), "2022-11-28");
    let jwt = header(&call, "authorization").unwrap();
    let claims = jwt.strip_prefix("Bearer ").unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["iss"], "Iv1");
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!(life <= 600 && claims["iat"].as_i64().unwrap() < 1_000, "{claims}");
    assert!(asking(&app, None, &rng).app().is_err() && asking(&app, Some(&secret("no key here")), &rng).app().is_err());
}

#[test]
fn a_private_key_signs_and_stays_here() {
    let (rng, key) = (Counter::default(), ec_key());
    let settings =
        [&URLS[1..], &[("client-auth", "private-key-jwt"), ("key-id", "k1"), ("audience", "https://api.example.com")]]
            .concat();
    let service = resolved("client-credentials", &settings, &["read"]);
    let call = asking(&service, Some(&key), &rng).client_credentials().unwrap();
    let sent = form(&call);
    assert_eq!(sent["grant_type"], "client_credentials");
    assert_eq!((sent["scope"].as_str(), sent["audience"].as_str()), ("read", "https://api.example.com"));
    assert_eq!(sent["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(sent["client_assertion"].split('.').nth(1).unwrap()).unwrap())
            .unwrap();
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://id.example.com/token"), &json!("client:1")));
    let body = String::from_utf8_lossy(&call.body.as_ref().unwrap().1).into_owned();
    assert!(!body.contains("PRIVATE") && !body.contains("client_secret"), "{body}");
}

#[test]
fn each_style_of_revocation() {
    let (rng, client, token) = (Counter::default(), secret("client-secret"), secret("token-1234"));
    let generic = resolved("oauth2", &URLS, &[]);
    let call = asking(&generic, Some(&client), &rng).revocation(Token::Refresh(&token)).unwrap();
    let sent = form(&call);
    assert_eq!((sent["token"].as_str(), sent["token_type_hint"].as_str()), ("token-1234", "refresh_token"));
    assert!(header(&call, "authorization").unwrap().starts_with("Basic "));

    let google = resolved("google", &[("client-id", "c")], &["https://www.googleapis.com/auth/drive.file"]);
    let call = asking(&google, Some(&client), &rng).revocation(Token::Refresh(&token)).unwrap();
    assert_eq!((form(&call).len(), header(&call, "authorization")), (1, None), "the token and nothing else");

    let zendesk = resolved("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &["read"]);
    let call = asking(&zendesk, Some(&client), &rng).revocation(Token::Access(&token)).unwrap();
    assert_eq!((call.method.as_str(), call.body.is_none()), ("DELETE", true));
    assert_eq!(header(&call, "authorization").unwrap(), "Bearer token-1234");

    let github = resolved("github", &[("client-id", "Iv1.abc")], &[]);
    let call = asking(&github, Some(&client), &rng).revocation(Token::Access(&token)).unwrap();
    assert_eq!(call.target.to_string(), "https://api.github.com/applications/Iv1.abc/token");
    assert_eq!((call.method.as_str(), json_of(&call)), ("DELETE", json!({ "access_token": "token-1234" })));
    assert!(header(&call, "authorization").unwrap().starts_with("Basic "));
}

#[test]
fn a_client_without_its_secret_is_told_so() {
    let rng = Counter::default();
    let generic = resolved("oauth2", &URLS, &[]);
    let error = asking(&generic, None, &rng).refresh(&secret("refresh-1")).err().unwrap();
    assert!(error.contains("no client secret"), "{error}");
    let public = [&URLS[..], &[("client-auth", "none")]].concat();
    let generic = resolved("oauth2", &public, &[]);
    let sent = form(&asking(&generic, None, &rng).refresh(&secret("refresh-1")).unwrap());
    assert_eq!(sent["client_id"], "client:1");
}
