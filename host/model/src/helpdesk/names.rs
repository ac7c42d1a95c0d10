//! The names that the help desk's records are made of: fields and closed sets of values, spelt as Zendesk spells them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    class::Class,
    scope::{Attribute, Field, nearest},
    veil::Shape,
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
        /// Which of the subscriber's brands.
        Brand = "brand_id",
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

impl Field for TicketField {
    const ALL: &'static [Self] = Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn class(self) -> Class {
        match self {
            Self::Subject | Self::Description | Self::Requester | Self::CustomFields | Self::Comments => {
                Class::Personal
            }
            _ => Class::Internal,
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Status | Self::Priority | Self::Type => Shape::Closed,
            Self::Requester | Self::Assignee | Self::Organization | Self::Brand => Shape::Id,
            Self::CreatedAt | Self::UpdatedAt => Shape::Moment,
            Self::Subject | Self::Description | Self::Tags | Self::CustomFields | Self::Comments => Shape::Text,
        }
    }
}

impl Field for UserField {
    const ALL: &'static [Self] = Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn class(self) -> Class {
        match self {
            Self::Name | Self::Email | Self::Phone | Self::Locale | Self::TimeZone => Class::Personal,
            Self::Role | Self::Organization | Self::Tags => Class::Internal,
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Name => Shape::Name,
            Self::Email => Shape::Email,
            Self::Phone => Shape::Phone,
            Self::Role => Shape::Closed,
            Self::Organization => Shape::Id,
            Self::Tags | Self::Locale | Self::TimeZone => Shape::Text,
        }
    }
}

impl Field for OrganizationField {
    const ALL: &'static [Self] = Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn class(self) -> Class {
        Class::Internal
    }

    fn shape(self) -> Shape {
        Shape::Text
    }
}

/// What tickets can be told apart by in a scope's `where=`.
pub const TICKET_ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "brand", values: &[] },
    Attribute { name: "organization", values: &[] },
    Attribute { name: "status", values: &["new", "open", "pending", "hold", "solved", "closed"] },
    Attribute { name: "priority", values: &["low", "normal", "high", "urgent"] },
    Attribute { name: "type", values: &["problem", "incident", "question", "task"] },
    Attribute { name: "assignee", values: &[] },
    Attribute { name: "requester", values: &[] },
];

/// What people can be told apart by.
pub const USER_ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "organization", values: &[] },
    Attribute { name: "role", values: &["end-user", "agent", "admin"] },
];

/// What organizations can be told apart by.
pub const ORGANIZATION_ATTRIBUTES: &[Attribute] = &[Attribute { name: "organization", values: &[] }];
