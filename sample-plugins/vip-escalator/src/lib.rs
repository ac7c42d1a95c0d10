//! VIP escalator raises the priority of important customers' tickets, once a ticket.
//!
//! The effects, in this order: remember in the store what is going to be done, raise the priority, add the note,
//! remember that it is done. A delivery that broke off anywhere in between is finished by the next one: the intent
//! tells it that a priority that is high already was raised here, so that the note is still owed.

#![forbid(unsafe_code)]

mod progress;
pub mod rules;

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Changes, Field, NewComment, Priority, Ticket};
use portcullis_sdk::users::{Organization, OrganizationField};

use progress::Progress;

const KINDS: [&str; 2] = ["zen:event-type:ticket.created", "zen:event-type:ticket.comment_added"];
const TICKET: [Field; 4] = [Field::RequesterId, Field::OrganizationId, Field::Priority, Field::Status];

/// The plugin.
pub struct VipEscalator;

impl Events for VipEscalator {
    fn handle(event: Event) -> Result<(), Error> {
        if !KINDS.contains(&event.kind.as_str()) {
            return Ok(());
        }
        let id = event.ticket_id()?;
        let progress = progress::Store::open()?;
        match progress.of(id)? {
            Progress::Done => Ok(()),
            Progress::Intended(priority) => raise(id, priority, &progress),
            Progress::None => match decide(id)? {
                Some(priority) => {
                    progress.set(id, Progress::Intended(priority))?;
                    raise(id, priority, &progress)
                }
                None => Ok(()),
            },
        }
    }
}

/// The priority that the ticket is to be raised to, if any.
fn decide(id: &str) -> Result<Option<Priority>, Error> {
    let ticket = match tickets::get(id, &TICKET) {
        // Gone, or none of those that this installation is for.
        Err(Error::NotFound) => return Ok(None),
        other => other?,
    };
    let Some(organization) = organization(&ticket)? else {
        return Ok(None);
    };
    Ok(rules::raise_to(&ticket, &organization))
}

/// The requester's organization. The ticket names it unless the requester was moved since.
fn organization(ticket: &Ticket) -> Result<Option<Organization>, Error> {
    let id = match (&ticket.organization_id, &ticket.requester_id) {
        (Some(organization), _) => Some(organization.clone()),
        (None, Some(requester)) => users::get(requester, &[users::Field::OrganizationId])?.organization_id,
        (None, None) => None,
    };
    let fields = [OrganizationField::Tags, OrganizationField::OrganizationFields];
    id.map(|id| users::organization(&id, &fields)).transpose()
}

fn raise(id: &str, priority: Priority, progress: &progress::Store) -> Result<(), Error> {
    let name = rules::name(priority);
    match tickets::update(id, Changes::new().priority(priority)) {
        Ok(()) => {
            let note = format!("Priority raised to {name}: the requester's organization is a VIP.");
            tickets::add_comment(id, NewComment::internal(note).key(format!("vip-escalator-{id}")))?;
            log::info!("ticket {id}: raised to {name}");
        }
        // Closed in the meantime: there is nothing left to raise.
        Err(Error::Conflict) => log::info!("ticket {id}: closed before it could be raised"),
        Err(error) => return Err(error),
    }
    progress.set(id, Progress::Done)
}

portcullis_sdk::export!(VipEscalator: Events);
