//! tries: to comment on, change, redact and delete a ticket of another tenant
//! stands-for: DAT-11, DAT-4
//! asks: tickets:comment visibility=internal,public
//! asks: tickets:write fields=status,priority,tags
//! asks: tickets:redact
//! asks: tickets:delete
//! expect: ok
//! afterwards: tenants

use portcullis_attack_guests::*;

attack!(|_| {
    for id in ["77001", "victim/77001", "victim:77001"] {
        nothing("a comment", tickets::add_comment(id, &note("I was here.", Some("k"))))?;
        let closed = tickets::Changes { status: Some(tickets::Status::Closed), ..no_changes() };
        nothing("a change", tickets::update(id, &closed))?;
        nothing("a redaction", tickets::redact(id, "77990001", &[tickets::Span { start: 0, end: 1 }]))?;
        nothing("a deletion", tickets::delete(id))?;
    }
    // A comment of another tenant, by way of a ticket of its own.
    nothing("another's comment", tickets::redact("1005", "77990001", &[tickets::Span { start: 0, end: 1 }]))
});
