//! tries: to cover comments outside of the grant's where=, by way of a ticket inside it too
//! stands-for: DAT-2, DAT-4, INT-2
//! asks: tickets:redact where=organization:361014
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

attack!(|_| {
    let span = [tickets::Span { start: 0, end: 5 }];
    // The first comment of ticket 1019, and of ticket 1016.
    not_found("a ticket outside", tickets::redact("1019", "30064058022039", &span))?;
    not_found("its comment, by way of one inside", tickets::redact("1016", "30064058022039", &span))?;
    works("a comment inside", tickets::redact("1016", "30064058020146", &span))
});
