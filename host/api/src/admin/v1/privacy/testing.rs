//! A desk that keeps what it is told and asks nobody: for tests of what is in front of it.

use std::{
    io::Cursor,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    event::{Event, EventForm},
    id::{Digest, PrivacyId, TenantId},
    privacy::{Closing, ORIGIN, PrivacyKind, PrivacyRequest, PrivacyStore, Stage, event_kind},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{Asked, Certificate, Desk, NotDone, Parcel, Ports};

/// Of what is stored. Its requests have no parts. And how often it looked what there is of a tenant.
pub struct Quiet(Arc<dyn PrivacyStore>, AtomicUsize);

/// A desk over this storage.
pub fn ports(store: &Arc<impl PrivacyStore + 'static>) -> Arc<Ports> {
    Arc::new(Ports::new(Arc::new(Quiet::of(store.clone()))))
}

fn refused(why: &str) -> NotDone {
    NotDone::Refused(why.to_owned())
}

impl Quiet {
    pub fn of(store: Arc<dyn PrivacyStore>) -> Self {
        Self(store, AtomicUsize::default())
    }

    async fn one(&self, id: &PrivacyId) -> Result<PrivacyRequest, NotDone> {
        self.0.request(id.clone()).await?.ok_or_else(|| refused("there is no such request"))
    }
}

#[async_trait]
impl Desk for Quiet {
    async fn requests(&self, tenant: Option<TenantId>) -> Result<Vec<PrivacyRequest>, StoreError> {
        self.0.requests(tenant).await
    }

    async fn request(&self, id: &PrivacyId) -> Result<Option<PrivacyRequest>, StoreError> {
        self.0.request(id.clone()).await
    }

    async fn open(&self, asked: Asked, actor: Actor, dry_run: bool) -> Result<PrivacyRequest, NotDone> {
        let count = self.0.requests(None).await?.len();
        let id: PrivacyId = format!("dsr_{count}").parse().map_err(|_| refused("no id"))?;
        let request = PrivacyRequest {
            id: id.clone(),
            tenant: asked.tenant.clone(),
            kind: asked.kind,
            who: Some(asked.who),
            correction: asked.correction,
            opened: Timestamp(1),
            deadline: asked.deadline,
            stage: Stage::Asking,
            closed: None,
            overdue: false,
            entry: 0,
            erased: None,
            emptied_by: None,
            settled: false,
            awaits: Vec::new(),
            parts: Vec::new(),
        };
        if !dry_run {
            let entry = Entry::new(Timestamp(1), Kind::PrivacyRequested, actor, Some(asked.tenant));
            // That it is asked is what makes it one that goes on.
            let event = Event {
                tenant: request.tenant.clone(),
                origin: ORIGIN.parse().map_err(|_| refused("no origin"))?,
                id: id.to_string(),
                kind: event_kind(request.kind),
                source: "/privacy".into(),
                subject: None,
                time: Timestamp(1),
                form: EventForm::Privacy,
                data: Value::Null,
                trace: None,
            };
            self.0.open_request(request.clone(), Vec::new(), Some(event), entry).await?;
        }
        Ok(request)
    }

    async fn close(
        &self,
        id: &PrivacyId,
        _: Option<&str>,
        actor: Actor,
        dry_run: bool,
    ) -> Result<PrivacyRequest, NotDone> {
        let request = self.one(id).await?;
        if request.stage != Stage::Asking {
            return Err(refused("what the host keeps itself is being erased; try again in a moment"));
        }
        if !dry_run {
            let tenant = request.tenant.clone();
            let entry = Entry::new(Timestamp(2), Kind::PrivacyClosed, actor, Some(tenant.clone()));
            self.0.close_request(Closing { id: id.clone(), tenant, at: Timestamp(2), entry }).await?;
        }
        self.one(id).await
    }

    async fn certificate(&self, id: &PrivacyId, _: Actor) -> Result<Certificate, NotDone> {
        match self.one(id).await?.closed {
            None => Err(refused("the request is not closed yet")),
            Some(_) => Ok(Certificate { envelope: "{}".into(), digest: "sha256:00".into(), key: "key".into() }),
        }
    }

    async fn export(&self, id: &PrivacyId, _: Actor) -> Result<Value, NotDone> {
        self.one(id).await.map(|one| json!({ "request": one.id }))
    }

    async fn parcel(&self, id: &PrivacyId, _: Actor) -> Result<Parcel, NotDone> {
        let one = self.one(id).await?;
        if one.kind != PrivacyKind::Access {
            return Err(refused("the request is not for access"));
        }
        let content = format!("a tar of {}", one.id).into_bytes();
        let (bytes, digest) = (content.len() as u64, Digest::of(&content));
        Ok(Parcel { content: Box::new(Cursor::new(content)), bytes, digest })
    }

    async fn leaving(&self, tenant: &TenantId) -> Result<Value, NotDone> {
        let looks = self.1.fetch_add(1, Ordering::Relaxed) + 1;
        if tenant.as_str() == "endless" {
            std::future::pending::<()>().await;
        }
        Ok(json!({ "tenant": tenant, "looks": looks, "backups": { "with-keys": true } }))
    }
}
