//! Making use of what the provider sent the browser back with.

use std::time::Duration;

use portcullis_model::{
    audit::{Entry, Kind, plain},
    connection::{ConnectionKey, Origin},
    consent::{Consent, Stage},
    id::Digest,
    secret::Secret,
    time::Timestamp,
};

use super::{ANSWER_MS, ConsentError, Desk, Session, session::is_random_text, state_digest};
use crate::{
    issue::{Credential, Issued, Issuer as _, Revoked},
    place::Place,
    providers::{Resolved, definition::Proof},
};

/// The longest authorization code, in bytes.
const MAX_CODE: usize = 4 * 1024;

/// What stood in the redirect (RFC 6749, 4.1.2; RFC 9207, 2). Each parameter at most once.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// The state.
    pub state: Option<Secret>,
    /// The code.
    pub code: Option<Secret>,
    /// Who answers.
    pub iss: Option<String>,
    /// An error's code.
    pub error: Option<String>,
    /// An error's words.
    pub description: Option<String>,
}

impl Desk {
    /// Finds the consent that an answer is for: by its state, and only for the browser that was sent to the provider. `session`
    /// gives that browser's cookie for a consent. Changes nothing.
    pub async fn answered_for(
        &self,
        answered: &Answered,
        session: impl Fn(&Consent) -> Option<Session>,
    ) -> Result<(Consent, Session), ConsentError> {
        let state =
            text_of(answered.state.as_ref()).filter(|state| is_random_text(state)).ok_or(ConsentError::NoLink)?;
        let consent = self.store.consent_of_state(&state_digest(state)).await?.ok_or(ConsentError::NoLink)?;
        let session = session(&consent).ok_or(ConsentError::OtherBrowser)?;
        match &consent.stage {
            Stage::Asked { session: bound, .. } if *bound == session.digest() => Ok((consent, session)),
            Stage::Asked { .. } => Err(ConsentError::OtherBrowser),
            _ => Err(ConsentError::Used),
        }
    }

    /// Makes use of an answer: once. Gives the consent as it ended, whatever became of it.
    pub async fn finish(
        &self,
        answered: Answered,
        session: impl Fn(&Consent) -> Option<Session>,
    ) -> Result<Consent, ConsentError> {
        let (consent, session) = self.answered_for(&answered, session).await?;
        let Stage::Asked { session: bound, since, .. } = consent.stage else { return Err(ConsentError::Used) };
        match self.fit(&consent.key).await {
            Err(ConsentError::Unfit(why)) => return self.end(&consent, false, why).await,
            fit => fit?,
        }
        let now = self.clock.now();
        if now >= since.plus(Duration::from_millis(ANSWER_MS)) {
            return self.end(&consent, false, "the provider's answer came too late".to_owned()).await;
        }
        // From here on no second answer is taken, whatever becomes of this one.
        let stage = Stage::Answered { session: bound, since: now };
        let step = self.entry(Kind::ConsentBegun, &consent).with("step", "the provider answered");
        let consent = self.advance(&consent, stage, step).await?;
        match self.exchanged(&consent, &session, answered).await {
            Ok((issued, client)) => self.taken(&consent, bound, issued, client).await,
            Err(Failed { denied, why }) => self.end(&consent, denied, why).await,
        }
    }

    /// What the provider issues for the answer, and the client's secret that it was asked with.
    async fn exchanged(
        &self,
        consent: &Consent,
        session: &Session,
        answered: Answered,
    ) -> Result<(Issued, Option<Secret>), Failed> {
        let resolved = self.upstream.providers().resolve(&consent.origin).map_err(Failed::because)?;
        check_issuer(&resolved, answered.iss.as_deref()).map_err(Failed::because)?;
        if let Some(code) = &answered.error {
            return Err(Failed { denied: code == "access_denied", why: said(code, answered.description.as_deref()) });
        }
        let code = answered.code.filter(|code| (1..=MAX_CODE).contains(&code.expose().len()));
        let code = code.ok_or_else(|| Failed::because("the answer has no code in it, or one that is too long"))?;
        let state = text_of(answered.state.as_ref()).unwrap_or_default();
        let held = self.keeps.held(&consent.id, &consent.key.tenant).await.map_err(Failed::because)?;
        let client = match (resolved.proof, held) {
            (Proof::None, _) => None,
            (_, Some(client)) => Some(client),
            (_, None) => self.known_client(&consent.key, &consent.origin).await.map_err(Failed::because)?,
        };
        let pkce = resolved.definition.authorize.as_ref().is_some_and(|authorize| authorize.pkce);
        let verifier = pkce.then(|| session.verifier(&consent.id, state));
        let issued = self
            .upstream
            .exchange(&consent.origin, client.as_ref(), &code, &consent.redirect, verifier.as_ref())
            .await
            .map_err(Failed::because)?;
        Ok((issued, client))
    }

    /// The client's secret that the connection has already: where nothing but scopes is to change. With another endpoint it would
    /// go to where nobody has ever sent it.
    pub(super) async fn known_client(
        &self,
        key: &ConnectionKey,
        origin: &Origin,
    ) -> Result<Option<Secret>, ConsentError> {
        let known = self.keeps.credential(key).await?;
        let same = known.filter(|(known, _)| known.provider == origin.provider && known.settings == origin.settings);
        Ok(same.and_then(|(_, known)| known.client))
    }

    /// Stores what was issued, once that is claimed; or, where either fails, revokes it.
    async fn taken(
        &self,
        consent: &Consent,
        session: Digest,
        issued: Issued,
        client: Option<Secret>,
    ) -> Result<Consent, ConsentError> {
        let since = self.clock.now();
        let expires = issued.lifetime.map(|lifetime| since.plus(lifetime));
        let missing = missing(&consent.origin.scopes, issued.scopes.as_deref());
        let credential = Credential { access: Some(issued.access), refresh: issued.refresh, client };
        let step = self.entry(Kind::ConsentBegun, consent).with("step", "what was issued is to be stored");
        let claim = Stage::Keeping { session, since, missing: missing.clone() };
        let claimed = match self.advance(consent, claim, step).await {
            Ok(claimed) => claimed,
            Err(error) => return self.lost(consent, &credential, error).await,
        };
        let entry = Entry { time: since, ..self.entry(Kind::ConnectionAdded, &claimed) }.with("not-granted", missing);
        if let Err(why) = self.keep(&claimed, credential.clone(), expires, entry).await {
            let after = self.taken_back(&claimed, &credential).await;
            let why = format!("the credential was issued and could not be stored ({why}); {after}");
            return self.end(&claimed, false, why).await;
        }
        match self.given(&claimed).await {
            Err(error @ ConsentError::Used) => self.lost(&claimed, &credential, error).await,
            // Where the storage failed it stays claimed, and the sweep finds that it is stored.
            given => given,
        }
    }

    /// Somebody else ended the consent while its credential was issued: that is revoked, and the consent's end tells so.
    async fn lost(
        &self,
        consent: &Consent,
        credential: &Credential,
        error: ConsentError,
    ) -> Result<Consent, ConsentError> {
        let present = self.store.consent(&consent.id).await;
        if let Ok(Some(given)) = &present
            && matches!(given.stage, Stage::Given { .. })
        {
            return Ok(given.clone());
        }
        let after = self.taken_back(consent, credential).await;
        tracing::warn!(consent = %consent.id, %after, "a credential was issued for a consent that is over");
        let Some(present) = present? else { return Err(error) };
        let Stage::Ended { denied, why, .. } = &present.stage else { return Err(error) };
        let why = format!("{why}; a credential had just been issued: {after}");
        let entry = self.entry(Kind::ConsentEnded, &present).with("denied", *denied).with("why", why.as_str());
        let stage = Stage::Ended { session: consent.session(), denied: *denied, why };
        self.advance(&present, stage, entry).await
    }

    /// Revokes what was issued, and says what came of it.
    async fn taken_back(&self, consent: &Consent, credential: &Credential) -> &'static str {
        match self.upstream.revoke(&consent.origin, credential).await {
            Ok(Revoked::Confirmed) => "it was revoked",
            Ok(Revoked::NotOffered) => "the provider offers no way to revoke it: end it there",
            Err(_) => "and could not be revoked: do so at the provider",
        }
    }

    /// Says of a consent that its credential is stored.
    pub(super) async fn given(&self, consent: &Consent) -> Result<Consent, ConsentError> {
        let Stage::Keeping { session, missing, .. } = consent.stage.clone() else { return Err(ConsentError::Used) };
        let entry = self.entry(Kind::ConsentGiven, consent);
        let given = self.advance(consent, Stage::Given { session, missing }, entry).await?;
        if let Err(error) = self.keeps.release(&consent.id, &consent.key.tenant).await {
            tracing::warn!(%error, "a client secret that is no longer needed could not be forgotten");
        }
        Ok(given)
    }

    async fn keep(
        &self,
        consent: &Consent,
        credential: Credential,
        expires: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, String> {
        let place = Place::parse(&consent.place.to_string())?;
        if let Some(access) = &credential.access {
            place.check_secret(access)?;
        }
        let entry = entry
            .with("provider", consent.origin.provider.as_str())
            .with("hosts", place.hosts.clone())
            .with("scopes", consent.origin.scopes.clone());
        let kept = self.keeps.put(&consent.key, &place, &consent.origin, credential, expires, entry).await;
        kept.map_err(|error| error.to_string())
    }
}

struct Failed {
    denied: bool,
    why: String,
}

impl Failed {
    fn because(why: impl ToString) -> Self {
        Self { denied: false, why: why.to_string() }
    }
}

fn text_of(secret: Option<&Secret>) -> Option<&str> {
    std::str::from_utf8(secret?.expose()).ok()
}

/// An error as its provider put it, cut and without control characters.
fn said(code: &str, description: Option<&str>) -> String {
    let cut = |text: &str, most: usize| plain(&text.chars().take(most).collect::<String>());
    match description {
        None => format!("the provider said no: {}", cut(code, 64)),
        Some(words) => format!("the provider said no: {}: {}", cut(code, 64), cut(words, 200)),
    }
}

/// Whether the answer is from whom it was asked of (RFC 9207, 2.4): against an answer of one provider that is passed off as
/// another's. A provider whose name is not known must at least lie where it was asked.
fn check_issuer(resolved: &Resolved, iss: Option<&str>) -> Result<(), String> {
    let always = resolved.definition.authorize.as_ref().is_some_and(|authorize| authorize.issuer_always);
    let other = "the answer is from another provider than was asked";
    match (iss, &resolved.issuer) {
        (None, _) if always => Err("the answer does not say which provider it is from".to_owned()),
        (None, _) => Ok(()),
        (Some(iss), Some(known)) => {
            if iss == known {
                Ok(())
            } else {
                Err(other.to_owned())
            }
        }
        (Some(iss), None) => {
            let origin = resolved.authorize.as_ref().map(portcullis_model::target::Target::origin).unwrap_or_default();
            let rest = iss.strip_prefix(origin.as_str()).filter(|_| !origin.is_empty());
            match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                true => Ok(()),
                false => Err(format!("{other}; if it calls itself by another name, set its issuer")),
            }
        }
    }
}

/// What was asked for and not granted, where the provider says what it granted.
fn missing(asked: &[String], granted: Option<&[String]>) -> Vec<String> {
    let Some(granted) = granted else { return Vec::new() };
    asked.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
}
