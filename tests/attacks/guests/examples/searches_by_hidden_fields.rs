//! tries: to learn fields that it may not read, by searching for their values
//! stands-for: DAT-1, DAT-2
//! asks: tickets:read fields=subject
//! expect: ok
//! denies: tickets.search

use portcullis_attack_guests::*;

fn search(query: tickets::Query) -> Result<tickets::Page, Error> {
    tickets::search(&query, tickets::Sort::Newest, &names(&["subject"]), 10, None)
}

attack!(|_| {
    let found = works("by the subject", search(tickets::Query { words: Some("voucher".to_owned()), ..any() }))?;
    must(!found.tickets.is_empty(), "MISSED: nothing was found by a granted field")?;
    denied("status", search(tickets::Query { status: vec![tickets::Status::Open], ..any() }))?;
    denied("priority", search(tickets::Query { priority: vec![tickets::Priority::Urgent], ..any() }))?;
    denied("tags", search(tickets::Query { tags: names(&["voucher"]), ..any() }))?;
    denied("requester", search(tickets::Query { requester_id: Some("9010085".to_owned()), ..any() }))?;
    denied("assignee", search(tickets::Query { assignee_id: Some("9010036".to_owned()), ..any() }))?;
    denied("organization", search(tickets::Query { organization_id: Some("361001".to_owned()), ..any() }))?;
    denied("brand", search(tickets::Query { brand_id: Some("1".to_owned()), ..any() }))?;
    denied("moment", search(tickets::Query { updated_since: Some("2026-09-01T00:00:00Z".to_owned()), ..any() }))?;
    // Beside a field that is granted, and for one that cannot exist: the answer must be the same.
    let words = Some("voucher".to_owned());
    denied("beside words", search(tickets::Query { words, tags: names(&["voucher"]), ..any() }))?;
    denied("what cannot be", search(tickets::Query { requester_id: Some("1".to_owned()), ..any() }))
});
