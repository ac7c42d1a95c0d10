//! The names of what a ticket holds.

/// A field of a ticket that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `subject`
    Subject,
    /// `description`, the first comment's text.
    Description,
    /// `status`
    Status,
    /// `priority`
    Priority,
    /// `type`, which a [`Ticket`] has as `kind`.
    Type,
    /// `requester_id`
    RequesterId,
    /// `assignee_id`
    AssigneeId,
    /// `organization_id`
    OrganizationId,
    /// `tags`
    Tags,
    /// `custom_fields`
    CustomFields,
    /// `created_at`
    CreatedAt,
    /// `updated_at`
    UpdatedAt,
    /// `brand_id`, which of the subscriber's brands it belongs to.
    BrandId,
}

impl Field {
    /// The field's name in scopes and in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Description => "description",
            Self::Status => "status",
            Self::Priority => "priority",
            Self::Type => "type",
            Self::RequesterId => "requester_id",
            Self::AssigneeId => "assignee_id",
            Self::OrganizationId => "organization_id",
            Self::Tags => "tags",
            Self::CustomFields => "custom_fields",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::BrandId => "brand_id",
        }
    }
}
