//! Who is a VIP, and how far up their tickets go. No call into the host.

use portcullis_sdk::tickets::{Priority, Status, Ticket};
use portcullis_sdk::users::Organization;

/// The priority that a ticket of this organization is to be raised to; nothing where it stands as high already, is
/// solved or closed, or the organization is no VIP.
pub fn raise_to(ticket: &Ticket, organization: &Organization) -> Option<Priority> {
    if matches!(ticket.status, Some(Status::Solved | Status::Closed)) {
        return None;
    }
    let target = target(organization)?;
    ticket.priority.is_none_or(|now| now < target).then_some(target)
}

/// A platinum tag counts for `urgent`, the tag `vip` or the enterprise plan for `high`.
fn target(organization: &Organization) -> Option<Priority> {
    if organization.has_tag("vip-platinum") {
        return Some(Priority::Urgent);
    }
    let plan = organization.custom_field("plan").and_then(|field| field.text());
    (organization.has_tag("vip") || plan.as_deref() == Some("enterprise")).then_some(Priority::High)
}

/// Zendesk's name for a priority.
pub fn name(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}

/// The priority of a name.
pub fn named(name: &str) -> Option<Priority> {
    [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent].into_iter().find(|&own| self::name(own) == name)
}
