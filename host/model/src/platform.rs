//! The platform API for back ends outside of the sandbox: the second door to the help desk (INT-1, INT-2).
//!
//! Whoever comes in by it has an access token, and with it what its installation may do, narrowed by the token's own scopes. What it
//! asks is decided, recorded, projected and budgeted as if the installation's component had asked (one authority, two doors).
//!
//! Invariants: the tenant comes from the token and from nowhere else; a record that comes back holds only what the grant shows of
//! it, as the grant shows it; without a session nothing is done.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    authority::Denial,
    error::{ServiceError, StoreError},
    helpdesk::{
        Comment, FindBy, Organization, OrganizationField, Query, Sort, Ticket, TicketField, UpdateTicket, User,
        UserField,
    },
    id::{ClientId, InstallationId, PluginId},
    installation::Installation,
    oauth::Bearer,
    trace::Traceparent,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A layer of the authority says no; it is in the audit log.
    #[error("denied: {}", .denial.reason)]
    Denied {
        /// Which act, which scope it needs, which layer says no.
        denial: Box<Denial>,
        /// Where the layer is a budget: how long it keeps to it.
        wait: Option<Duration>,
    },
    /// A budget has run out, or enough is under way. Nothing was done.
    #[error("{reason}")]
    Held {
        /// What it waits for.
        reason: String,
        /// For how long.
        wait: Duration,
    },
    /// The token speaks for a release or an installation that is not there any more.
    #[error("the token was issued for an installation or a release that is not there any more")]
    Stale,
    /// The installation may not act now: suspended, uninstalled, or its release is not trusted.
    #[error("the installation cannot act: {0}")]
    Inactive(String),
    /// It was permitted and failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// It took longer than an act may take. What it did is in the audit log, as unknown where it is.
    #[error("it took longer than {0:?}")]
    Slow(Duration),
}

/// How much of the hour is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests and calls into the component together, in any hour.
    pub allowed: u64,
    /// Of these, what is left now.
    pub left: u64,
}

/// On whose behalf a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The client that holds the token.
    pub client: ClientId,
    /// The installation that it acts for.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
}

/// The fields that are asked for: these, or whatever the grant shows.
pub type Fields<F> = Option<BTreeSet<F>>;

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// At most so many; never more than [`PAGE`](crate::helpdesk::PAGE).
    pub most: u32,
    /// After this cursor of an earlier part.
    pub after: Option<String>,
}

/// Part of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part<T> {
    /// In order.
    pub items: Vec<T>,
    /// The cursor of the next part; `None` at the end.
    pub next: Option<String>,
}

/// From where on changes are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// A moment, in milliseconds since 1970.
    Time(i64),
    /// The cursor of an earlier part.
    Cursor(String),
}

/// Some of the tickets that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Oldest change first.
    pub tickets: Vec<Ticket>,
    /// Where to go on, now or later.
    pub next: String,
    /// Whether this is all for now.
    pub end: bool,
}

/// A comment to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// Plain text.
    pub body: String,
    /// False for an internal note.
    pub public: bool,
    /// With the same key it is the same comment. Absent: a comment of its own each time.
    pub key: Option<String>,
}

/// One request's hold on the help desk. Its end is in the audit log, however it ends.
#[async_trait]
pub trait Session: Send {
    /// What is left of the hour.
    fn rate(&self) -> Rate;

    /// On whose behalf.
    fn identity(&self) -> Identity;

    /// The same, where that is what was asked: it counts as any other thing that is asked, and is refused as such.
    async fn me(&mut self) -> Result<Identity, Refusal>;

    /// One ticket.
    async fn ticket(&mut self, id: String, fields: Fields<TicketField>) -> Result<Ticket, Refusal>;

    /// The tickets that fit.
    async fn tickets(
        &mut self,
        query: Query,
        sort: Sort,
        fields: Fields<TicketField>,
        window: Window,
    ) -> Result<Part<Ticket>, Refusal>;

    /// The tickets that changed, up to a minute ago: what changes later comes in a later part.
    async fn changes(&mut self, since: Since, fields: Fields<TicketField>, most: u32) -> Result<Changes, Refusal>;

    /// A ticket's comments, oldest first.
    async fn comments(&mut self, ticket: String, window: Window) -> Result<Part<Comment>, Refusal>;

    /// Changes a ticket, adds a comment to it, or both: where the grant does not cover one of them, neither is done. `within` of
    /// the change is filled in. Gives the comment's id, where there is one.
    async fn change(
        &mut self,
        ticket: String,
        change: Option<UpdateTicket>,
        comment: Option<NewComment>,
    ) -> Result<Option<String>, Refusal>;

    /// Deletes a ticket for good.
    async fn delete(&mut self, ticket: String) -> Result<(), Refusal>;

    /// What the grant shows of a ticket, after something else was done with it; only its id where it shows nothing.
    async fn glance(&mut self, ticket: String) -> Result<Ticket, Refusal>;

    /// One person.
    async fn user(&mut self, id: String, fields: Fields<UserField>) -> Result<User, Refusal>;

    /// The people who fit.
    async fn users(&mut self, by: FindBy, fields: Fields<UserField>, window: Window) -> Result<Part<User>, Refusal>;

    /// One organization.
    async fn organization(&mut self, id: String, fields: Fields<OrganizationField>) -> Result<Organization, Refusal>;

    /// Organizations.
    async fn organizations(
        &mut self,
        fields: Fields<OrganizationField>,
        window: Window,
    ) -> Result<Part<Organization>, Refusal>;
}

/// A request that a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What for, without any id or value of the request, such as `GET /api/v2/tickets/{id}`: it stands in the audit log.
    pub label: &'static str,
    /// Where it is in a trace that it brought along.
    pub trace: Option<Traceparent>,
}

/// The second door.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Begins one request's session.
    async fn open(&self, bearer: &Bearer, request: Asked) -> Result<Box<dyn Session>, Refusal>;
}

/// Tells installations as they are now.
#[async_trait]
pub trait Installed: Send + Sync {
    /// The one with this id.
    async fn installation(&self, id: &InstallationId) -> Result<Option<Arc<Installation>>, StoreError>;
}
