//! Answers for signing people in through their organisation's OpenID provider (OpenID Connect Core 1.0, ACC-2): where to send the
//! browser, and whom what comes back proves.
//!
//! | file | answers for |
//! |---|---|
//! | `metadata` | discovery (OpenID Connect Discovery 1.0), and what of it is believed |
//! | `keys` | the provider's keys (RFC 7517) |
//! | `flights` | that one question serves all who wait for its answer |
//! | `claims` | what an ID token must say, and what it says of the person |
//! | `logout` | what a logout token must say, and what it says is over |
//!
//! Own code over the host's OAuth parts: a ready-made relying party brings an HTTP client of its own, and of the rest the host has
//! signatures, keys and requests already.
//!
//! Invariants: the issuer is compared byte by byte, in discovery, in the answer (RFC 9207) and in the ID token; a signature counts with
//! a key that the provider publishes and an algorithm of that key, never `none` and never a shared secret; the client's secret goes to
//! the token endpoint of its own provider; an e-mail address is never looked at; however many ask at once, a provider is asked once.

mod claims;
mod flights;
mod keys;
mod logout;
mod metadata;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use portcullis_model::{
    audit::plain,
    id::{Digest, TenantId},
    secret::{Secret, Slot},
    target::Target,
    time::{Clock, Timestamp},
};
use serde_json::Value;
use zeroize::Zeroizing;

pub use claims::Identity;
use flights::Flights;
use keys::Keys;
pub use logout::{LoggedOut, OLDEST};
use metadata::Metadata;

use crate::{
    authz::jws::Jws,
    egress::{Config, EgressError},
    providers::template::encoded,
    resolve::Resolve,
    upstream::call::{Call, Caller, Reply, Unanswered},
};

/// Under which names a provider's client secrets lie in its tenant's part of the vault. No connection and no source is called so.
const SECRET: &str = "sign-in/provider";
/// For how long what a provider publishes is believed without asking again.
const FRESH: Duration = Duration::from_secs(3_600);
/// For how long a provider that failed is not asked again: strangers can begin a sign-in, and bring logout tokens.
const FAILED: Duration = Duration::from_secs(5);
/// How soon after its keys were read they are read again for a key that was not among them.
const AGAIN: Duration = Duration::from_secs(10);
/// The most providers that are remembered.
const MOST: usize = 1_000;
/// The longest text of a provider that is repeated, in characters.
const SAID: usize = 200;

/// Where the secret lies that a tenant's provider knows the host by. It is this issuer's and this client's: another one's is elsewhere, so
/// that no change of the provider, at whatever moment, sends it to somebody whom it is not for.
pub fn secret_of(tenant: &TenantId, issuer: &str, client_id: &str) -> Slot {
    let whose = Digest::of(format!("portcullis provider\n{issuer}\n{client_id}").as_bytes());
    Slot { tenant: tenant.clone(), installation: None, name: format!("{SECRET}/{}", whose.hex()) }
}

/// Why nobody was proved. Holds no secret, no code and no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// There was no answer.
    #[error("the provider cannot be reached: {0}")]
    Unreached(String),
    /// What it publishes is not what it must.
    #[error("the provider is not set up as it has to be: {0}")]
    Unfit(String),
    /// It says no.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// What came back proves nobody.
    #[error("what the provider's answer holds proves nobody: {0}")]
    Unproved(String),
}

/// The host as the client of one provider.
#[derive(Clone, Debug)]
pub struct Party {
    /// The provider's issuer, exactly.
    pub issuer: String,
    /// The host's client id there.
    pub client_id: String,
    /// Its secret there; `None`: a public client, which PKCE alone protects.
    pub secret: Option<Secret>,
}

/// What the browser is sent to the provider with.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Where the answer goes, exactly as registered.
    pub redirect: &'a str,
    /// Comes back with the answer.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// Of the verifier (RFC 7636, S256).
    pub challenge: &'a str,
    /// How long ago the person may have signed in there, in seconds; `None`: however long.
    pub max_age: Option<u32>,
    /// Which classes of sign-in are asked for.
    pub acr: &'a [String],
}

/// What came back, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// `iss` (RFC 9207).
    pub iss: Option<&'a str>,
    /// The code.
    pub code: &'a Secret,
    /// As it was asked with.
    pub redirect: &'a str,
    /// Of the challenge.
    pub verifier: &'a Secret,
    /// As it was asked with.
    pub nonce: &'a str,
    /// As it was asked with.
    pub max_age: Option<u32>,
}

/// What is remembered of a provider.
#[derive(Clone)]
struct Known {
    read: Timestamp,
    outcome: Result<Arc<Metadata>, OidcError>,
    keys: Option<(Timestamp, Arc<Keys>)>,
    /// When its keys could not be read last, and why.
    keyless: Option<(Timestamp, OidcError)>,
}

/// The host as a client of people's providers.
pub struct Oidc {
    caller: Caller,
    clock: Arc<dyn Clock>,
    known: Mutex<BTreeMap<String, Known>>,
    flights: Flights,
}

impl Oidc {
    /// One that reaches providers as egress reaches hosts.
    ///
    /// # Errors
    /// The operator's settings are unfit.
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>, clock: Arc<dyn Clock>) -> Result<Self, EgressError> {
        let caller = Caller::new(config, resolver)?;
        Ok(Self { caller, clock, known: Mutex::default(), flights: Flights::default() })
    }

    /// Whether a provider can be used: it answers, and publishes what is needed. It is asked anew, though not over and over.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self, party: &Party) -> Result<(), OidcError> {
        let metadata = self.metadata_within(&party.issuer, AGAIN).await?;
        metadata.proof(party.secret.is_some())?;
        self.keys(&party.issuer, &metadata, None).await.map(drop)
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// The provider does not answer, or is unfit.
    pub async fn authorization(&self, party: &Party, ask: &Ask<'_>) -> Result<String, OidcError> {
        let metadata = self.metadata(&party.issuer).await?;
        let max_age = ask.max_age.map(|seconds| seconds.to_string());
        let acr = (!ask.acr.is_empty()).then(|| ask.acr.join(" "));
        let params = [
            ("response_type", Some("code")),
            ("client_id", Some(party.client_id.as_str())),
            ("redirect_uri", Some(ask.redirect)),
            // Neither `email` nor `profile`: what is not asked for cannot be mistaken for who somebody is.
            ("scope", Some("openid")),
            ("state", Some(ask.state)),
            ("nonce", Some(ask.nonce)),
            ("code_challenge", Some(ask.challenge)),
            ("code_challenge_method", Some("S256")),
            ("max_age", max_age.as_deref()),
            ("acr_values", acr.as_deref()),
        ];
        let mut url = metadata.authorize.to_string();
        for (name, value) in params.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url += &format!("{name}={}", encoded(value));
        }
        Ok(url)
    }

    /// Whether an answer is by the provider that was asked (RFC 9207, 2.4): also one that says no.
    ///
    /// # Errors
    /// It is another provider's, or does not say whose it is although this one always says so.
    pub async fn sender(&self, party: &Party, iss: Option<&str>) -> Result<(), OidcError> {
        match iss {
            Some(iss) if iss == party.issuer => Ok(()),
            Some(_) => Err(OidcError::Unproved("it is from another provider than was asked".into())),
            None if self.metadata(&party.issuer).await?.names_itself => {
                Err(OidcError::Unproved("it does not say which provider it is from ('iss', RFC 9207)".into()))
            }
            None => Ok(()),
        }
    }

    /// Whom an answer proves.
    ///
    /// # Errors
    /// Nobody; or the provider does not answer.
    pub async fn identify(&self, party: &Party, answer: &Answer<'_>) -> Result<Identity, OidcError> {
        self.sender(party, answer.iss).await?;
        let metadata = self.metadata(&party.issuer).await?;
        let token = self.redeem(party, &metadata, answer).await?;
        let unproved = |problem: String| OidcError::Unproved(format!("its ID token: {problem}"));
        let jws = Jws::parse(&token).map_err(unproved)?;
        let kid = jws.header.get("kid").and_then(Value::as_str);
        if !self.keys(&party.issuer, &metadata, kid).await?.signed(&jws, kid) {
            return Err(unproved("none of the provider's keys signed it".into()));
        }
        claims::check(&jws, party, answer, self.clock.now()).map_err(unproved)
    }

    /// What a provider says is over, by a logout token that somebody has brought.
    ///
    /// # Errors
    /// It says nothing that counts; or the provider's keys cannot be read.
    pub async fn logged_out(&self, party: &Party, token: &str) -> Result<LoggedOut, OidcError> {
        let unproved = |problem: String| OidcError::Unproved(format!("its logout token: {problem}"));
        let jws = Jws::parse(token).map_err(unproved)?;
        // Strangers bring them: what is wrong without a look at the keys asks the provider nothing.
        let out = logout::check(&jws, party, self.clock.now()).map_err(unproved)?;
        let metadata = self.metadata(&party.issuer).await?;
        let kid = jws.header.get("kid").and_then(Value::as_str);
        match self.keys(&party.issuer, &metadata, kid).await?.signed(&jws, kid) {
            true => Ok(out),
            false => Err(unproved("none of the provider's keys signed it".into())),
        }
    }

    /// What a provider publishes of itself.
    async fn metadata(&self, issuer: &str) -> Result<Arc<Metadata>, OidcError> {
        self.metadata_within(issuer, FRESH).await
    }

    /// The same, as it was at most so long ago.
    async fn metadata_within(&self, issuer: &str, fresh: Duration) -> Result<Arc<Metadata>, OidcError> {
        if let Some(outcome) = self.known_metadata(issuer, fresh) {
            return outcome;
        }
        let _flight = self.flights.begin(issuer).await;
        // Somebody else may have asked meanwhile.
        if let Some(outcome) = self.known_metadata(issuer, fresh) {
            return outcome;
        }
        let now = self.clock.now();
        let outcome = self.discover(issuer).await.map(Arc::new);
        // A provider that is slow to fail is not asked again because of how long that took.
        let read = if outcome.is_ok() { now } else { self.clock.now() };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(issuer) {
            all.pop_first();
        }
        let before = all.get(issuer).cloned();
        let (keys, keyless) = before.map_or((None, None), |known| (known.keys, known.keyless));
        all.insert(issuer.to_owned(), Known { read, outcome: outcome.clone(), keys, keyless });
        outcome
    }

    fn known_metadata(&self, issuer: &str, fresh: Duration) -> Option<Result<Arc<Metadata>, OidcError>> {
        let known = self.remembered(issuer)?;
        let last = if known.outcome.is_ok() { fresh } else { FAILED };
        (self.clock.now().distance(known.read) < last).then_some(known.outcome)
    }

    async fn discover(&self, issuer: &str) -> Result<Metadata, OidcError> {
        let reply = self.get(metadata::place(issuer)?).await?;
        Metadata::read(issuer, &reply.body)
    }

    /// A provider's keys: read again where one is missing, since it may be new; and not over and over, since it may be made up.
    async fn keys(&self, issuer: &str, metadata: &Metadata, kid: Option<&str>) -> Result<Arc<Keys>, OidcError> {
        if let Some(outcome) = self.known_keys(issuer, kid) {
            return outcome;
        }
        let _flight = self.flights.begin(issuer).await;
        if let Some(outcome) = self.known_keys(issuer, kid) {
            return outcome;
        }
        let now = self.clock.now();
        let outcome = self.read_keys(metadata).await;
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(issuer) {
            match &outcome {
                Ok(keys) => (known.keys, known.keyless) = (Some((now, keys.clone())), None),
                Err(why) => known.keyless = Some((self.clock.now(), why.clone())),
            }
        }
        outcome
    }

    fn known_keys(&self, issuer: &str, kid: Option<&str>) -> Option<Result<Arc<Keys>, OidcError>> {
        let (now, Known { keys, keyless, .. }) = (self.clock.now(), self.remembered(issuer)?);
        if let Some((read, keys)) = keys {
            let age = now.distance(read);
            let is_there = kid.is_none_or(|kid| keys.has(kid));
            if age < AGAIN || (age < FRESH && is_there) {
                return Some(Ok(keys));
            }
        }
        keyless.filter(|(failed, _)| now.distance(*failed) < FAILED).map(|(_, why)| Err(why))
    }

    async fn read_keys(&self, metadata: &Metadata) -> Result<Arc<Keys>, OidcError> {
        let reply = self.get(metadata.keys.clone()).await?;
        Keys::read(&reply.body).map(Arc::new)
    }

    fn remembered(&self, issuer: &str) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    async fn get(&self, target: Target) -> Result<Reply, OidcError> {
        let what = target.path().to_owned();
        let headers = vec![(ACCEPT, HeaderValue::from_static("application/json"))];
        let reply = self.send(Call { method: Method::GET, target, headers, body: None }).await?;
        match reply.status {
            200 => Ok(reply),
            status => Err(OidcError::Unfit(format!("{what} is answered with {status}"))),
        }
    }

    async fn send(&self, call: Call) -> Result<Reply, OidcError> {
        self.caller.send_secret(call).await.map_err(|error| match error {
            Unanswered::NotSent(problem) | Unanswered::Sent(problem) => OidcError::Unreached(problem),
        })
    }

    /// The ID token for a code (RFC 6749, 4.1.3; OpenID Connect Core, 3.1.3).
    async fn redeem(
        &self,
        party: &Party,
        metadata: &Metadata,
        answer: &Answer<'_>,
    ) -> Result<Zeroizing<String>, OidcError> {
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).map(Zeroizing::new);
        let unfit = |_| OidcError::Unfit("a secret of the host's there is no text".into());
        let (code, verifier) = (text(answer.code).map_err(unfit)?, text(answer.verifier).map_err(unfit)?);
        let secret = party.secret.as_ref().map(text).transpose().map_err(unfit)?;
        let mut params = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", answer.redirect),
            ("code_verifier", verifier.as_str()),
        ];
        let mut headers = vec![(ACCEPT, HeaderValue::from_static("application/json"))];
        match (metadata.proof(secret.is_some())?, &secret) {
            (metadata::Proof::Basic, Some(secret)) => {
                let pair = Zeroizing::new(format!("{}:{}", encoded(&party.client_id), encoded(secret)));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                let value = HeaderValue::from_str(&value).map(|mut value| {
                    value.set_sensitive(true);
                    value
                });
                headers.push((AUTHORIZATION, value.map_err(|_| OidcError::Unfit("the client's secret".into()))?));
            }
            (_, secret) => {
                params.push(("client_id", party.client_id.as_str()));
                params.extend(secret.as_ref().map(|secret| ("client_secret", secret.as_str())));
            }
        }
        let pairs = params.into_iter().map(|(name, value)| Zeroizing::new(format!("{name}={}", encoded(value))));
        let mut form = Zeroizing::new(Vec::with_capacity(8 * 1024));
        for pair in pairs {
            if !form.is_empty() {
                form.push(b'&');
            }
            form.extend_from_slice(pair.as_bytes());
        }
        let body = Some(("application/x-www-form-urlencoded", form));
        let call = Call { method: Method::POST, target: metadata.token.clone(), headers, body };
        let reply = self.send(call).await?;
        id_token(&reply)
    }
}

/// What of a token endpoint's answer counts here. The rest, an access token among it, is never kept.
#[derive(serde::Deserialize)]
struct Issued {
    id_token: Option<String>,
    error: Option<String>,
}

fn id_token(reply: &Reply) -> Result<Zeroizing<String>, OidcError> {
    let read: Result<Issued, _> = serde_json::from_slice(&reply.body);
    let Ok(Issued { id_token, error }) = read else {
        return Err(OidcError::Unfit(format!(
            "its token endpoint answers {} without the JSON of RFC 6749",
            reply.status
        )));
    };
    match (id_token.map(Zeroizing::new), error) {
        (Some(token), None) if reply.status == 200 => Ok(token),
        (_, Some(error)) => Err(OidcError::Refused(said(&error))),
        _ => Err(OidcError::Unfit(format!("its token endpoint answers {} without an ID token", reply.status))),
    }
}

/// What a provider said, fit to be shown.
pub fn said(text: &str) -> String {
    plain(text).chars().take(SAID).collect()
}
