//! What the admin API does with requests of data subjects, on this host, for the command as for everybody.
//!
//! Invariant: whoever asks, by which way, is held to the same conditions, and stands in the log by their own name.

use std::sync::Arc;

use anyhow::Error;
use async_trait::async_trait;
use portcullis_api::admin::{
    Parcel,
    v1::privacy::{Asked, Certificate, Desk, NotDone, Ports},
};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    error::StoreError,
    id::{Digest, PrivacyId, TenantId},
    json::sorted,
    privacy::{PartState, PrivacyRequest, PrivacyStore as _},
};
use serde_json::{Map, Value, json};

use super::{
    certify_as, closable, close_as,
    export::{export, for_access},
    finders, installations, one, open, rehearsed,
};
use crate::{host::Host, parcel::Turns, tenant};

/// What the operations are done with.
pub fn ports(host: &Host) -> Ports {
    Ports::new(Arc::new(OfHost(host.clone(), Turns::default())))
}

/// This host, and of whom it is handing something over.
struct OfHost(Host, Turns);

/// What a person can do something about is said to them; what failed is not.
fn not_done(error: Error) -> NotDone {
    match error.downcast::<StoreError>() {
        Ok(error) => NotDone::Store(error),
        Err(error) => NotDone::Refused(format!("{error:#}")),
    }
}

/// Less what was answered.
fn brief(mut request: PrivacyRequest) -> PrivacyRequest {
    for part in &mut request.parts {
        if let PartState::Done { data, .. } = &mut part.state {
            *data = None;
        }
    }
    request
}

#[async_trait]
impl Desk for OfHost {
    async fn requests(&self, tenant: Option<TenantId>) -> Result<Vec<PrivacyRequest>, StoreError> {
        self.0.store.requests(tenant).await
    }

    async fn request(&self, id: &PrivacyId) -> Result<Option<PrivacyRequest>, StoreError> {
        Ok(self.0.store.request(id.clone()).await?.map(brief))
    }

    async fn open(&self, asked: Asked, actor: Actor, dry_run: bool) -> Result<PrivacyRequest, NotDone> {
        let opened = match dry_run {
            true => rehearsed(&self.0, asked).await,
            false => open(&self.0, asked, actor).await,
        };
        opened.map(brief).map_err(not_done)
    }

    async fn close(
        &self,
        id: &PrivacyId,
        note: Option<&str>,
        actor: Actor,
        dry_run: bool,
    ) -> Result<PrivacyRequest, NotDone> {
        if dry_run {
            let request = one(&self.0, id).await.map_err(not_done)?;
            closable(&self.0, &request, note).map_err(not_done)?;
            return Ok(brief(request));
        }
        close_as(&self.0, id, note, actor).await.map_err(not_done)?;
        one(&self.0, id).await.map(brief).map_err(not_done)
    }

    async fn certificate(&self, id: &PrivacyId, actor: Actor) -> Result<Certificate, NotDone> {
        let request = one(&self.0, id).await.map_err(not_done)?;
        let certified = certify_as(&self.0, &request, actor).await.map_err(not_done)?;
        let (digest, key) = (certified.digest.to_string(), certified.key.to_string());
        Ok(Certificate { envelope: certified.envelope, digest, key })
    }

    async fn export(&self, id: &PrivacyId, actor: Actor) -> Result<Value, NotDone> {
        let held = held(&self.0, id).await.map_err(not_done)?;
        let (tenant, value) = held;
        let said = serde_json::to_vec(&sorted(&value).map_err(|error| not_done(error.into()))?);
        let digest = Digest::of(&said.map_err(|error| not_done(error.into()))?);
        let entry = Entry::new(self.0.clock.now(), Kind::PrivacyExported, actor, Some(tenant))
            .about(format!("privacy:{id}"))
            .with("digest", digest.to_string());
        self.0.store.record(vec![entry]).await.map_err(|error| not_done(error.into()))?;
        Ok(value)
    }

    async fn parcel(&self, id: &PrivacyId, actor: Actor) -> Result<Parcel, NotDone> {
        let (request, who) = for_access(&self.0, id).await.map_err(not_done)?;
        let busy = || {
            NotDone::Refused("another one of this tenant is being handed over; wait until that has ended".to_owned())
        };
        let turn = self.1.take(&request.tenant).ok_or_else(busy)?;
        let failed = |error: Error| NotDone::Store(StoreError(format!("{error:#}")));
        Ok(export(&self.0, &request, &who, actor).await.map_err(failed)?.parcel(turn))
    }

    async fn leaving(&self, tenant: &TenantId) -> Result<Value, NotDone> {
        let plan = tenant::plan(&self.0, tenant).await.map_err(not_done)?;
        serde_json::to_value(&plan).map_err(|error| not_done(error.into()))
    }
}

/// What is held about the person of a request for access, with whose data it is.
async fn held(host: &Host, id: &PrivacyId) -> anyhow::Result<(TenantId, Value)> {
    let (request, who) = for_access(host, id).await?;
    let mut answers = Map::new();
    for part in &request.parts {
        if let PartState::Done { data: Some(data), .. } = &part.state {
            let data = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.clone()));
            answers.insert(part.installation.to_string(), data);
        }
    }
    let installations = installations(host, &request.tenant).await?;
    let finders = Arc::new(finders(host, &who, &installations));
    let mut files = Vec::new();
    for one in &installations {
        let finder = finders.of(one.id.as_str());
        tokio::task::block_in_place(|| {
            host.dirs.visit(&one.tenant, &one.id, &mut |path, content| {
                if finder.in_text(path) || finder.in_bytes(&content) {
                    files.push(json!({ "installation": one.id, "path": path, "bytes": content.len() }));
                }
                Ok(())
            })
        })?;
    }
    let copies = host.store.copies_of(request.tenant.clone(), finders).await?;
    let copies: Vec<Value> = copies
        .into_iter()
        .map(|copy| json!({ "installation": copy.installation, "sort": copy.sort, "content": copy.content }))
        .collect();
    Ok((request.tenant, json!({ "request": id, "answers": answers, "host": copies, "files": files })))
}
