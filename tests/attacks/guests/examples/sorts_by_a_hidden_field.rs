//! tries: to learn when tickets changed, by the order in which they are found
//! stands-for: DAT-1, DAT-2
//! asks: tickets:read fields=subject
//! expect: ok
//! denies: tickets.search

use portcullis_attack_guests::*;

attack!(|_| {
    let subject = names(&["subject"]);
    let page = works("by id", tickets::search(&any(), tickets::Sort::Newest, &subject, 5, None))?;
    denied("by last change", tickets::search(&any(), tickets::Sort::Updated, &subject, 5, None))?;
    // Not by way of a cursor either.
    fails(
        "with the other order's cursor",
        tickets::search(&any(), tickets::Sort::Updated, &subject, 5, page.next.as_deref()),
    )
});
