//! A stand-in for the authorization server of the services at the other end: RFC 6749 as far as the demo goes. Its access tokens last
//! seconds, its refresh tokens work once, and it is strict: an unknown client, a used code, an old refresh token or a verifier that does
//! not fit is an error.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::time::{Clock as _, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use super::issued::Issued;
use crate::system::SystemClock;

/// How long an access token lasts.
pub const LIFE: Duration = Duration::from_secs(4);

/// For how much longer it is taken: clocks differ, and a request is under way for a while.
const LENIENCE: Duration = Duration::from_secs(2);

/// The client that asks in its own name.
pub const SERVICE: &str = "portcullis-service";
/// The client that a person gives consent to.
pub const WEB: &str = "portcullis-web";

/// The authorization server.
pub struct Provider {
    secrets: HashMap<&'static str, String>,
    issuer: String,
    issued: Issued,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    access: HashMap<String, (&'static str, Timestamp)>,
    refresh: HashMap<String, bool>,
    codes: HashMap<String, Code>,
    errors: u64,
}

struct Code {
    redirect: String,
    challenge: String,
}

type Form = HashMap<String, String>;

impl Provider {
    /// One at that host.
    pub fn new(host: &str, issued: Issued) -> Self {
        let secret = |client| (client, issued.make("secrets of clients", "cs_"));
        let secrets = HashMap::from([secret(SERVICE), secret(WEB)]);
        Self { secrets, issuer: format!("https://{host}"), issued, state: Mutex::default() }
    }

    /// How it calls itself.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A client's secret.
    pub fn secret(&self, client: &str) -> Result<&str> {
        self.secrets.get(client).map(String::as_str).context("the provider does not know the client")
    }

    /// Whose access token this is, while it lasts.
    pub fn knows(&self, token: &str) -> Option<&'static str> {
        let now = SystemClock.now();
        self.state().access.get(token).filter(|(_, until)| now < *until).map(|(client, _)| *client)
    }

    /// How many requests for tokens it refused.
    pub fn errors(&self) -> u64 {
        self.state().errors
    }

    /// The page where a person says yes: takes where the browser was sent, and gives where it goes from here.
    pub fn consent(&self, url: &str) -> Result<String> {
        let url = Url::parse(url)?;
        ensure!(
            url.path() == "/oauth/authorize" && url.as_str().starts_with(&self.issuer),
            "sent elsewhere: {}",
            url.path()
        );
        let asked: Form = url.query_pairs().into_owned().collect();
        let text = |name: &str| asked.get(name).cloned().with_context(|| format!("the browser came without {name}"));
        ensure!(text("response_type")? == "code" && text("client_id")? == WEB, "not what this client may ask for");
        ensure!(text("code_challenge_method")? == "S256", "a challenge that is none");
        let code = Code { redirect: text("redirect_uri")?, challenge: text("code_challenge")? };
        let name = self.issued.make("authorization codes", "code_");
        let state = self.issued.note("states of consents", text("state")?);
        let answer = [("code", name.as_str()), ("state", &state), ("iss", &self.issuer)];
        let back = Url::parse_with_params(&code.redirect, answer)?;
        self.state().codes.insert(name, code);
        Ok(back.into())
    }

    /// The token endpoint: status and answer.
    pub fn token(&self, body: &[u8]) -> (u16, Value) {
        let form: Form = form_urlencoded::parse(body).into_owned().collect();
        match self.grant(&form) {
            Ok(answer) => (200, answer),
            Err(error) => {
                self.state().errors += 1;
                (400, json!({ "error": error }))
            }
        }
    }

    fn grant(&self, form: &Form) -> Result<Value, &'static str> {
        let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let known = self
            .secrets
            .iter()
            .find(|(client, secret)| **client == text("client_id") && *secret == text("client_secret"));
        let (client, _) = known.ok_or("invalid_client")?;
        match (text("grant_type"), *client) {
            ("client_credentials", SERVICE) => Ok(self.issue(client, false)),
            ("authorization_code", WEB) => {
                let code = self.state().codes.remove(text("code")).ok_or("invalid_grant")?;
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
                let fits = code.redirect == text("redirect_uri") && code.challenge == challenge;
                self.issued.note("PKCE verifiers", text("code_verifier"));
                if fits { Ok(self.issue(client, true)) } else { Err("invalid_grant") }
            }
            ("refresh_token", WEB) => {
                let good = self.state().refresh.insert(text("refresh_token").to_owned(), false);
                if good == Some(true) { Ok(self.issue(client, true)) } else { Err("invalid_grant") }
            }
            _ => Err("unauthorized_client"),
        }
    }

    fn issue(&self, client: &'static str, with_refresh: bool) -> Value {
        let access = self.issued.make("access tokens of the provider", "at_");
        let until = SystemClock.now().plus(LIFE).plus(LENIENCE);
        self.state().access.insert(access.clone(), (client, until));
        let mut answer = json!({ "access_token": access, "token_type": "Bearer", "expires_in": LIFE.as_secs() });
        if with_refresh {
            let refresh = self.issued.make("refresh tokens of the provider", "rt_");
            answer["refresh_token"] = refresh.as_str().into();
            self.state().refresh.insert(refresh, true);
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(provider: &Provider, client: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("client_id", client).append_pair("client_secret", provider.secret(client).unwrap_or("guess"));
        provider.token(body.extend_pairs(form).finish().as_bytes())
    }

    #[test]
    fn is_strict() {
        let issued = Issued::default();
        let provider = Provider::new("id.example.test", issued.clone());
        let grant = ("grant_type", "client_credentials");
        assert_eq!(asked(&provider, "nobody", &[grant]).1, json!({ "error": "invalid_client" }));
        assert_eq!(asked(&provider, WEB, &[grant]).1, json!({ "error": "unauthorized_client" }));
        let (status, answer) = asked(&provider, SERVICE, &[grant]);
        assert_eq!((status, provider.knows(answer["access_token"].as_str().unwrap())), (200, Some(SERVICE)));
        assert_eq!((provider.knows("at_other"), answer.get("refresh_token")), (None, None));

        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest("verifier"));
        let url = format!(
            "https://id.example.test/oauth/authorize?response_type=code&client_id={WEB}&redirect_uri=http://127.0.0.1:9/back\
             &state=abc&code_challenge={challenge}&code_challenge_method=S256"
        );
        assert!(provider.consent(&url.replace("S256", "plain")).is_err());
        assert!(provider.consent(&url.replace("id.example", "other.example")).is_err());
        let code = |url: &str| {
            let back = Url::parse(&provider.consent(url).unwrap()).unwrap();
            back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
        };
        let redeem = |code: &str, verifier: &str| {
            let redirect = ("redirect_uri", "http://127.0.0.1:9/back");
            let form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", verifier), redirect];
            asked(&provider, WEB, &form)
        };
        assert_eq!(redeem(&code(&url), "another").0, 400);
        let once = code(&url);
        let (status, answer) = redeem(&once, "verifier");
        assert_eq!((status, redeem(&once, "verifier").0), (200, 400));
        let refresh = answer["refresh_token"].as_str().unwrap();
        let renew = || asked(&provider, WEB, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).0;
        assert_eq!((renew(), renew(), provider.errors()), (200, 400, 5));
        assert_eq!(issued.counts()["refresh tokens of the provider"], 2);
    }
}
