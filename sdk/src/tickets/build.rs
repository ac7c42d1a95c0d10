//! Tickets for plain tests, built field by field.

use super::{Kind, Priority, Status, Ticket};
use crate::CustomField;

/// For [`Host::with_ticket`](crate::testing::Host::with_ticket). Only off wasm.
impl Ticket {
    /// A new ticket without tags, and with nothing else but an id.
    pub fn new(id: impl Into<String>) -> Self {
        Self { status: Some(Status::New), tags: Some(Vec::new()), ..Self::blank(id) }
    }

    /// A ticket of which no field was asked for.
    pub(super) fn blank(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            subject: None,
            description: None,
            status: None,
            priority: None,
            kind: None,
            requester_id: None,
            assignee_id: None,
            organization_id: None,
            tags: None,
            custom_fields: None,
            created_at: None,
            updated_at: None,
            brand_id: None,
        }
    }

    /// Sets the subject.
    pub fn with_subject(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    /// Sets the description.
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Sets the status.
    pub fn with_status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets the priority.
    pub fn with_priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Sets the type.
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Sets the requester's id.
    pub fn with_requester(self, id: impl Into<String>) -> Self {
        Self { requester_id: Some(id.into()), ..self }
    }

    /// Sets the organization's id.
    pub fn with_organization(self, id: impl Into<String>) -> Self {
        Self { organization_id: Some(id.into()), ..self }
    }

    /// Sets the assignee's id.
    pub fn with_assignee(self, id: impl Into<String>) -> Self {
        Self { assignee_id: Some(id.into()), ..self }
    }

    /// Sets the brand's id.
    pub fn with_brand(self, id: impl Into<String>) -> Self {
        Self { brand_id: Some(id.into()), ..self }
    }

    /// Sets the moment of the last change, RFC 3339 in UTC.
    pub fn with_updated_at(self, moment: impl Into<String>) -> Self {
        Self { updated_at: Some(moment.into()), ..self }
    }

    /// Adds a tag.
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.get_or_insert_default().push(tag.into());
        self
    }

    /// Adds a custom field; the value is JSON text, so text has quotes of its own: `"\"gold\""`.
    pub fn with_field(mut self, id: impl Into<String>, value: impl Into<String>) -> Self {
        let field = CustomField { id: id.into(), value: value.into() };
        self.custom_fields.get_or_insert_default().push(field);
        self
    }
}
