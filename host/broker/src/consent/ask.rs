//! Making a link.

use std::time::Duration;

use portcullis_model::{
    audit::{Actor, Kind},
    connection::{ConnectionKey, Origin},
    consent::{Consent, Stage},
    id::ConsentId,
    secret::Secret,
};
use zeroize::Zeroizing;

use super::{ConsentError, Desk, LINK_MS, link_digest, random_text};
use crate::{
    leaks::MIN_PATTERN,
    place::Place,
    providers::{Way, definition::Proof},
    upstream::check_key,
    vault::MAX_SECRET,
};

/// What a person is to be asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The connection: a new one, or one whose credential is to be replaced.
    pub key: ConnectionKey,
    /// From where.
    pub origin: Origin,
    /// Where the credential goes.
    pub place: Place,
    /// Who asks.
    pub asked_by: Actor,
    /// How browsers reach this host: scheme, host and port, without anything after it.
    pub base: String,
}

/// A link that was made.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The consent.
    pub consent: Consent,
    /// The whole link. Who has it can consent, once.
    pub link: Zeroizing<String>,
}

impl Desk {
    /// Makes a link for this. The client's secret is new, or (`None`) the one that the connection has already, or none where the
    /// client has none. Only for an installation that runs. Links for the same connection that were not used yet end.
    pub async fn ask(&self, wanted: Wanted, client: Option<Secret>) -> Result<Asked, ConsentError> {
        self.check(&wanted).await?;
        self.check_client(&wanted, client.as_ref()).await?;
        self.sweep().await?;
        self.supersede(&wanted.key).await?;
        self.make(wanted, client).await
    }

    /// Whether a link could be made for this, whatever secret the client has. Asks no provider and writes nothing.
    pub async fn check(&self, wanted: &Wanted) -> Result<(), ConsentError> {
        self.fit(&wanted.key).await?;
        let resolved = self.upstream.providers().resolve(&wanted.origin)?;
        if resolved.definition.way != Way::AuthorizationCode {
            return Err(ConsentError::Unfit("this provider asks no person; use 'connection add'".to_owned()));
        }
        resolved.place(&wanted.place.hosts, Some(&wanted.place.header), Some(&wanted.place.prefix))?;
        Ok(())
    }

    /// Whether this is the secret that a link for this needs: a new one, or (`None`) the one that the connection has already, or none.
    pub async fn check_client(&self, wanted: &Wanted, client: Option<&Secret>) -> Result<(), ConsentError> {
        let unfit = |problem: &str| Err(ConsentError::Unfit(problem.to_owned()));
        match (self.upstream.providers().resolve(&wanted.origin)?.proof, client) {
            (Proof::None, Some(_)) => unfit("this client has no secret; none is needed"),
            (Proof::None, None) => Ok(()),
            (Proof::PrivateKeyJwt, Some(key)) => check_key(key).map_err(ConsentError::Unfit),
            (Proof::Post | Proof::Basic, Some(secret)) => check_secret(secret),
            (_, None) if self.known_client(&wanted.key, &wanted.origin).await?.is_some() => Ok(()),
            (_, None) => unfit("the client's secret is needed: the connection has none with just these settings"),
        }
    }

    async fn make(&self, wanted: Wanted, client: Option<Secret>) -> Result<Asked, ConsentError> {
        let (now, text) = (self.clock.now(), random_text(&*self.rng));
        let link = Zeroizing::new(format!("{}/connect/{}", wanted.base, text.as_str()));
        let consent = Consent {
            id: ConsentId::random(&*self.rng),
            key: wanted.key,
            origin: wanted.origin,
            place: serde_json::json!(wanted.place),
            asked_by: wanted.asked_by,
            link: link_digest(&text),
            redirect: format!("{}/connect/callback", wanted.base),
            created: now,
            expires: now.plus(Duration::from_millis(LINK_MS)),
            stage: Stage::Waiting,
            revision: 1,
        };
        let entry = self
            .entry(Kind::ConsentAsked, &consent)
            .with("provider", consent.origin.provider.as_str())
            .with("scopes", consent.origin.scopes.clone())
            .with("hosts", wanted.place.hosts);
        if !self.store.put_consent(consent.clone(), None, entry).await? {
            return Err(ConsentError::Used);
        }
        // After the consent, whose end is what makes it forgotten, and before anybody has the link.
        if let Some(client) = client {
            let entry = self.entry(Kind::ConsentAsked, &consent).with("holds", "the client's secret");
            if let Err(error) = self.keeps.hold(&consent.id, &consent.key.tenant, &client, entry).await {
                self.end(&consent, false, "the client's secret could not be stored".to_owned()).await?;
                return Err(error.into());
            }
        }
        Ok(Asked { consent, link })
    }

    async fn supersede(&self, key: &ConnectionKey) -> Result<(), ConsentError> {
        for consent in self.store.open_consents().await?.into_iter().filter(|consent| consent.key == *key) {
            // What it stores comes first, and what the new link leads to in its place.
            if matches!(consent.stage, Stage::Keeping { .. }) {
                continue;
            }
            match self.end(&consent, false, "it was asked for anew".to_owned()).await {
                // The other one is just coming to its end; it stays what it is.
                Ok(_) | Err(ConsentError::Used) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A client's secret is text for a form or a header.
fn check_secret(secret: &Secret) -> Result<(), ConsentError> {
    let bytes = secret.expose();
    let fit = (MIN_PATTERN..=MAX_SECRET).contains(&bytes.len()) && bytes.iter().all(|b| (0x21..0x7f).contains(b));
    match fit {
        true => Ok(()),
        false => Err(ConsentError::Unfit(format!(
            "the client's secret must be {MIN_PATTERN} to {MAX_SECRET} printable ASCII characters (is there a line end?)"
        ))),
    }
}
