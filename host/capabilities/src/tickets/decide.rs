//! Which ticket scopes cover which acts, and of which tickets.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{
        AddComment, DeleteTicket, GetTicket, ListComments, RedactComment, SearchTickets, TicketField, UpdateTicket,
    },
    scope::{Allows, Filter, Grant, ScopeText, Within},
};

use super::scope::{TicketsScope, Visibility, readings};

const TICKETS: &str = "tickets";

/// The records that a picked set of scopes is about.
fn within(grant: &Grant<TicketsScope>, pick: impl Fn(&TicketsScope) -> Option<&Filter>) -> Within {
    Within::of(grant.scopes().filter_map(pick).cloned())
}

/// The tickets that may be commented on.
pub(super) fn commentable(grant: &Grant<TicketsScope>, public: bool) -> Within {
    let seen = if public { Visibility::Public } else { Visibility::Internal };
    within(grant, |scope| match scope {
        TicketsScope::Comment(of, filter) if of.has(&seen) => Some(filter),
        _ => None,
    })
}

/// The tickets of which all of the fields may be changed.
pub(super) fn writable(grant: &Grant<TicketsScope>, fields: &[TicketField]) -> Within {
    let one = |field: &TicketField| {
        within(grant, |scope| match scope {
            TicketsScope::Write(of, filter) if of.has(field) => Some(filter),
            _ => None,
        })
    };
    fields.iter().map(one).reduce(|all, one| all.meet(&one)).unwrap_or_default()
}

/// The tickets whose comments may be covered.
pub(super) fn redactable(grant: &Grant<TicketsScope>) -> Within {
    within(grant, |scope| if let TicketsScope::Redact(filter) = scope { Some(filter) } else { None })
}

/// The tickets that may be deleted.
pub(super) fn deletable(grant: &Grant<TicketsScope>) -> Within {
    within(grant, |scope| if let TicketsScope::Delete(filter) = scope { Some(filter) } else { None })
}

/// The tickets that a search may find: those of which what it asks by is readable in the clear, and anything of what it
/// wants to see.
pub(super) fn findable(
    grant: &Grant<TicketsScope>,
    asked_by: &BTreeSet<TicketField>,
    fields: &BTreeSet<TicketField>,
) -> Within {
    let readings = readings(grant);
    readings.within_clear(asked_by).meet(&readings.within_any(fields))
}

/// The fields that an update changes.
pub(super) fn changed(act: &UpdateTicket) -> Vec<TicketField> {
    let tags = act.set_tags.is_some() || !act.add_tags.is_empty() || !act.remove_tags.is_empty();
    [
        (act.status.is_some(), TicketField::Status),
        (act.priority.is_some(), TicketField::Priority),
        (tags, TicketField::Tags),
    ]
    .into_iter()
    .filter_map(|(changed, field)| changed.then_some(field))
    .collect()
}

fn read(fields: impl IntoIterator<Item = TicketField>) -> ScopeText {
    let names = fields.into_iter().map(|field| field.name().to_owned());
    ScopeText::new(TICKETS, "read").with("fields", names)
}

/// Refuses where nothing is allowed, and where the act reaches further than what is.
fn inside(allowed: &Within, act: &Within, what: &str) -> Result<(), String> {
    match allowed {
        Within(none) if none.is_empty() => Err(format!("{what} is not granted")),
        some if some.covers(act) => Ok(()),
        _ => Err(format!("{what} outside of 'where=' is not granted")),
    }
}

impl Allows<GetTicket> for TicketsScope {
    fn needed(act: &GetTicket) -> ScopeText {
        read(act.fields.iter().copied())
    }

    fn decide(grant: &Grant<Self>, act: &GetTicket) -> Result<(), String> {
        readings(grant).decide(TICKETS, &act.fields, &act.within)
    }
}

impl Allows<SearchTickets> for TicketsScope {
    fn needed(act: &SearchTickets) -> ScopeText {
        read(act.fields.union(&act.asked_by()).copied())
    }

    fn decide(grant: &Grant<Self>, act: &SearchTickets) -> Result<(), String> {
        let readings = readings(grant);
        readings.decide(TICKETS, &act.fields, &act.within)?;
        readings.decide_asking(TICKETS, &act.asked_by(), &act.within)
    }
}

impl Allows<ListComments> for TicketsScope {
    fn needed(_: &ListComments) -> ScopeText {
        read([TicketField::Comments])
    }

    fn decide(grant: &Grant<Self>, act: &ListComments) -> Result<(), String> {
        readings(grant).decide(TICKETS, &[TicketField::Comments].into(), &act.within)
    }
}

impl Allows<AddComment> for TicketsScope {
    fn needed(act: &AddComment) -> ScopeText {
        let seen = if act.public { Visibility::Public } else { Visibility::Internal };
        ScopeText::new(TICKETS, "comment").with("visibility", [seen.name().to_owned()])
    }

    fn decide(grant: &Grant<Self>, act: &AddComment) -> Result<(), String> {
        let sort = if act.public { "public" } else { "internal" };
        inside(&commentable(grant, act.public), &act.within, &format!("adding {sort} comments"))
    }
}

impl Allows<UpdateTicket> for TicketsScope {
    fn needed(act: &UpdateTicket) -> ScopeText {
        let names = changed(act).into_iter().map(|field| field.name().to_owned());
        ScopeText::new(TICKETS, "write").with("fields", names)
    }

    fn decide(grant: &Grant<Self>, act: &UpdateTicket) -> Result<(), String> {
        let fields = changed(act);
        let missing = |field: &&TicketField| writable(grant, &[**field]).0.is_empty();
        let missing: Vec<&str> = fields.iter().filter(missing).map(|field| field.name()).collect();
        match missing.is_empty() {
            false => Err(format!("changing {} of tickets is not granted", missing.join(", "))),
            true if writable(grant, &fields).covers(&act.within) => Ok(()),
            true => Err("changing tickets outside of 'where=' is not granted".to_owned()),
        }
    }
}

impl Allows<RedactComment> for TicketsScope {
    fn needed(_: &RedactComment) -> ScopeText {
        ScopeText::new(TICKETS, "redact")
    }

    fn decide(grant: &Grant<Self>, act: &RedactComment) -> Result<(), String> {
        inside(&redactable(grant), &act.within, "redacting comments")
    }
}

impl Allows<DeleteTicket> for TicketsScope {
    fn needed(_: &DeleteTicket) -> ScopeText {
        ScopeText::new(TICKETS, "delete")
    }

    fn decide(grant: &Grant<Self>, act: &DeleteTicket) -> Result<(), String> {
        inside(&deletable(grant), &act.within, "deleting tickets")
    }
}

#[cfg(test)]
#[path = "decide_test.rs"]
mod tests;
