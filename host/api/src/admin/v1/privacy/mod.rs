//! Requests of data subjects, and what there is of a tenant that leaves (DAT-9, DAT-10).
//!
//! Invariants: whom a request is about is in no answer but that of an export, which needs a second factor and is on record; nobody sees a
//! request of a tenant that they have nothing to do with.

mod certificate;
mod close;
mod export;
mod files;
mod get;
mod leaving;
mod list;
mod open;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, plain},
    error::StoreError,
    id::{PrivacyId, TenantId},
    people::Resource,
    privacy::{Identity, PartState, PrivacyKind, PrivacyRequest},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Group, Parcel, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What somebody asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of whose data.
    pub tenant: TenantId,
    /// What for.
    pub kind: PrivacyKind,
    /// About whom.
    pub who: Identity,
    /// For a correction: what is right now.
    pub correction: Option<Value>,
    /// By when all must be answered.
    pub deadline: Timestamp,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It does not fit, or not yet: what to do about it.
    #[error("{0}")]
    Refused(String),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NotDone> for Problem {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::Refused(why) => Problem::new(Reason::Conflict, plain(&why)),
            NotDone::Store(error) => unavailable(&error),
        }
    }
}

/// Carries requests out: what the host does with them, however it is asked.
#[async_trait]
pub trait Desk: Send + Sync {
    /// The requests of a tenant, or of all, oldest first, without what was answered.
    async fn requests(&self, tenant: Option<TenantId>) -> Result<Vec<PrivacyRequest>, StoreError>;

    /// One request, without what was answered.
    async fn request(&self, id: &PrivacyId) -> Result<Option<PrivacyRequest>, StoreError>;

    /// Puts one on record; `dry_run`: only says which parts it would have.
    async fn open(&self, asked: Asked, actor: Actor, dry_run: bool) -> Result<PrivacyRequest, NotDone>;

    /// Closes one, with a word about what is not proven; `dry_run`: only says whether it can be.
    async fn close(
        &self,
        id: &PrivacyId,
        note: Option<&str>,
        actor: Actor,
        dry_run: bool,
    ) -> Result<PrivacyRequest, NotDone>;

    /// Signs the certificate of one that is closed: the envelope, its digest and the key.
    async fn certificate(&self, id: &PrivacyId, actor: Actor) -> Result<Certificate, NotDone>;

    /// What is held about the person of one for access: what plugins answered and what the host keeps, as JSON; that it was handed over is on
    /// record before.
    async fn export(&self, id: &PrivacyId, actor: Actor) -> Result<Value, NotDone>;

    /// The same, and the contents of plugins' files, as one tar; that it was handed over is on record before.
    async fn parcel(&self, id: &PrivacyId, actor: Actor) -> Result<Parcel, NotDone>;

    /// What there is of a tenant, and would go where it is deleted.
    async fn leaving(&self, tenant: &TenantId) -> Result<Value, NotDone>;
}

/// A certificate of what became of a request.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = PrivacyCertificate)]
pub struct Certificate {
    /// The DSSE envelope, as text: its bytes are what the digest is of.
    pub envelope: String,
    /// Its SHA-256, as the log has it.
    pub digest: String,
    /// The key that it is signed with.
    pub key: String,
}

/// What requests are read and changed with.
pub struct Ports {
    desk: Arc<dyn Desk>,
    looked: leaving::Looked,
}

impl Ports {
    /// With whoever carries them out.
    pub fn new(desk: Arc<dyn Desk>) -> Self {
        Self { desk, looked: leaving::Looked::default() }
    }
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<open::Open>()
        .with::<get::Get>()
        .with::<close::Close>()
        .with::<certificate::Certify>()
        .with::<export::Export>()
        .with::<files::Files>()
        .with::<leaving::Leaving>()
}

/// Which request.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `dsr_1f0c`.
    #[param(value_type = String)]
    id: PrivacyId,
}

/// Of whose data.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Of {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
}

/// A request of a data subject: how it stands, and what each installation made of it. Not whom it is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PrivacyRequest)]
pub struct RequestView {
    /// Whether this was a rehearsal: nothing was put on record then.
    dry_run: bool,
    /// How many of its parts wait.
    waiting: usize,
    /// How many of its parts nobody has shown that they were done.
    unproven: usize,
    /// Whether it can be closed: no part waits, or its deadline is over.
    closable: bool,
    /// All that is kept of it, less whom it is about and what was answered.
    #[schema(value_type = Object)]
    request: PrivacyRequest,
}

impl RequestView {
    fn of(mut request: PrivacyRequest, now: Timestamp) -> Self {
        (request.who, request.correction) = (None, None);
        for part in &mut request.parts {
            if let Some(problem) = &mut part.problem {
                *problem = plain(problem);
            }
            match &mut part.state {
                PartState::Done { note: Some(text), .. } => *text = plain(text),
                PartState::Failed { error: text } | PartState::NoHandler { contact: text } => *text = plain(text),
                _ => {}
            }
        }
        let waiting = request.parts.iter().filter(|part| part.state == PartState::Waiting).count();
        let is_asking = request.stage == portcullis_model::privacy::Stage::Asking;
        Self {
            dry_run: false,
            waiting,
            unproven: request.unproven().count(),
            closable: is_asking && (waiting == 0 || now > request.deadline),
            request,
        }
    }

    /// Nothing was done.
    fn tried(self) -> Self {
        Self { dry_run: true, ..self }
    }
}

impl Ports {
    async fn one(&self, which: &Which) -> Result<PrivacyRequest, Problem> {
        let found = self.desk.request(&which.id).await.map_err(|error| unavailable(&error))?;
        found.ok_or_else(|| unknown("There is no request with this id; see GET /admin/v1/privacy/requests."))
    }

    async fn resource_of(&self, which: &Which) -> Result<Resource, Problem> {
        let tenant = self.one(which).await?.tenant;
        Ok(Resource::of(tenant, "privacy").named(which.id.to_string()))
    }
}
