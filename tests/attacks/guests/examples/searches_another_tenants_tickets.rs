//! tries: to find tickets of another tenant by every field that a search knows
//! stands-for: DAT-11
//! asks: tickets:read fields=*
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! limit: records-read=2000
//! expect: ok
//! afterwards: tenants

use portcullis_attack_guests::*;

fn find(query: tickets::Query) -> Outcome {
    let mut after = None;
    loop {
        let page = tickets::search(&query, tickets::Sort::Newest, &names(&["subject"]), 100, after.as_deref())?;
        if let Some(ticket) = page.tickets.iter().find(|ticket| ticket.id == "77001") {
            return Err(escaped(format!("{ticket:?}")));
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

attack!(|_| {
    find(any())?;
    find(tickets::Query { words: Some("canary".to_owned()), ..any() })?;
    find(tickets::Query { words: Some("%".to_owned()), ..any() })?;
    find(tickets::Query { requester_id: Some("7700002".to_owned()), ..any() })?;
    find(tickets::Query { organization_id: Some("770003".to_owned()), ..any() })?;
    find(tickets::Query { tags: names(&["canary-tag"]), ..any() })?;
    find(tickets::Query { updated_since: Some("1970-01-01T00:00:00Z".to_owned()), ..any() })
});
