//! The authorization endpoint (RFC 6749, 4.1.1): a request is put down with a short code, an admin decides about it on the host, and
//! the browser that asked is sent back.
//!
//! Invariants: nobody is sent anywhere but to a redirection URI that is registered, character for character; the browser that asked
//! is known by a secret of its own, so that a page's address is of no use to others; every answer names the issuer (RFC 9207).

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{ClientId, Digest, GrantId},
    installation::{Installation, InstallationState},
    oauth::{Change, Client, CodeState, Decision, Grant, GrantKey, Origin, Pending, Put},
    scope::ScopeText,
    secret::Secret,
    time::{Rng, Timestamp},
};
use url::Url;

use super::{
    AuthorizationServer, CODE_LIFE, PENDING_LIFE, Params,
    error::{Code, OAuthError},
    format::Sort,
    scopes::{self, Asked},
};
use crate::hmac::same;

/// The most requests of one client that wait at a time: the oldest gives way to the next one.
const WAITING: usize = 20;

/// A request that waits for an admin from now on.
#[derive(Debug)]
pub struct Begun {
    /// Its id: a part of the page's address.
    pub id: GrantId,
    /// What this browser, and no other, is known by.
    pub browser: Secret,
}

/// Why no request was put down.
#[derive(Debug)]
pub enum Refused {
    /// The client or its redirection URI is wrong: the person is told, and sent nowhere.
    Page(OAuthError),
    /// The client is told, by this address.
    Back(String),
}

/// What the page shows while an admin decides.
#[derive(Clone, Debug)]
pub struct View {
    /// The code that the admin types in.
    pub code: String,
    /// Who asks.
    pub client: String,
    /// What for.
    pub scopes: Vec<ScopeText>,
    /// Where the browser goes afterwards: the host alone.
    pub back_to: String,
    /// Until when.
    pub expires: Timestamp,
}

/// What became of a request.
#[derive(Debug)]
pub enum Watched {
    /// Nobody has decided yet.
    Waiting(View),
    /// The browser goes there.
    Back(String),
    /// There is no such request for this browser, or it is over.
    Gone,
}

struct Wanted {
    challenge: String,
    audience: String,
    scopes: Vec<ScopeText>,
    jkt: Option<String>,
}

/// Eight letters without vowels, so that no word comes out of it.
fn short_code(rng: &dyn Rng) -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut code = String::new();
    let mut bytes = [0u8; 32];
    while code.len() < 9 {
        rng.fill(&mut bytes);
        for byte in bytes.into_iter().filter(|byte| *byte < 240) {
            match code.len() {
                4 => code.push('-'),
                9 => break,
                _ => {}
            }
            code.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
        }
    }
    code.truncate(9);
    code
}

fn waiting(pending: Pending, client: &Client) -> View {
    let back_to = Url::parse(&pending.redirect).ok();
    let back_to = back_to.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    View { code: pending.code, client: client.name.clone(), scopes: pending.scopes, back_to, expires: pending.expires }
}

impl AuthorizationServer {
    /// Takes a request to the authorization endpoint.
    pub async fn authorize(&self, params: &Params) -> Result<Begun, Refused> {
        let (client, installation, redirect) = self.asker(params).await.map_err(Refused::Page)?;
        let state = params.get("state").map(str::to_owned);
        match self.put_down(params, &client, &installation, &redirect).await {
            Ok(begun) => Ok(begun),
            Err(error) => Err(Refused::Back(self.back(&redirect, state.as_deref(), &Err(error)))),
        }
    }

    /// Who asks, and where an answer may go: until both are known, nobody is sent anywhere.
    async fn asker(&self, params: &Params) -> Result<(Client, Installation, String), OAuthError> {
        let now = self.now();
        self.everybody.take(&(), now).map_err(OAuthError::too_many)?;
        let unknown = || OAuthError::client("there is no such client").counted_for("unknown-client");
        let id: ClientId = params.need("client_id")?.parse().map_err(|_| unknown())?;
        let (client, installation) = self.store().client(&id).await?.ok_or_else(unknown)?;
        if client.revoked.is_some() {
            return Err(unknown());
        }
        let redirect = params.need("redirect_uri")?;
        if !client.redirects.iter().any(|known| known == redirect) {
            let why = OAuthError::request("this redirect_uri is not registered for the client");
            return Err(why.counted_for("unknown-redirect"));
        }
        let active = |one: &Installation| one.tenant == client.tenant && one.state == InstallationState::Active;
        let installation = installation.filter(active).ok_or_else(unknown)?;
        Ok((client, installation, redirect.to_owned()))
    }

    async fn wanted(&self, params: &Params, client: &Client, of: &Installation) -> Result<Wanted, OAuthError> {
        if params.get("request").is_some() || params.get("request_uri").is_some() {
            return Err(OAuthError::request("request objects are not supported: send plain parameters"));
        }
        if params.need("response_type")? != "code" {
            return Err(OAuthError::new(Code::UnsupportedResponseType, "response_type must be 'code'"));
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(OAuthError::request("response_mode must be 'query' or absent"));
        }
        if params.get("state").is_some_and(|state| state.len() > 1024) {
            return Err(OAuthError::request("state must have at most 1024 bytes"));
        }
        if params.get("code_challenge_method") != Some("S256") {
            return Err(OAuthError::request(
                "code_challenge_method must be S256: PKCE is required, and 'plain' is none",
            ));
        }
        let thumb =
            |text: &str| text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let challenge = params.need("code_challenge")?;
        let jkt = params.get("dpop_jkt").map(str::to_owned);
        if !thumb(challenge) || !jkt.as_deref().is_none_or(thumb) {
            return Err(OAuthError::request("code_challenge and dpop_jkt must be 43 characters of base64url"));
        }
        let catalogue = self.parts.catalogue.as_ref();
        let asked = Asked::read(params, catalogue)?.ok_or_else(scopes::unasked)?;
        let audience = self.audience(params)?;
        let authority = self.authority(client, of).await?;
        let scopes = scopes::not_empty(asked.of(&authority, catalogue)?)?;
        Ok(Wanted { challenge: challenge.to_owned(), audience, scopes, jkt })
    }

    async fn put_down(
        &self,
        params: &Params,
        client: &Client,
        installation: &Installation,
        redirect: &str,
    ) -> Result<Begun, OAuthError> {
        let now = self.now();
        self.asking.take(&client.id, now).map_err(OAuthError::too_many)?;
        let Wanted { challenge, audience, scopes, jkt } = self.wanted(params, client, installation).await?;
        let waits = |one: &Pending| one.client == client.id && one.decision == Decision::Waiting;
        let all: Vec<Pending> = self.store().pending(now).await?.into_iter().filter(waits).collect();
        if all.len() >= WAITING
            && let Some(oldest) = all.into_iter().min_by_key(|one| one.created)
        {
            self.give_way(oldest, now).await?;
        }
        let browser = Sort::Code.random(self.parts.rng.as_ref());
        let pending = Pending {
            id: GrantId::random(self.parts.rng.as_ref()),
            browser: Digest::of(browser.expose()),
            code: short_code(self.parts.rng.as_ref()),
            client: client.id.clone(),
            tenant: client.tenant.clone(),
            redirect: redirect.to_owned(),
            state: params.get("state").map(str::to_owned),
            challenge,
            audience,
            scopes,
            jkt,
            created: now,
            expires: now.plus(PENDING_LIFE),
            decision: Decision::Waiting,
            version: 1,
        };
        let entry = entry(client, Kind::AuthorizationAsked, now)
            .with("request", pending.id.as_str())
            .with("scope", scopes::words(&pending.scopes));
        let id = pending.id.clone();
        let put = Put { row: pending, expected: None };
        match self.store().change(Change { pending: Some(put), entries: vec![entry], ..Change::default() }).await? {
            true => Ok(Begun { id, browser }),
            false => Err(OAuthError::unavailable()),
        }
    }

    /// Ends a request that nobody has decided about, for a newer one: whoever knows a client's id can ask in its name, and must
    /// not keep it from asking by that. Nothing is done where somebody has just decided.
    async fn give_way(&self, oldest: Pending, now: Timestamp) -> Result<(), OAuthError> {
        let entry = Entry::new(now, Kind::AuthorizationDecided, Actor::Host, Some(oldest.tenant.clone()))
            .with("decision", "dropped")
            .with("request", oldest.id.as_str())
            .with("client", oldest.client.as_str())
            .with("reason", "too many requests of this client wait for an admin");
        let expected = Some(oldest.version);
        let row = Pending { decision: Decision::Answered, version: oldest.version + 1, ..oldest };
        let put = Put { row, expected };
        self.store().change(Change { pending: Some(put), entries: vec![entry], ..Change::default() }).await?;
        Ok(())
    }

    /// What became of a request, for the browser that asked.
    pub async fn watch(&self, id: &str, browser: &[u8]) -> Result<Watched, OAuthError> {
        let now = self.now();
        let Ok(id) = id.parse::<GrantId>() else { return Ok(Watched::Gone) };
        let Some(pending) = self.store().pending_by(&id).await? else { return Ok(Watched::Gone) };
        let own = same(Digest::of(browser).hex().as_bytes(), pending.browser.hex().as_bytes());
        if !own || pending.expires <= now {
            return Ok(Watched::Gone);
        }
        let Some((client, installation)) = self.store().client(&pending.client).await? else {
            return Ok(Watched::Gone);
        };
        let active = installation.is_some_and(|one| one.state == InstallationState::Active);
        if client.has_ended(pending.created) || !active {
            return Ok(Watched::Gone);
        }
        match pending.decision.clone() {
            Decision::Waiting => Ok(Watched::Waiting(waiting(pending, &client))),
            Decision::Answered => Ok(Watched::Gone),
            Decision::Approved { scopes } => self.answer(pending, &client, Some(scopes), now).await,
            Decision::Denied => self.answer(pending, &client, None, now).await,
        }
    }

    /// Sends the browser back, with a code where the admin agreed.
    async fn answer(
        &self,
        pending: Pending,
        client: &Client,
        scopes: Option<Vec<ScopeText>>,
        now: Timestamp,
    ) -> Result<Watched, OAuthError> {
        let expected = Some(pending.version);
        let row = Pending { decision: Decision::Answered, version: pending.version + 1, ..pending.clone() };
        let mut change = Change { pending: Some(Put { row, expected }), ..Change::default() };
        let result = match scopes {
            None => Err(OAuthError::new(Code::AccessDenied, "an admin refused")),
            Some(scopes) => {
                let code = Sort::Code.random(self.parts.rng.as_ref());
                let grant = self.coded_grant(&pending, client, scopes, now);
                change.entries = vec![entry(client, Kind::CodeIssued, now).with("grant", grant.id.as_str())];
                change.key =
                    Some(GrantKey { digest: Digest::of(code.expose()), grant: grant.id.clone(), generation: 0 });
                change.grant = Some(Put { row: grant, expected: None });
                Ok(code)
            }
        };
        match self.store().change(change).await? {
            true => Ok(Watched::Back(self.back(&pending.redirect, pending.state.as_deref(), &result))),
            // The same browser was faster, in another window: one of them has the code.
            false => Ok(Watched::Gone),
        }
    }

    fn coded_grant(&self, pending: &Pending, client: &Client, scopes: Vec<ScopeText>, now: Timestamp) -> Grant {
        let expires = now.plus(CODE_LIFE);
        let (challenge, redirect) = (pending.challenge.clone(), pending.redirect.clone());
        Grant {
            id: GrantId::random(self.parts.rng.as_ref()),
            client: client.id.clone(),
            tenant: client.tenant.clone(),
            installation: client.installation.clone(),
            audience: pending.audience.clone(),
            scopes,
            jkt: pending.jkt.clone(),
            origin: Origin::Authorization,
            created: now,
            expires,
            revoked: None,
            code: Some(CodeState { challenge, redirect, expires, used: false }),
            refreshing: None,
            version: 1,
        }
    }

    /// The address that takes an answer back (RFC 6749, 4.1.2; RFC 9207).
    fn back(&self, redirect: &str, state: Option<&str>, answer: &Result<Secret, OAuthError>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        match answer {
            Ok(code) => query.append_pair("code", &String::from_utf8_lossy(code.expose())),
            Err(error) => {
                query.append_pair("error", error.code.name()).append_pair("error_description", &error.description)
            }
        };
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", &self.settings().issuer);
        let joint = if redirect.contains('?') { '&' } else { '?' };
        format!("{redirect}{joint}{}", query.finish())
    }
}

fn entry(client: &Client, kind: Kind, now: Timestamp) -> Entry {
    let actor = Actor::Client { client: client.id.clone(), installation: client.installation.clone() };
    Entry::new(now, kind, actor, Some(client.tenant.clone()))
        .about(format!("installation:{}", client.installation))
        .with("client", client.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[test]
    fn a_short_code_can_be_read_out() {
        let code = short_code(&Counter::default());
        assert_eq!((code.len(), code.find('-')), (9, Some(4)), "{code}");
        assert!(code.bytes().all(|b| b == b'-' || b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)), "{code}");
    }
}
