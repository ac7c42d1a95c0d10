//! tries: to read, search and list tickets outside of the grant's where=
//! stands-for: DAT-2, INT-2
//! asks: tickets:read fields=subject,status,organization_id,requester_id,comments where=organization:361014,status:open
//! limit: records-read=1000
//! limit: wall-ms=30000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let fields = names(&["status", "organization_id"]);
    works("inside", tickets::get("1009", &fields))?;
    not_found("another organization", tickets::get("1005", &fields))?;
    not_found("another status", tickets::get("1013", &fields))?;
    not_found("its comments", tickets::comments("1013", None))?;
    for query in [
        any(),
        tickets::Query { organization_id: Some("361001".to_owned()), ..any() },
        tickets::Query { status: vec![tickets::Status::Solved, tickets::Status::Hold], ..any() },
        tickets::Query { requester_id: Some("9010085".to_owned()), ..any() },
        tickets::Query { words: Some("voucher".to_owned()), ..any() },
    ] {
        let mut after = None;
        loop {
            let page =
                works("a search", tickets::search(&query, tickets::Sort::Newest, &fields, 100, after.as_deref()))?;
            for ticket in &page.tickets {
                let fits =
                    ticket.organization_id.as_deref() == Some("361014") && ticket.status == Some(tickets::Status::Open);
                must(fits, format!("{ticket:?}"))?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
});
