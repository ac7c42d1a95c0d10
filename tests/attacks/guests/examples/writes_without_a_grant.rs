//! tries: to write with scopes for reading and for notes alone
//! stands-for: INT-2, DAT-4
//! asks: tickets:read fields=*
//! asks: tickets:comment visibility=internal
//! expect: ok
//! denies: tickets.update
//! denies: tickets.redact
//! denies: tickets.delete
//! denies: tickets.add-comment
//! afterwards: tickets

use portcullis_attack_guests::*;

attack!(|_| {
    let changes = tickets::Changes { status: Some(tickets::Status::Closed), ..no_changes() };
    denied("a change", tickets::update("1005", &changes))?;
    denied("a redaction", tickets::redact("1005", "30064058017000", &[tickets::Span { start: 0, end: 1 }]))?;
    denied("a deletion", tickets::delete("1005"))?;
    let public = tickets::NewComment { public: true, ..note("for the customer", None) };
    denied("a public comment", tickets::add_comment("1005", &public))?;
    // A change of nothing is no way to find out about a ticket.
    fails("a change of nothing", tickets::update("1005", &no_changes()))
});
