//! A back end of a plugin, outside of the sandbox: an OAuth client of the host that proves itself by signed assertions, gets access
//! tokens both ways (in its own name, and after an admin has agreed), and calls the platform API.

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_broker::{
    authz::{
        clients::{self, OVERLAP, Registration},
        consent, jwk,
    },
    loopback::Loopback,
};
use portcullis_capabilities::Catalogue;
use portcullis_model::{
    audit::Kind,
    installation::Installation,
    oauth::{Authentication, OAuthStore as _},
};
use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use super::{
    browser::{Browser, location},
    issued::{Issued, random_text},
};
use crate::host::Host;

/// Where an authorization leads back to. Nobody listens there: the browser stops before.
const BACK: &str = "http://127.0.0.1:9/back";

/// What it did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Done {
    /// Access tokens that it got.
    pub tokens: u64,
    /// Requests to the platform API that were answered as they should be.
    pub answered: u64,
    /// Requests in all.
    pub requests: u64,
}

/// The back end.
pub struct BackEnd<'a> {
    host: &'a Host,
    to: &'a Loopback,
    issued: &'a Issued,
    issuer: String,
    client: String,
    key: KeyPair,
    done: Done,
}

impl<'a> BackEnd<'a> {
    /// Makes a key and has it registered for an installation. The key does not leave this process.
    pub async fn register(
        host: &'a Host,
        of: &Installation,
        (to, issuer): (&'a Loopback, String),
        issued: &'a Issued,
    ) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let public = jwk::read_pem(&key.public_key_pem()).map_err(|why| anyhow::anyhow!(why))?;
        let registration = Registration {
            authentication: Authentication::PrivateKeyJwt,
            keys: vec![public],
            redirects: vec![BACK.to_owned()],
            overlap_seconds: OVERLAP,
        };
        let entry = host.entry(Kind::ClientRegistered, Some(of.tenant.clone()));
        let (rng, now) = (host.rng.as_ref(), host.clock.now());
        let client = clients::register(host.store.as_ref(), of, registration, (rng, now), entry).await?;
        Ok(Self { host, to, issued, issuer, client: client.id.to_string(), key, done: Done::default() })
    }

    /// Goes both ways, and reads the comments of a ticket with each token.
    pub async fn work(mut self, ticket: &str) -> Result<Done> {
        let scope = ("scope", "tickets:read");
        let own = self.token(&[("grant_type", "client_credentials"), scope]).await?;
        self.read(&own, ticket, 200).await?;
        let (code, verifier) = self.authorization().await?;
        let code = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", &verifier),
            ("redirect_uri", BACK),
        ];
        let first = self.token(&code).await?;
        self.read(&first, ticket, 200).await?;
        let refresh = first["refresh_token"].as_str().context("no refresh token")?;
        let next = self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await?;
        self.read(&next, ticket, 200).await?;
        // One that was never issued, made like one that was.
        self.read(&json!({ "access_token": format!("pct_{}", random_text()) }), ticket, 401).await?;
        Ok(self.done)
    }

    /// An admin agrees to what the back end asks for in the browser. Gives the code and the verifier that goes with it.
    async fn authorization(&mut self) -> Result<(String, String)> {
        let verifier = self.issued.make("PKCE verifiers", "");
        // The host gives it back as it came, and keeps it until then: no secret of the host's.
        let state = random_text();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let query = [
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", BACK),
            ("scope", "tickets:read"),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mut browser = Browser::new(self.to, self.issued);
        let start = format!(
            "/oauth/authorize?{}",
            form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
        );
        let wait = location(&browser.get(&start).await?)?.to_owned();
        let store = self.host.store.as_ref();
        let pending = store.pending(self.host.clock.now()).await?.pop().context("nothing waits for the admin")?;
        let entry = self.host.entry(Kind::AuthorizationDecided, Some(pending.tenant.clone()));
        consent::approve(store, &Catalogue, pending, None, entry).await?;
        let back = Url::parse(location(&browser.get(&wait).await?)?)?;
        let found =
            |name: &str| back.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        ensure!(found("state") == Some(state) && found("iss").as_ref() == Some(&self.issuer), "another's answer");
        Ok((self.issued.note("authorization codes", found("code").context("no code")?), verifier))
    }

    /// Asks the token endpoint, with a new assertion.
    async fn token(&mut self, grant: &[(&str, &str)]) -> Result<Value> {
        let assertion = self.assertion()?;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(grant).append_pair("client_assertion_type", kind).append_pair("client_assertion", &assertion);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, answer) = self.to.post("/oauth/token", &headers, body.finish().into_bytes()).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(status == 200, "no token: {status} {answer}");
        for (member, what) in
            [("access_token", "access tokens of the host"), ("refresh_token", "refresh tokens of the host")]
        {
            if let Some(token) = answer[member].as_str() {
                self.issued.note(what, token);
            }
        }
        self.done.tokens += 1;
        Ok(answer)
    }

    /// A signed assertion (RFC 7523). What makes it one is its signature: that alone is noted too.
    fn assertion(&self) -> Result<String> {
        let now = self.host.clock.now().0.div_euclid(1_000);
        let claims = json!({
            "iss": self.client, "sub": self.client, "aud": self.issuer, "jti": random_text(), "iat": now, "exp": now + 60,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "EdDSA", "typ": "JWT" })), part(&claims));
        let signature =
            self.issued.note("signatures of assertions", URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes())?));
        Ok(self.issued.note("assertions", format!("{signed}.{signature}")))
    }

    async fn read(&mut self, token: &Value, ticket: &str, expected: u16) -> Result<()> {
        let bearer = format!("Bearer {}", token["access_token"].as_str().context("no access token")?);
        let path = format!("/api/v2/tickets/{ticket}/comments.json");
        let (status, _) = self.to.get(&path, &[("authorization", &bearer)]).await?;
        self.done.requests += 1;
        self.done.answered += u64::from(status == expected);
        Ok(())
    }
}
