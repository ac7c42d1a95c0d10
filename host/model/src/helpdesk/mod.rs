//! The service behind `tickets`, `users` and `attachments`: records, acts and the port. Names and semantics follow Zendesk's,
//! so that its REST API can stand behind the same port as the embedded help desk.
//!
//! Invariants: a record that comes back holds only the fields that the act named; a record outside of the act's `within`
//! is as good as not there.

mod acts;
mod attachments;
mod names;
mod records;

pub use acts::*;
use async_trait::async_trait;
pub use attachments::*;
pub use names::*;
pub use records::*;

use crate::{error::ServiceError, permit::Spent};

/// A help desk. Every operation is on the tenant of the spent permit's call, and on no other.
#[async_trait]
pub trait HelpDesk: Send + Sync {
    /// Reads a ticket. `NotFound` where the tenant has no such ticket within.
    async fn ticket(&self, act: Spent<GetTicket>) -> Result<Seen<Ticket>, ServiceError>;

    /// Finds tickets.
    async fn search(&self, act: Spent<SearchTickets>) -> Result<Found, ServiceError>;

    /// Reads comments; the facts are the ticket's.
    async fn comments(&self, act: Spent<ListComments>) -> Result<Seen<Vec<Comment>>, ServiceError>;

    /// Adds a comment and gives its id; the same id again for the same key and text, `Conflict` for another text.
    async fn add_comment(&self, act: Spent<AddComment>) -> Result<String, ServiceError>;

    /// Changes a ticket. `Conflict` where it is closed.
    async fn update(&self, act: Spent<UpdateTicket>) -> Result<(), ServiceError>;

    /// Covers each character of the spans with U+2587. `Invalid` for a span outside the text.
    async fn redact(&self, act: Spent<RedactComment>) -> Result<(), ServiceError>;

    /// Deletes a ticket, its comments and its attachments.
    async fn delete(&self, act: Spent<DeleteTicket>) -> Result<(), ServiceError>;

    /// Reads a person.
    async fn user(&self, act: Spent<GetUser>) -> Result<Seen<User>, ServiceError>;

    /// Finds people.
    async fn find_users(&self, act: Spent<FindUsers>) -> Result<Vec<Seen<User>>, ServiceError>;

    /// Reads an organization.
    async fn organization(&self, act: Spent<GetOrganization>) -> Result<Seen<Organization>, ServiceError>;

    /// Lists organizations.
    async fn organizations(&self, act: Spent<ListOrganizations>) -> Result<Vec<Seen<Organization>>, ServiceError>;

    /// What is known about a ticket's files, in the order of their ids; the facts are the ticket's.
    async fn attachments(&self, act: Spent<ListAttachments>) -> Result<Vec<Seen<Attachment>>, ServiceError>;

    /// What is known about one file, to decide whether it may be opened. `NotFound` where the tenant has none such within.
    async fn attachment(&self, act: Spent<StatAttachment>) -> Result<Seen<Attachment>, ServiceError>;

    /// Reads a stretch of a file; empty past its end.
    async fn read_attachment(&self, act: Spent<ReadAttachment>) -> Result<Chunk, ServiceError>;
}
