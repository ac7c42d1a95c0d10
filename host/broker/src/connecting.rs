//! Connections that no person consents to (INT-3): a client's secret or key, with which the host gets tokens by itself, and a token that
//! somebody answers for until a day.
//!
//! Invariants: a client's secret is stored together with the first token that its provider issues for it, so that whoever stores it knows
//! what does not work; that a provider was asked is in the log, whatever it answers; a token that never changes is stored at an accepted risk alone, and is used no longer than that is accepted; no
//! error holds a secret.

use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder},
    connection::{ConnectionKey, Origin},
    risk::AcceptedRisk,
    secret::Secret,
    time::Clock,
};

use crate::{
    connection::{STATIC, fixed},
    consent::{KeepError, Keeps},
    issue::{Credential, IssueError, Issuer},
    leaks::MIN_PATTERN,
    place::Place,
    providers::{ProviderError, Providers, Resolved, Way, definition::Proof},
    upstream::check_key,
    vault::MAX_SECRET,
};

/// What is to be stored, less its secret.
#[derive(Clone, Debug)]
pub struct New {
    /// The connection: a new one, or one whose credential is replaced.
    pub key: ConnectionKey,
    /// From where; for a token that somebody stores by hand with who answers for it.
    pub origin: Origin,
    /// Where the credential goes; the provider's own hosts where none is named.
    pub hosts: Vec<String>,
    /// The header that carries it, where that is not the provider's.
    pub header: Option<String>,
    /// What stands before it in the header, where that is not the provider's.
    pub prefix: Option<String>,
}

/// Why nothing was stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotConnected {
    /// What is to be stored does not fit: what would.
    #[error("{0}")]
    Unfit(String),
    /// The definition or its settings are not right.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The provider issued nothing for it.
    #[error("no token was issued: {0}")]
    NotIssued(#[from] IssueError),
    /// The vault could not store it.
    #[error("vault: {0}")]
    Keep(#[from] KeepError),
    /// The provider issued nothing for it, and that could not be recorded.
    #[error("the log: {0}")]
    Unrecorded(String),
}

/// Stores connections that no person consents to.
#[derive(Clone)]
pub struct Connecting {
    /// What keeps them.
    pub keeps: Arc<dyn Keeps>,
    /// What asks their providers.
    pub issuer: Arc<dyn Issuer>,
    /// The providers that there are.
    pub providers: Arc<Providers>,
    /// The log, for what was tried and not stored.
    pub recorder: Arc<dyn Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

fn unfit<T>(problem: impl Into<String>) -> Result<T, NotConnected> {
    Err(NotConnected::Unfit(problem.into()))
}

impl Connecting {
    /// Where the credential would go. Asks no provider and writes nothing.
    ///
    /// # Errors
    /// Provider, settings, hosts or risk do not fit.
    pub fn check(&self, new: &New) -> Result<Place, NotConnected> {
        let resolved = self.providers.resolve(&new.origin)?;
        let place = resolved.place(&new.hosts, new.header.as_deref(), new.prefix.as_deref())?;
        match (resolved.definition.way, &new.origin.risk) {
            (Way::AuthorizationCode, _) => unfit("a person has to consent: use 'connection authorize'"),
            (Way::Static, None) => unfit(self.without_risk(&place)),
            (Way::Static, Some(risk)) => risk.check(self.clock.now()).map_err(NotConnected::Unfit).map(|()| place),
            (_, Some(_)) => unfit("a risk is accepted for static tokens; this one renews itself"),
            (_, None) => Ok(place),
        }
    }

    /// Whether this can be its secret, as far as that can be told without its provider.
    ///
    /// # Errors
    /// It is too short or too long, or no key where a key is needed, or cannot stand in a header where it is to.
    pub fn check_secret(&self, new: &New, secret: &Secret) -> Result<(), NotConnected> {
        let Resolved { definition, proof, .. } = self.providers.resolve(&new.origin)?;
        if !(MIN_PATTERN..=MAX_SECRET).contains(&secret.expose().len()) {
            return unfit(format!("the secret must be {MIN_PATTERN} to {MAX_SECRET} bytes long"));
        }
        match (definition.way, proof) {
            (Way::Static, _) => self.check(new)?.check_secret(secret).map_err(NotConnected::Unfit),
            (_, Proof::PrivateKeyJwt) => {
                check_key(secret).map_err(|expected| NotConnected::Unfit(format!("the secret: {expected}")))
            }
            _ => Ok(()),
        }
    }

    /// Stores it in somebody's name. Gives its generation.
    ///
    /// # Errors
    /// It does not fit, its provider issues nothing for it, or storage.
    pub async fn store(&self, new: &New, secret: Secret, by: Actor) -> Result<u64, NotConnected> {
        let place = self.check(new)?;
        self.check_secret(new, &secret)?;
        match new.origin.risk.clone() {
            Some(risk) => self.keep(&new.key, &place, secret, risk, by).await,
            None => self.issue(&new.key, &new.origin, &place, secret, by).await,
        }
    }

    /// Stores a client's secret or key, with the first token that the provider issues for it: what does not work is known now, and to whom
    /// it matters.
    ///
    /// # Errors
    /// The provider issues nothing, or storage.
    pub async fn issue(
        &self,
        key: &ConnectionKey,
        origin: &Origin,
        place: &Place,
        client: Secret,
        by: Actor,
    ) -> Result<u64, NotConnected> {
        let mut credential = Credential { client: Some(client), ..Credential::default() };
        let issued = match self.issuer.renew(origin, &credential).await {
            Ok(issued) => issued,
            Err(error) => {
                self.record_refused(key, origin, place, by).await?;
                return Err(error.into());
            }
        };
        let expires = issued.lifetime.map(|lifetime| self.clock.now().plus(lifetime));
        credential.access = Some(issued.access);
        let entry = self.entry(Kind::ConnectionAdded, key, place, by).with("provider", origin.provider.as_str());
        let entry = entry.with("scopes", origin.scopes.clone());
        Ok(self.keeps.put(key, place, origin, credential, expires, entry).await?)
    }

    /// Stores a token that somebody answers for. It is not used after the risk's end.
    ///
    /// # Errors
    /// Storage.
    pub async fn keep(
        &self,
        key: &ConnectionKey,
        place: &Place,
        token: Secret,
        risk: AcceptedRisk,
        by: Actor,
    ) -> Result<u64, NotConnected> {
        let entry = self
            .entry(Kind::ConnectionAdded, key, place, by)
            .with("provider", STATIC)
            .with("reason", risk.reason.as_str())
            .with_personal("accepted-by", &risk.accepted_by)
            .with("until", risk.until.to_string());
        let expires = Some(risk.until);
        let origin = Origin { risk: Some(risk), ..fixed() };
        let credential = Credential { access: Some(token), ..Credential::default() };
        Ok(self.keeps.put(key, place, &origin, credential, expires, entry).await?)
    }

    /// That a provider was asked in somebody's name, and where, though nothing came of it.
    async fn record_refused(
        &self,
        key: &ConnectionKey,
        origin: &Origin,
        place: &Place,
        by: Actor,
    ) -> Result<(), NotConnected> {
        let asked = self.providers.resolve(origin)?.token.map(|token| token.host().to_owned());
        let entry = self
            .entry(Kind::ConnectionRefused, key, place, by)
            .with("provider", origin.provider.as_str())
            .with("asked", asked.unwrap_or_default());
        self.recorder.record(vec![entry]).await.map_err(|error| NotConnected::Unrecorded(error.to_string()))
    }

    fn entry(&self, kind: Kind, key: &ConnectionKey, place: &Place, by: Actor) -> Entry {
        Entry::new(self.clock.now(), kind, by, Some(key.tenant.clone()))
            .about(format!("installation:{}", key.installation))
            .with("name", key.name.as_str())
            .with("hosts", place.hosts.clone())
    }

    /// What there is instead of a token that never changes.
    fn without_risk(&self, place: &Place) -> String {
        let offering = place.hosts.iter().flat_map(|host| self.providers.offering_oauth_for(host));
        let offers: Vec<&str> = offering.map(|one| one.id.as_str()).collect();
        let better = match offers.is_empty() {
            true => "see 'portcullis provider list' for better ways".to_owned(),
            false => format!("there is a better way: --provider {}", offers.join(" or --provider ")),
        };
        format!(
            "a static token never changes and nothing revokes it; {better}. To store it all the same, say why and until when: \
             --accept-risk REASON --until DATE, or 'risk' in a request"
        )
    }
}
