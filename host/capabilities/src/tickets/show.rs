//! Projection: what of a ticket reaches the guest, and how (DAT-1 to DAT-3). Default: drop.
//!
//! Invariant: a value gets into the answer only through the veil, under the view that the grant gives for that field of
//! that record.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{Comment, CustomField, Seen, Ticket, TicketField},
    scope::{Facts, Field as _, Readings, View},
    veil::Veil,
};
use serde_json::Value;

/// How one record's fields are shown.
pub(super) struct Showing<'a> {
    pub readings: Readings<'a, TicketField>,
    pub veil: &'a Veil,
}

impl Showing<'_> {
    /// The ticket with those of the fields that may be seen of it.
    pub fn ticket(&self, seen: Seen<Ticket>, fields: &BTreeSet<TicketField>) -> Ticket {
        use TicketField as F;
        let Seen { record: ticket, facts } = seen;
        let view = |field: F| fields.contains(&field).then(|| self.readings.view(field, &facts)).flatten();
        let text = |field: F, value: Option<String>| self.text(view(field), field, value);
        Ticket {
            id: ticket.id,
            subject: text(F::Subject, ticket.subject),
            description: text(F::Description, ticket.description),
            status: ticket.status.filter(|_| view(F::Status) == Some(View::Clear)),
            priority: ticket.priority.filter(|_| view(F::Priority) == Some(View::Clear)),
            kind: ticket.kind.filter(|_| view(F::Type) == Some(View::Clear)),
            requester_id: text(F::Requester, ticket.requester_id),
            assignee_id: text(F::Assignee, ticket.assignee_id),
            organization_id: text(F::Organization, ticket.organization_id),
            tags: self.all(view(F::Tags), F::Tags, ticket.tags),
            custom_fields: self.custom(view(F::CustomFields), ticket.custom_fields),
            created_at: text(F::CreatedAt, ticket.created_at),
            updated_at: text(F::UpdatedAt, ticket.updated_at),
            brand_id: text(F::Brand, ticket.brand_id),
        }
    }

    /// A ticket's comments, as they may be seen; none where the ticket is outside of what the grant speaks of.
    pub fn comments(&self, seen: Seen<Vec<Comment>>) -> Vec<Comment> {
        let Some(view) = self.readings.view(TicketField::Comments, &seen.facts) else { return Vec::new() };
        let author = author_view(&self.readings, view, &seen.facts);
        let show = |comment: Comment| Comment {
            author_id: self.shown(author, TicketField::Requester, comment.author_id),
            body: self.shown(view, TicketField::Comments, comment.body),
            ..comment
        };
        seen.record.into_iter().map(show).collect()
    }

    fn shown(&self, view: View, field: TicketField, value: String) -> String {
        self.veil.show(view, field.shape(), domain(field), value)
    }

    fn text(&self, view: Option<View>, field: TicketField, value: Option<String>) -> Option<String> {
        Some(self.shown(view?, field, value?))
    }

    fn all(&self, view: Option<View>, field: TicketField, values: Option<Vec<String>>) -> Option<Vec<String>> {
        let view = view?;
        Some(values?.into_iter().map(|value| self.shown(view, field, value)).collect())
    }

    fn custom(&self, view: Option<View>, fields: Option<Vec<CustomField>>) -> Option<Vec<CustomField>> {
        let view = view?;
        let value = |value| self.json(view, TicketField::CustomFields, value);
        Some(fields?.into_iter().map(|field| CustomField { id: field.id, value: value(field.value) }).collect())
    }

    fn json(&self, view: View, field: TicketField, value: Value) -> Value {
        self.veil.show_json(view, field.shape(), domain(field), value)
    }
}

/// How the author of a comment is shown: as its text is, and no better than a requester or an assignee whom the grant masks or
/// gives a token.
pub(crate) fn author_view(readings: &Readings<'_, TicketField>, comments: View, facts: &Facts) -> View {
    let people = [TicketField::Requester, TicketField::Assignee].map(|field| readings.view(field, facts));
    people.into_iter().flatten().fold(comments, |view, person| view.meet(person).unwrap_or(View::Mask))
}

/// What keeps tokens of different fields apart. All ids of people share one, so that a requester's token is the same as the
/// author's of their comments.
pub(crate) fn domain(field: TicketField) -> &'static str {
    match field {
        TicketField::Requester | TicketField::Assignee => "user",
        TicketField::Organization => "organization",
        TicketField::Description | TicketField::Comments => "text",
        other => other.name(),
    }
}

/// One field of an event's data, as it may be seen of the record that the event is about.
pub(crate) fn event_value(
    readings: &Readings<'_, TicketField>,
    veil: &Veil,
    field: TicketField,
    facts: &Facts,
    value: &Value,
) -> Option<Value> {
    let view = readings.view(field, facts)?;
    let one = |value: &Value| veil.show_json(view, field.shape(), domain(field), value.clone());
    Some(match value {
        Value::Array(all) if view != View::Clear => all.iter().map(one).collect(),
        other => one(other),
    })
}
