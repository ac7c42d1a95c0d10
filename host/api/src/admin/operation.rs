//! What an operation of the admin API is: one struct, in a file of its own, that says what it is called, who may do it, what
//! it takes and answers, and how it is done.
//!
//! Invariants: there is no way to mount a handler that has no [`About`], and so no action that whoever asks is held against;
//! what the document says of an operation and what is done comes from the same place.

use std::{collections::BTreeSet, future::Future, sync::Arc};

use axum::{
    http::{HeaderValue, Method, StatusCode},
    response::Response,
};
use portcullis_model::{
    audit::Actor,
    id::TenantId,
    people::{Action, Caller, Resource},
    time::Timestamp,
    trace::Traceparent,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    body::Taken,
    frame::Frame,
    given::Given,
    page::{Page, Turn},
    unavailable,
};
use crate::problem::{Problem, Reason};

/// Whether an operation changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does not.
    Read,
    /// It does.
    Write,
}

/// What an operation is about, and so what whoever asks must have rights over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The whole host.
    Host,
    /// Those tenants that whoever asks may see, or one of them: for lists, which leave out what is another's, and for what is
    /// everybody's, such as a release.
    Tenants,
    /// One tenant.
    Tenant,
    /// One installation.
    Installation,
}

/// How an operation treats versions of what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Not at all.
    None,
    /// Its answer has an `ETag`.
    Shown,
    /// It needs an `If-Match`, and its answer has an `ETag`.
    Needed,
}

/// What is fixed about an operation.
#[derive(Clone, Debug)]
pub struct About {
    /// The action that it is: what rights are about.
    pub action: Action,
    /// Its `operationId`: the action's name, unless several operations are one action.
    pub id: &'static str,
    /// How it is asked for.
    pub method: Method,
    /// Where, below `/admin/v1`, such as `/installations/{id}`.
    pub path: &'static str,
    /// What it does, in one line.
    pub title: &'static str,
    /// All that its users should know beyond that.
    pub text: &'static str,
    /// Whether it changes anything.
    pub effect: Effect,
    /// What it is about.
    pub on: On,
    /// Whether it answers pages.
    pub paged: bool,
    /// Whether it can be tried out with `?dry_run=true`.
    pub dry_run: bool,
    /// Versions of what it is about.
    pub version: Version,
    /// The status of what went well.
    pub status: StatusCode,
    /// The media type of what it answers.
    pub media: &'static str,
    /// What can be wrong beside what the frame itself refuses.
    pub refuses: &'static [Reason],
    /// The most that a body may have, in bytes.
    pub max_body: usize,
    /// Whether its answer holds what must not be kept, so that a repeated request cannot be answered with it once more.
    pub once: bool,
}

/// The most that a body may have where an operation does not say otherwise, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

impl About {
    const fn new(action: Action, method: Method, path: &'static str, title: &'static str) -> Self {
        Self {
            action,
            id: action.name,
            method,
            path,
            title,
            text: "",
            effect: if action.read_only { Effect::Read } else { Effect::Write },
            on: On::Host,
            paged: false,
            dry_run: false,
            version: Version::None,
            status: StatusCode::OK,
            media: "application/json",
            refuses: &[],
            max_body: MAX_BODY,
            once: false,
        }
    }

    /// What is asked for with a GET.
    pub const fn get(action: Action, path: &'static str, title: &'static str) -> Self {
        Self::new(action, Method::GET, path, title)
    }

    /// What is asked for with a POST.
    pub const fn post(action: Action, path: &'static str, title: &'static str) -> Self {
        Self::new(action, Method::POST, path, title)
    }

    /// What is asked for with a PUT: the body replaces what is there.
    pub const fn put(action: Action, path: &'static str, title: &'static str) -> Self {
        Self::new(action, Method::PUT, path, title)
    }

    /// What is asked for with a PATCH: what the body does not name stays.
    pub const fn patch(action: Action, path: &'static str, title: &'static str) -> Self {
        Self::new(action, Method::PATCH, path, title)
    }

    /// What is asked for with a DELETE.
    pub const fn delete(action: Action, path: &'static str, title: &'static str) -> Self {
        Self::new(action, Method::DELETE, path, title)
    }

    /// Under another id than its action's.
    #[must_use]
    pub const fn id(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    /// More about it.
    #[must_use]
    pub const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    /// What it is about.
    #[must_use]
    pub const fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    /// It answers pages.
    #[must_use]
    pub const fn paged(mut self) -> Self {
        self.paged = true;
        self
    }

    /// It can be tried out.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// How it treats versions.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// The status of what went well, and the media type of what is answered then.
    #[must_use]
    pub const fn answers(mut self, status: StatusCode, media: &'static str) -> Self {
        self.status = status;
        self.media = media;
        self
    }

    /// What can be wrong.
    #[must_use]
    pub const fn refuses(mut self, reasons: &'static [Reason]) -> Self {
        self.refuses = reasons;
        self
    }

    /// The most that a body may have, in bytes.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Its answer is not kept for a repetition.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Whether an `Idempotency-Key` is taken.
    pub fn takes_key(&self) -> bool {
        self.method == Method::POST && self.effect == Effect::Write
    }
}

/// An operation of the admin API.
pub trait Operation: Send + Sync + 'static {
    /// What it is done with.
    type Ports: Send + Sync + 'static;
    /// What its path holds.
    type Path: Given;
    /// What its query holds, beside what the frame reads.
    type Query: Given;
    /// What its body holds.
    type Body: Taken;
    /// What it answers.
    type Answer: Serialize + ToSchema + Send + 'static;

    /// What is fixed about it.
    const ABOUT: About;

    /// What this request is about: asked before whoever asks is known to have any right, so it gives nothing away. Fails with
    /// [`Reason::Unknown`] where there is no such thing.
    fn resource(
        ports: &Self::Ports,
        path: &Self::Path,
        query: &Self::Query,
        body: &Self::Body,
    ) -> impl Future<Output = Result<Resource, Problem>> + Send;

    /// Does it.
    fn handle(
        ports: &Self::Ports,
        call: Call<Self>,
    ) -> impl Future<Output = Result<Reply<Self::Answer>, Problem>> + Send
    where
        Self: Sized;
}

/// One request, by somebody who may make it.
pub struct Call<O: Operation> {
    /// Whose.
    pub caller: Caller,
    /// What it is about.
    pub resource: Resource,
    /// What the path holds.
    pub path: O::Path,
    /// What the query holds.
    pub query: O::Query,
    /// What the body holds.
    pub body: O::Body,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// The version that it was made for. There, wherever [`Version::Needed`].
    pub expected: Option<u64>,
    /// Which page.
    pub turn: Turn,
    /// Where it is in a trace, as it says.
    pub trace: Option<Traceparent>,
    /// Its `Last-Event-ID`, where it goes on with a stream of events.
    pub last_event: Option<HeaderValue>,
    pub(super) frame: Arc<Frame>,
}

impl<O: Operation> Call<O> {
    /// In whose name entries of the log are written.
    pub fn actor(&self) -> Actor {
        self.caller.actor.clone()
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.frame.clock.now()
    }

    /// Those of these tenants in which whoever asks may do this.
    pub async fn seen(&self, of: impl IntoIterator<Item = TenantId>) -> Result<BTreeSet<TenantId>, Problem> {
        let distinct: BTreeSet<TenantId> = of.into_iter().collect();
        self.frame.tenants(&self.caller, &O::ABOUT, distinct, self.resource.kind).await
    }

    /// Whether whoever asks may do this to what is no tenant's.
    pub async fn on_platform(&self) -> Result<bool, Problem> {
        let (about, resource) = (O::ABOUT, Resource::of_platform(self.resource.kind));
        let asked = self.frame.decide.decide(&self.caller, &about.action, &resource).await;
        asked.map(|decided| decided.is_ok()).map_err(|error| unavailable(&error))
    }

    /// Fails where whoever asks may not do this as well to what the request is about: for an operation that does both.
    pub async fn also(&self, action: Action) -> Result<(), Problem> {
        self.frame.allows(&self.caller, &About { action, ..O::ABOUT }, &self.resource).await
    }

    /// After which item the page begins, as the page before said it; `None` for the first.
    pub fn after(&self) -> Option<&str> {
        self.turn.after.as_deref()
    }

    /// How many items the page may have.
    pub fn most(&self) -> usize {
        self.turn.most
    }

    /// A page that was put together elsewhere; `next` is what the next one is asked for by, where there is one.
    pub fn page_of<T>(&self, items: Vec<T>, next: Option<String>) -> Page<T> {
        let next = next.map(|key| self.turn.link(&self.frame, &key));
        Page { items, next }
    }

    /// The page of these that was asked for: after the one with the key that the cursor names, as many as the limit says.
    pub fn page<T>(&self, all: impl Iterator<Item = T>, key: impl Fn(&T) -> String) -> Result<Page<T>, Problem> {
        self.turn.page(all, key, &self.frame)
    }
}

/// Text that is made while it is sent: what operations answer that have [another media type](About::answers).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Streamed(pub String);

/// What an operation answers.
pub struct Reply<A> {
    pub(super) what: What<A>,
    pub(super) version: Option<u64>,
    pub(super) location: Option<String>,
    pub(super) tried: bool,
}

pub(super) enum What<A> {
    Json(A),
    Raw(Response),
}

impl<A> Reply<A> {
    /// This, as JSON.
    pub fn json(answer: A) -> Self {
        Self { what: What::Json(answer), version: None, location: None, tried: false }
    }

    /// A response that is made elsewhere: for streams.
    pub fn raw(response: Response) -> Self {
        Self { what: What::Raw(response), version: None, location: None, tried: false }
    }

    /// The version of what was answered: its `ETag`.
    #[must_use]
    pub fn at(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// This is what would be made: nothing was.
    #[must_use]
    pub fn tried(mut self) -> Self {
        self.tried = true;
        self
    }

    /// Where what was made is found, below `/admin/v1`.
    #[must_use]
    pub fn found_at(mut self, path: String) -> Self {
        self.location = Some(path);
        self
    }
}
