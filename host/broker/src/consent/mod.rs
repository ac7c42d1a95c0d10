//! Answers for a person's consent to a connection, from the link to the stored credential (INT-1, INT-3, INT-4).
//!
//! [`Desk::ask`] makes a link; [`Desk::open`] says what it asks for; [`Desk::begin`] sends the browser to the provider;
//! [`Desk::finish`] makes use of the provider's answer. [`session`] is what the browser holds meanwhile, [`keeps`] what is
//! needed of the vault.
//!
//! Invariants:
//! - a link leads to the provider once, within an hour, and the answer is taken once, within ten minutes, from the browser that
//!   was sent there and from no other;
//! - what is asked for is fixed when the link is made: nothing that a browser sends changes it;
//! - the answer must come from the provider that was asked (RFC 9207), at the very redirect URI that was named;
//! - a credential is stored only by whoever has claimed that for its consent, which nothing supersedes from then on; it is stored
//!   for an installation that runs, and under a time that tells afterwards whether it was;
//! - a client's secret is held for a consent that is open, and forgotten when that ends, also where the process dies in between;
//! - a credential that cannot be stored is revoked at once; the one that was there before stays in use until the new one is stored;
//! - no error, page or log entry holds a code, a state, a token or a secret.

pub mod keeps;
pub mod session;

mod answer;
mod ask;
mod error;
mod vault;

use std::sync::Arc;

pub use answer::Answered;
pub use ask::{Asked, Wanted};
pub use error::ConsentError;
pub use keeps::{KeepError, Keeps};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::ConnectionKey,
    consent::{Consent, ConsentStore, Stage},
    id::ConsentId,
    installation::{InstallationState, InstallationStore},
    time::{Clock, Rng, Timestamp},
};
pub use session::Session;
use session::{challenge, is_random_text, link_digest, random_text, state_digest};

use crate::{
    providers::{Resolved, template::encoded},
    upstream::Upstream,
};

/// How long a link can be used, in milliseconds.
pub const LINK_MS: u64 = 60 * 60 * 1_000;

/// How long the provider's answer is waited for, in milliseconds.
pub const ANSWER_MS: u64 = 10 * 60 * 1_000;

/// How long storing a credential takes at most, in milliseconds. Shorter than a generation is kept after its end, so that it can
/// still be told whether it was stored.
pub const KEEP_MS: u64 = 5 * 60 * 1_000;

/// Who sees consents through.
pub struct Desk {
    store: Arc<dyn ConsentStore>,
    installations: Arc<dyn InstallationStore>,
    keeps: Arc<dyn Keeps>,
    upstream: Arc<Upstream>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Desk {
    /// A desk over these.
    pub fn new(
        store: Arc<dyn ConsentStore>,
        installations: Arc<dyn InstallationStore>,
        keeps: Arc<dyn Keeps>,
        upstream: Arc<Upstream>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { store, installations, keeps, upstream, clock, rng }
    }

    /// A session for a browser that has none.
    pub fn session(&self) -> Session {
        Session::new(&*self.rng)
    }

    /// What a link asks for, while it can be used. Changes nothing: a link that is merely looked at, by a mail program say, stays
    /// good.
    pub async fn open(&self, link: &str) -> Result<(Consent, Resolved), ConsentError> {
        if !is_random_text(link) {
            return Err(ConsentError::NoLink);
        }
        let consent = self.store.consent_of_link(&link_digest(link)).await?.ok_or(ConsentError::NoLink)?;
        match consent.stage {
            Stage::Waiting if self.clock.now() < consent.expires => {}
            Stage::Waiting => return Err(ConsentError::Late),
            _ => return Err(ConsentError::Used),
        }
        self.fit(&consent.key).await?;
        let resolved = self.upstream.providers().resolve(&consent.origin)?;
        Ok((consent, resolved))
    }

    /// Says why nothing is connected for an installation, where nothing may be: it must run.
    async fn fit(&self, key: &ConnectionKey) -> Result<(), ConsentError> {
        let all = self.installations.installations().await?;
        let found = all.iter().find(|one| one.id == key.installation && one.tenant == key.tenant);
        let why = match found.map(|one| &one.state) {
            Some(InstallationState::Active) => return Ok(()),
            Some(InstallationState::Suspended { .. }) => "is suspended; resume it first",
            Some(InstallationState::Uninstalled { .. } | InstallationState::Erased { .. }) => "was uninstalled",
            None => "is not there",
        };
        Err(ConsentError::Unfit(format!("nothing can be connected: the installation {} {why}", key.installation)))
    }

    /// Uses the link up, binds the consent to the browser's session, and gives the URL at the provider.
    pub async fn begin(&self, link: &str, session: &Session, token: &str) -> Result<String, ConsentError> {
        let (consent, resolved) = self.open(link).await?;
        if !session.allows(&consent.id, token) {
            return Err(ConsentError::Forged);
        }
        let state = random_text(&*self.rng);
        let url = authorization(&consent, &resolved, session, &state)?;
        let stage = Stage::Asked { session: session.digest(), state: state_digest(&state), since: self.clock.now() };
        let entry = self.entry(Kind::ConsentBegun, &consent).with("provider", consent.origin.provider.as_str());
        self.advance(&consent, stage, entry).await?;
        Ok(url)
    }

    /// What became of a consent, for the browser that took part in it.
    pub async fn outcome(&self, id: &ConsentId, session: &Session) -> Result<Consent, ConsentError> {
        let consent = self.store.consent(id).await?.ok_or(ConsentError::NoLink)?;
        match consent.session() {
            Some(bound) if bound == session.digest() => Ok(consent),
            _ => Err(ConsentError::OtherBrowser),
        }
    }

    /// Brings to its end what nobody is at any more, and forgets the secrets that were held for it. Gives how many.
    pub async fn sweep(&self) -> Result<usize, ConsentError> {
        let now = self.clock.now();
        let past = |since: Timestamp, ms| now >= since.plus(std::time::Duration::from_millis(ms));
        let late = |since| past(since, ANSWER_MS);
        let mut ended = 0;
        for consent in self.store.open_consents().await? {
            let why = match &consent.stage {
                Stage::Waiting if now >= consent.expires => Some("the link was not used in time"),
                Stage::Asked { since, .. } if late(*since) => Some("the provider's answer did not come in time"),
                // Nobody is at it any more: an exchange ends long before.
                Stage::Answered { since, .. } if late(*since) => {
                    Some("the host stopped while the answer was made use of")
                }
                Stage::Keeping { since, .. } if past(*since, KEEP_MS) => {
                    match self.keeps.stored_at(&consent.key, *since).await? {
                        true => None,
                        false => Some("the host stopped before the credential was stored; end it at the provider"),
                    }
                }
                _ => continue,
            };
            let settled = match why {
                None => self.given(&consent).await,
                Some(why) => self.end(&consent, false, why.to_owned()).await,
            };
            match settled {
                Ok(_) => ended += 1,
                // Somebody else was faster, and it is theirs.
                Err(ConsentError::Used) => {}
                Err(error) => return Err(error),
            }
        }
        self.forget_left().await?;
        Ok(ended)
    }

    /// Forgets what a process that died between a consent's end and this has left.
    async fn forget_left(&self) -> Result<(), ConsentError> {
        for (id, tenant) in self.keeps.all_held().await? {
            // A consent is written before anything is held for it.
            if !self.store.consent(&id).await?.is_some_and(|consent| consent.is_open()) {
                self.keeps.release(&id, &tenant).await?;
            }
        }
        Ok(())
    }

    /// Ends a consent without a credential.
    async fn end(&self, consent: &Consent, denied: bool, why: String) -> Result<Consent, ConsentError> {
        let entry = self.entry(Kind::ConsentEnded, consent).with("denied", denied).with("why", why.as_str());
        let stage = Stage::Ended { session: consent.session(), denied, why };
        let ended = self.advance(consent, stage, entry).await?;
        self.keeps.release(&consent.id, &consent.key.tenant).await?;
        Ok(ended)
    }

    /// Takes a consent one step on, unless somebody else was faster.
    async fn advance(&self, consent: &Consent, stage: Stage, entry: Entry) -> Result<Consent, ConsentError> {
        let next = Consent { stage, revision: consent.revision + 1, ..consent.clone() };
        match self.store.put_consent(next.clone(), Some(consent.revision), entry).await? {
            true => Ok(next),
            false => Err(ConsentError::Used),
        }
    }

    fn entry(&self, kind: Kind, consent: &Consent) -> Entry {
        let actor: Actor = consent.asked_by.clone();
        Entry::new(self.clock.now(), kind, actor, Some(consent.key.tenant.clone()))
            .about(format!("installation:{}", consent.key.installation))
            .with("name", consent.key.name.as_str())
            .with("consent", consent.id.as_str())
    }
}

/// The URL of the authorization request (RFC 6749, 4.1.1).
fn authorization(
    consent: &Consent,
    resolved: &Resolved,
    session: &Session,
    state: &str,
) -> Result<String, ConsentError> {
    let (Some(endpoint), Some(authorize)) = (&resolved.authorize, &resolved.definition.authorize) else {
        return Err(ConsentError::Unfit("this provider asks no person".to_owned()));
    };
    let mut params: Vec<(&str, String)> = vec![
        ("response_type", "code".to_owned()),
        ("client_id", resolved.client_id.clone()),
        ("redirect_uri", consent.redirect.clone()),
        ("state", state.to_owned()),
    ];
    if let Some(scope) = resolved.scope() {
        params.push((&resolved.definition.scopes.parameter, scope));
    }
    if authorize.pkce {
        params.push(("code_challenge", challenge(&session.verifier(&consent.id, state))));
        params.push(("code_challenge_method", "S256".to_owned()));
    }
    for (name, value) in &resolved.authorize_extra {
        params.push((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    let query: Vec<String> =
        params.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    Ok(format!("{endpoint}?{}", query.join("&")))
}

#[cfg(test)]
mod tests;
