//! Consents: a person is asked, in a browser, to let a provider issue a connection's credential.
//!
//! Invariants: a consent goes forward only, by compare-and-swap on its revision; of a link, a browser session and a state
//! parameter only the digest is kept, so that whoever reads the storage can use none of them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::{Actor, Entry},
    connection::{ConnectionKey, Origin},
    error::StoreError,
    id::{ConsentId, Digest, TenantId},
    secret::Slot,
    time::Timestamp,
};

/// How far a consent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Stage {
    /// The link was made and not used.
    Waiting,
    /// A browser was sent to the provider.
    Asked {
        /// Of the browser's session.
        session: Digest,
        /// Of the `state` parameter.
        state: Digest,
        /// Since when.
        since: Timestamp,
    },
    /// The provider sent the browser back, and its answer is being made use of. Happens once.
    Answered {
        /// Of the browser's session.
        session: Digest,
        /// Since when.
        since: Timestamp,
    },
    /// The credential was issued, and nobody but whoever stores it ends the consent now.
    Keeping {
        /// Of the browser's session.
        session: Digest,
        /// Since when; and the very time that the credential is stored under.
        since: Timestamp,
        /// Scopes that were asked for and not granted, in the provider's words.
        missing: Vec<String>,
    },
    /// The credential is stored.
    Given {
        /// Of the browser's session.
        session: Digest,
        /// Scopes that were asked for and not granted, in the provider's words.
        missing: Vec<String>,
    },
    /// There is none and there will be none.
    Ended {
        /// Of the browser's session, where there was one.
        session: Option<Digest>,
        /// Whether the person, or the provider for the person, said no.
        denied: bool,
        /// Why, without secrets.
        why: String,
    },
}

/// One time that a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Which.
    pub id: ConsentId,
    /// For which connection.
    pub key: ConnectionKey,
    /// From where, and what is asked for.
    pub origin: Origin,
    /// Where the credential goes, as JSON.
    pub place: serde_json::Value,
    /// Who made the link, and answers for what is done by it.
    pub asked_by: Actor,
    /// Of the link's last part.
    pub link: Digest,
    /// The exact redirect URI.
    pub redirect: String,
    /// When the link was made.
    pub created: Timestamp,
    /// Until when it can be used.
    pub expires: Timestamp,
    /// How far it is.
    #[serde(flatten)]
    pub stage: Stage,
    /// Goes up with each change.
    pub revision: u64,
}

impl Consent {
    /// Whether it can still come to something.
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Given { .. } | Stage::Ended { .. })
    }

    /// The browser session that it is bound to, once it is.
    pub fn session(&self) -> Option<Digest> {
        match &self.stage {
            Stage::Waiting => None,
            Stage::Asked { session, .. }
            | Stage::Answered { session, .. }
            | Stage::Keeping { session, .. }
            | Stage::Given { session, .. } => Some(*session),
            Stage::Ended { session, .. } => *session,
        }
    }
}

/// Where the client's secret waits for the end of a consent.
pub fn held_in(consent: &ConsentId, tenant: &TenantId) -> Slot {
    Slot { tenant: tenant.clone(), installation: None, name: format!("{HELD}{consent}") }
}

/// What the names of those slots begin with.
const HELD: &str = "consent/";

/// For which consent something waits in this slot; `None` where it is no such slot.
pub fn held_for(slot: &Slot) -> Option<ConsentId> {
    let name = slot.name.strip_prefix(HELD).filter(|_| slot.installation.is_none())?;
    name.parse().ok()
}

/// Where consents are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// Adds one (`expected` is `None`) or replaces the one with its id, where that one's revision is `expected`. False where
    /// somebody else was faster.
    async fn put_consent(&self, consent: Consent, expected: Option<u64>, entry: Entry) -> Result<bool, StoreError>;

    /// The one of this id.
    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, StoreError>;

    /// The one with this link.
    async fn consent_of_link(&self, link: &Digest) -> Result<Option<Consent>, StoreError>;

    /// The one that was asked with this state.
    async fn consent_of_state(&self, state: &Digest) -> Result<Option<Consent>, StoreError>;

    /// Those that can still come to something, of all tenants.
    async fn open_consents(&self) -> Result<Vec<Consent>, StoreError>;
}
