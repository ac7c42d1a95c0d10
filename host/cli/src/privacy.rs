//! Requests of data subjects (DAT-8, DAT-9): put on record, asked of every plugin, what the host keeps itself erased at once (DAT-4), and
//! closed with a certificate.
//!
//! Invariants: what is begun is carried on by the running host, or by the command that holds its lock, after a crash too; files go
//! before rows, rows together with what asks the plugins; whom a request to erase was about is forgotten as soon as it is closed.

mod certificate;
mod desk;
mod export;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    event::{Event, EventForm},
    id::{PrivacyId, TenantId},
    installation::{Installation, InstallationState, InstallationStore as _},
    privacy::{
        Closing, Finder, Finders, HeldCopies, Identity, NewPart, ORIGIN, PartState, PrivacyAsk, PrivacyKind,
        PrivacyPart, PrivacyRequest, PrivacyStore as _, Stage, Sweep, event_kind, subject,
    },
    release::ReleaseStore as _,
    time::Timestamp,
    veil::token,
};
use portcullis_packages::{inspect::Inspection, manifest::Manifest};
use serde_json::Value;
use tokio::sync::watch;

pub use portcullis_api::admin::v1::privacy::Asked;

use self::certificate::certify_as;
pub use self::{
    certificate::{Certificate, Certified, certified, certify, verify},
    desk::ports,
};
use crate::{detect, host::Host, reading::LogReader};

/// How often a running host looks what is to be done.
const TICK: Duration = Duration::from_secs(1);
/// How long the running host is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long whom a closed request was about is kept, and what was answered, where it was not one to erase.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// The longest deadline.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// What fields tokens are made of are called, for whatever a person is known by.
const TOKEN_FIELDS: [&str; 5] = ["name", "email", "phone", "user", "text"];

fn check(asked: &Asked, now: Timestamp) -> Result<()> {
    if let Some(problem) = asked.who.problem() {
        bail!("what the person is known by: {problem}");
    }
    if asked.deadline <= now || asked.deadline > now.plus(LONGEST) {
        bail!("the deadline must be later than now, and within a year");
    }
    match (&asked.correction, asked.kind) {
        (Some(Value::Object(fields)), PrivacyKind::Correct) if !fields.is_empty() => Ok(()),
        (None, PrivacyKind::Correct) => {
            bail!("say what is right now, as a JSON object such as {{\"name\":\"Ada P.\"}}")
        }
        (Some(_), PrivacyKind::Correct) => bail!("what is right now must be a JSON object with at least one field"),
        (Some(_), _) => bail!("only a correction says what is right now"),
        (None, _) => Ok(()),
    }
}

/// Puts a request on record. One that is not to erase asks the plugins at once; one to erase begins with what the host keeps itself, by
/// [`carry_on`].
pub async fn open(host: &Host, asked: Asked, actor: Actor) -> Result<PrivacyRequest> {
    let (request, parts) = prepared(host, asked).await?;
    let waiting = parts.iter().filter(|part| part.state == PartState::Waiting).count();
    let user = request.who.as_ref().map(|who| who.user.as_str()).unwrap_or_default();
    let entry = Entry::new(request.opened, Kind::PrivacyRequested, actor, Some(request.tenant.clone()))
        .about(format!("privacy:{}", request.id))
        .with("request", request.kind.name())
        .with("deadline", request.deadline.to_string())
        .with("installations", parts.len())
        .with("asked", waiting)
        .with_personal("user", user);
    let id = request.id.clone();
    let at_once = (request.kind != PrivacyKind::Erase).then(|| event(&request)).transpose()?;
    host.store.open_request(request, parts, at_once, entry).await?;
    one(host, &id).await
}

/// The request as it would be put on record, with its parts as they would be. Nothing is.
pub async fn rehearsed(host: &Host, asked: Asked) -> Result<PrivacyRequest> {
    let (request, parts) = prepared(host, asked).await?;
    let parts = parts.into_iter().map(|NewPart { installation, plugin, state }| PrivacyPart {
        installation,
        plugin,
        state,
        ended: None,
        tries: 0,
        problem: None,
        suspended: false,
    });
    Ok(PrivacyRequest { parts: parts.collect(), ..request })
}

async fn prepared(host: &Host, asked: Asked) -> Result<(PrivacyRequest, Vec<NewPart>)> {
    let now = host.clock.now();
    check(&asked, now)?;
    let Asked { tenant, kind, who, correction, deadline } = asked;
    if host.store.was_deleted(&tenant).await? {
        bail!("the tenant '{tenant}' was deleted: there is nothing of it here any more");
    }
    let mut parts = Vec::new();
    for one in installations(host, &tenant).await? {
        parts.push(part(host, &one).await?);
    }
    let request = PrivacyRequest {
        id: PrivacyId::random(host.rng.as_ref()),
        tenant,
        kind,
        who: Some(who),
        correction,
        opened: now,
        deadline,
        stage: Stage::Begun,
        closed: None,
        overdue: false,
        entry: 0,
        erased: None,
        emptied_by: None,
        settled: false,
        awaits: Vec::new(),
        parts: Vec::new(),
    };
    Ok((request, parts))
}

/// A request that there is.
pub async fn one(host: &Host, id: &PrivacyId) -> Result<PrivacyRequest> {
    let found = host.store.request(id.clone()).await?;
    found.with_context(|| format!("no request '{id}'; see 'portcullis privacy list'"))
}

/// The installations of a tenant of which something may still be kept.
async fn installations(host: &Host, tenant: &TenantId) -> Result<Vec<Installation>> {
    let mut all = host.store.installations().await?;
    all.retain(|one| one.tenant == *tenant && !matches!(one.state, InstallationState::Erased { .. }));
    Ok(all)
}

/// What an installation is asked, and where its developer is, if it cannot be.
async fn part(host: &Host, one: &Installation) -> Result<NewPart> {
    let state = match one.is_gone() {
        true => PartState::Uninstalled,
        false => handler(host, one).await?,
    };
    Ok(NewPart { installation: one.id.clone(), plugin: one.plugin.clone(), state })
}

async fn handler(host: &Host, one: &Installation) -> Result<PartState> {
    let release = one.release_id();
    let Some(component) = host.store.component(&release).await? else { return Ok(PartState::Waiting) };
    let exports =
        tokio::task::block_in_place(|| Inspection::of(&component).map(|found| found.triggers().contains("privacy")));
    // One that cannot be read is asked all the same: it is refused, and shown with the reason.
    if exports.unwrap_or(true) {
        return Ok(PartState::Waiting);
    }
    let manifest = host.store.release(&release).await?.and_then(|release| Manifest::parse(&release.manifest).ok());
    let contact = manifest.map_or_else(|| format!("the publisher of {}", one.plugin), |manifest| manifest.support);
    Ok(PartState::NoHandler { contact })
}

/// What plugins are asked.
fn event(request: &PrivacyRequest) -> Result<Event> {
    let who = request.who.clone().context("whom the request is about is not kept any more")?;
    let PrivacyRequest { id, tenant, kind, correction, deadline, opened, .. } = request;
    let ask = PrivacyAsk { kind: *kind, who, deadline: *deadline, correction: correction.clone() };
    Ok(Event {
        tenant: tenant.clone(),
        origin: ORIGIN.parse()?,
        id: id.to_string(),
        kind: event_kind(*kind),
        source: "/privacy".to_owned(),
        subject: Some(subject(tenant, id.as_str())),
        time: *opened,
        form: EventForm::Privacy,
        data: serde_json::to_value(ask)?,
        trace: None,
    })
}

/// By what the person is looked for: in what an installation keeps, also by the tokens that stand for it there.
fn finders(host: &Host, who: &Identity, installations: &[Installation]) -> Finders {
    let mut finders = Finders::new(who);
    for one in installations {
        let tokens = TOKEN_FIELDS.iter().flat_map(|field| {
            who.all().into_iter().map(|value| token(host.pseudonyms.as_ref(), &one.tenant, &one.id, field, value))
        });
        finders.installations.insert(one.id.to_string(), Finder::new(who).also(tokens));
    }
    finders
}

/// Removes those files of plugins that the person stands in.
fn remove_files(host: &Host, finders: &Finders, installations: &[Installation]) -> Result<HeldCopies> {
    let mut held = HeldCopies::default();
    for one in installations {
        let finder = finders.of(one.id.as_str());
        let is_meant = |path: &str, content: &[u8]| finder.in_text(path) || finder.in_bytes(content);
        let removed = tokio::task::block_in_place(|| host.dirs.remove_where(&one.tenant, &one.id, &is_meant))?;
        held.count(one.id.as_str(), "files", removed.files);
    }
    Ok(held)
}

/// Erases what the host keeps itself; of a request that has begun, it has the plugins asked as well.
async fn sweep(host: &Host, request: &PrivacyRequest) -> Result<()> {
    let who = request.who.clone().context("whom the request is about is not kept any more")?;
    let installations = installations(host, &request.tenant).await?;
    let finders = Arc::new(finders(host, &who, &installations));
    let files = remove_files(host, &finders, &installations)?;
    let entry = |kind| {
        let entry = Entry::new(host.clock.now(), kind, Actor::Host, Some(request.tenant.clone()));
        entry.about(format!("privacy:{}", request.id))
    };
    let sweep = Sweep {
        id: request.id.clone(),
        tenant: request.tenant.clone(),
        finders,
        at: request.stage,
        files,
        ask: if request.stage == Stage::Begun { Some(event(request)?) } else { None },
        entry: entry(Kind::PrivacyErased),
        values: entry(Kind::AuditErased).with("reason", format!("request {}", request.id)),
    };
    host.store.sweep(sweep).await?;
    for value in who.all() {
        detect::forget(host, value).await?;
    }
    LogReader::new(&host.home, host.store.clone()).forgets().await;
    Ok(())
}

/// Does what is to be done for a request by the host itself, if anything is.
pub async fn step(host: &Host, request: &PrivacyRequest) -> Result<()> {
    let now = host.clock.now();
    let entry = |kind| {
        Entry::new(now, kind, Actor::Host, Some(request.tenant.clone())).about(format!("privacy:{}", request.id))
    };
    match request.stage {
        Stage::Begun => sweep(host, request).await,
        // What plugins wrote while they answered.
        Stage::Asking if request.kind == PrivacyKind::Erase && !request.settled && request.is_through() => {
            sweep(host, request).await
        }
        Stage::Asking if now > request.deadline && !request.overdue && !request.is_through() => {
            let waiting = request.parts.iter().filter(|part| part.state == PartState::Waiting).count();
            let entry = entry(Kind::PrivacyOverdue).with("request", request.kind.name()).with("waiting", waiting);
            host.store.note_overdue(request.id.clone(), entry).await?;
            Ok(())
        }
        Stage::Closed => {
            let is_over = request.closed.is_none_or(|closed| closed.plus(KEPT) <= now);
            if request.kind == PrivacyKind::Erase {
                // What goes on may still write of the person: it is looked at when it has ended.
                if host.store.still_under_way(request.awaits.clone(), now).await? {
                    return Ok(());
                }
                sweep(host, request).await?;
            } else if !is_over {
                return Ok(());
            }
            host.store.forget_request(request.id.clone(), entry(Kind::PrivacyForgotten)).await?;
            Ok(())
        }
        Stage::Asking | Stage::Forgotten => Ok(()),
    }
}

/// Has the host do what is to be done for a request now: in this process where none runs; otherwise waits until the running one has.
pub async fn carry_on(host: &Host, id: &PrivacyId) -> Result<PrivacyRequest> {
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let request = one(host, id).await?;
        let waits = match request.stage {
            Stage::Begun => true,
            Stage::Closed => request.kind == PrivacyKind::Erase,
            Stage::Asking | Stage::Forgotten => false,
        };
        if !waits || tokio::time::Instant::now() >= patience {
            return Ok(request);
        }
        if let Some(_alone) = host.home.try_lock()? {
            step(host, &request).await?;
        }
        if one(host, id).await?.stage == request.stage {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Closes a request and has the host do what is left to do. What is not proven needs a word about it; what waits is given up only after
/// the deadline.
pub async fn close(host: &Host, id: &PrivacyId, note: Option<&str>, actor: Actor) -> Result<PrivacyRequest> {
    close_as(host, id, note, actor).await?;
    carry_on(host, id).await
}

/// Why a request cannot be closed with this word, where it cannot.
fn closable(host: &Host, request: &PrivacyRequest, note: Option<&str>) -> Result<()> {
    let waiting = request.parts.iter().filter(|part| part.state == PartState::Waiting).count();
    match request.stage {
        Stage::Begun => bail!("what the host keeps itself is being erased; try again in a moment"),
        Stage::Closed | Stage::Forgotten => bail!("the request is closed already"),
        Stage::Asking if waiting > 0 && host.clock.now() <= request.deadline => {
            bail!("{waiting} of its parts wait; it can be closed when they are answered, or after {}", request.deadline)
        }
        Stage::Asking => {}
    }
    let unproven: Vec<&str> = request.unproven().map(|part| part.installation.as_str()).collect();
    if !unproven.is_empty() && note.is_none() {
        bail!(
            "{} of its parts are not proven ({}); say with --note what was done about them by hand, without naming the person",
            unproven.len(),
            unproven.join(", ")
        );
    }
    Ok(())
}

/// Closes a request.
async fn close_as(host: &Host, id: &PrivacyId, note: Option<&str>, actor: Actor) -> Result<()> {
    let request = one(host, id).await?;
    closable(host, &request, note)?;
    let (now, unproven) = (host.clock.now(), request.unproven().count());
    let mut entry = Entry::new(now, Kind::PrivacyClosed, actor, Some(request.tenant.clone()))
        .about(format!("privacy:{id}"))
        .with("request", request.kind.name())
        .with("proven", request.parts.len() - unproven)
        .with("unproven", unproven);
    if let Some(note) = note {
        entry = entry.with_personal("note", note);
    }
    let closing = Closing { id: id.clone(), tenant: request.tenant, at: now, entry };
    if !host.store.close_request(closing).await? {
        bail!("the request was closed just now by somebody else");
    }
    Ok(())
}

/// Does what is to be done for all requests, until `stop` turns true.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    loop {
        match host.store.unfinished().await {
            Ok(requests) => {
                for request in requests {
                    if let Err(error) = step(&host, &request).await {
                        let error = format!("{error:#}");
                        tracing::error!(request = %request.id, error, "a data subject's request does not go on; it is tried again");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "requests of data subjects cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
    }
}
