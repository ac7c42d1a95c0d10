//! tries: to change tickets outside of the grant's where=, and to pull them in or push others out
//! stands-for: DAT-2, INT-2
//! asks: tickets:write fields=status where=status:open
//! asks: tickets:write fields=tags where=organization:361014
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

fn status(to: tickets::Status) -> tickets::Changes {
    tickets::Changes { status: Some(to), ..no_changes() }
}

attack!(|_| {
    not_found("a ticket on hold", tickets::update("1001", &status(tickets::Status::Open)))?;
    let tag = tickets::Changes { add_tags: names(&["mine"]), ..no_changes() };
    not_found("tags of another organization's", tickets::update("1005", &tag))?;
    // Each scope covers half of it: status of an open ticket, tags of an organization's.
    let both = tickets::Changes { add_tags: names(&["mine"]), ..status(tickets::Status::Pending) };
    not_found("both, of an open ticket of another organization", tickets::update("1005", &both))?;
    not_found("both, of a ticket of the organization on hold", tickets::update("1013", &both))?;
    works("a ticket that is open", tickets::update("1006", &status(tickets::Status::Solved)))?;
    not_found("the same ticket, which is not open any more", tickets::update("1006", &status(tickets::Status::Open)))?;
    let urgent = tickets::Changes { priority: Some(tickets::Priority::Urgent), ..no_changes() };
    denied("a field of neither", tickets::update("1005", &urgent))
});
