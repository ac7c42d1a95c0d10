//! The service behind `tickets` and `users`: records, acts and the port. Names and semantics follow Zendesk's, so that its
//! REST API can stand behind the same port as the embedded help desk.
//!
//! Invariant: a record that comes back holds only the fields that the act named.

use std::{collections::BTreeSet, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::ServiceError,
    permit::{Act, Effect, Spent},
    scope::nearest,
};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Zendesk's name for it.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
        }
        impl FromStr for $name {
            type Err = String;
            /// Reads Zendesk's name; the error names the nearest.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    other => {
                        let shown: String = other.chars().take(40).collect();
                        Err(format!("no such name '{shown}'; {}", nearest(&shown, &[$($text),*])))
                    }
                }
            }
        }
    )*};
}

names! {
    /// A ticket's field. `comments` stands for its conversation.
    TicketField {
        /// The title.
        Subject = "subject",
        /// The first comment's text.
        Description = "description",
        /// See [`Status`].
        Status = "status",
        /// See [`Priority`].
        Priority = "priority",
        /// See [`Kind`].
        Type = "type",
        /// Who asked.
        Requester = "requester_id",
        /// Who works on it.
        Assignee = "assignee_id",
        /// The requester's organization.
        Organization = "organization_id",
        /// Labels.
        Tags = "tags",
        /// The subscriber's own fields.
        CustomFields = "custom_fields",
        /// When it was opened.
        CreatedAt = "created_at",
        /// When it last changed.
        UpdatedAt = "updated_at",
        /// The conversation.
        Comments = "comments",
    }
    /// A person's field.
    UserField {
        /// Full name.
        Name = "name",
        /// Primary address.
        Email = "email",
        /// Primary number.
        Phone = "phone",
        /// See [`Role`].
        Role = "role",
        /// The organization.
        Organization = "organization_id",
        /// Labels.
        Tags = "tags",
        /// BCP 47.
        Locale = "locale",
        /// IANA name.
        TimeZone = "time_zone",
    }
    /// An organization's field.
    OrganizationField {
        /// Its name.
        Name = "name",
        /// Its domains.
        DomainNames = "domain_names",
        /// Labels.
        Tags = "tags",
        /// The subscriber's own fields.
        OrganizationFields = "organization_fields",
    }
    /// Where a ticket stands.
    Status {
        /// Nobody has looked yet.
        New = "new",
        /// Somebody works on it.
        Open = "open",
        /// Waiting for the requester.
        Pending = "pending",
        /// Waiting for a third party.
        Hold = "hold",
        /// Done, can be reopened.
        Solved = "solved",
        /// Done for good; cannot be changed.
        Closed = "closed",
    }
    /// How urgent a ticket is.
    Priority {
        /// Can wait.
        Low = "low",
        /// As usual.
        Normal = "normal",
        /// Soon.
        High = "high",
        /// Now.
        Urgent = "urgent",
    }
    /// What sort of ticket.
    Kind {
        /// A cause of incidents.
        Problem = "problem",
        /// Something is broken.
        Incident = "incident",
        /// Somebody wants to know.
        Question = "question",
        /// Something is to be done.
        Task = "task",
    }
    /// What a person is to the help desk.
    Role {
        /// A customer.
        EndUser = "end-user",
        /// Support staff.
        Agent = "agent",
        /// Runs the help desk.
        Admin = "admin",
    }
}

/// A custom field and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomField {
    /// Id or key.
    pub id: String,
    /// Any JSON value.
    pub value: Value,
}

/// A ticket, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// Always there.
    pub id: String,
    /// [`TicketField::Subject`].
    pub subject: Option<String>,
    /// [`TicketField::Description`].
    pub description: Option<String>,
    /// [`TicketField::Status`].
    pub status: Option<Status>,
    /// [`TicketField::Priority`].
    pub priority: Option<Priority>,
    /// [`TicketField::Type`].
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// [`TicketField::Requester`].
    pub requester_id: Option<String>,
    /// [`TicketField::Assignee`].
    pub assignee_id: Option<String>,
    /// [`TicketField::Organization`].
    pub organization_id: Option<String>,
    /// [`TicketField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`TicketField::CustomFields`].
    pub custom_fields: Option<Vec<CustomField>>,
    /// [`TicketField::CreatedAt`], RFC 3339.
    pub created_at: Option<String>,
    /// [`TicketField::UpdatedAt`], RFC 3339.
    pub updated_at: Option<String>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// Who wrote it; an installation's id where a plugin did.
    pub author_id: String,
    /// Plain text.
    pub body: String,
    /// False for an internal note.
    pub public: bool,
    /// RFC 3339.
    pub created_at: String,
}

/// A person, as far as asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Always there.
    pub id: String,
    /// [`UserField::Name`].
    pub name: Option<String>,
    /// [`UserField::Email`].
    pub email: Option<String>,
    /// [`UserField::Phone`].
    pub phone: Option<String>,
    /// [`UserField::Role`].
    pub role: Option<Role>,
    /// [`UserField::Organization`].
    pub organization_id: Option<String>,
    /// [`UserField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`UserField::Locale`].
    pub locale: Option<String>,
    /// [`UserField::TimeZone`].
    pub time_zone: Option<String>,
}

/// An organization, as far as asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Organization {
    /// Always there.
    pub id: String,
    /// [`OrganizationField::Name`].
    pub name: Option<String>,
    /// [`OrganizationField::DomainNames`].
    pub domain_names: Option<Vec<String>>,
    /// [`OrganizationField::Tags`].
    pub tags: Option<Vec<String>>,
    /// [`OrganizationField::OrganizationFields`].
    pub organization_fields: Option<Vec<CustomField>>,
}

impl Effect for Ticket {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", 1)]
    }
}

impl Effect for User {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", 1)]
    }
}

impl Effect for Organization {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", 1)]
    }
}

impl Effect for Vec<Comment> {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("records", self.len() as u64)]
    }
}

/// Read one ticket's named fields.
#[derive(Clone, Debug)]
pub struct GetTicket {
    /// Which.
    pub id: String,
    /// What of it.
    pub fields: BTreeSet<TicketField>,
}

/// Read up to 100 of a ticket's comments, oldest first.
#[derive(Clone, Debug)]
pub struct ListComments {
    /// Of which ticket.
    pub ticket: String,
    /// After the comment with this id.
    pub after: Option<String>,
}

/// Add one comment.
#[derive(Clone, Debug)]
pub struct AddComment {
    /// To which ticket.
    pub ticket: String,
    /// Plain text, 1 byte to 64 KiB.
    pub body: String,
    /// False for an internal note.
    pub public: bool,
    /// Two with the same key on one ticket by one installation are one comment.
    pub idempotency_key: String,
}

/// Change a ticket.
#[derive(Clone, Debug, Default)]
pub struct UpdateTicket {
    /// Which.
    pub ticket: String,
    /// The new status.
    pub status: Option<Status>,
    /// The new priority.
    pub priority: Option<Priority>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
}

/// Cover parts of a comment for good.
#[derive(Clone, Debug)]
pub struct RedactComment {
    /// Of which ticket.
    pub ticket: String,
    /// Which comment.
    pub comment: String,
    /// Stretches in Unicode scalar values: first, and one past the last.
    pub spans: Vec<(u32, u32)>,
}

/// Read one person's named fields.
#[derive(Clone, Debug)]
pub struct GetUser {
    /// Which.
    pub id: String,
    /// What of them.
    pub fields: BTreeSet<UserField>,
}

/// Read one organization's named fields.
#[derive(Clone, Debug)]
pub struct GetOrganization {
    /// Which.
    pub id: String,
    /// What of it.
    pub fields: BTreeSet<OrganizationField>,
}

macro_rules! acts {
    ($($act:ident, $name:literal, $what:literal, $id:ident;)*) => {$(
        impl Act for $act {
            const NAME: &'static str = $name;
            fn resource(&self) -> String { format!(concat!($what, ":{}"), self.$id) }
        }
    )*};
}

acts! {
    GetTicket, "tickets.get", "ticket", id;
    ListComments, "tickets.comments", "ticket", ticket;
    AddComment, "tickets.add-comment", "ticket", ticket;
    UpdateTicket, "tickets.update", "ticket", ticket;
    RedactComment, "tickets.redact", "ticket", ticket;
    GetUser, "users.get", "user", id;
    GetOrganization, "users.get-organization", "organization", id;
}

/// A help desk. Every operation is on the tenant of the spent permit's call, and on no other.
#[async_trait]
pub trait HelpDesk: Send + Sync {
    /// Reads a ticket. `NotFound` where the tenant has no such ticket.
    async fn ticket(&self, act: Spent<GetTicket>) -> Result<Ticket, ServiceError>;

    /// Reads comments.
    async fn comments(&self, act: Spent<ListComments>) -> Result<Vec<Comment>, ServiceError>;

    /// Adds a comment and gives its id; the same id again for the same key and text, `Conflict` for another text.
    async fn add_comment(&self, act: Spent<AddComment>) -> Result<String, ServiceError>;

    /// Changes a ticket. `Conflict` where it is closed.
    async fn update(&self, act: Spent<UpdateTicket>) -> Result<(), ServiceError>;

    /// Covers each character of the spans with U+2587. `Invalid` for a span outside the text.
    async fn redact(&self, act: Spent<RedactComment>) -> Result<(), ServiceError>;

    /// Reads a person.
    async fn user(&self, act: Spent<GetUser>) -> Result<User, ServiceError>;

    /// Reads an organization.
    async fn organization(&self, act: Spent<GetOrganization>) -> Result<Organization, ServiceError>;
}
