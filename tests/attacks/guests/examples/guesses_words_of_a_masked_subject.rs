//! tries: to learn a masked or replaced subject word by word, by searching for guesses
//! stands-for: DAT-1, DAT-2
//! asks: tickets:read fields=subject,requester_id,status mask=subject token=requester_id
//! expect: ok
//! denies: tickets.search

use portcullis_attack_guests::*;

fn search(query: tickets::Query) -> Result<tickets::Page, Error> {
    tickets::search(&query, tickets::Sort::Newest, &names(&["status"]), 10, None)
}

attack!(|_| {
    let ticket = works("the ticket", tickets::get("1005", &names(&["subject", "requester_id"])))?;
    let subject = ticket.subject.unwrap_or_default();
    must(!subject.contains("voucher") && !subject.contains('G'), format!("masked: {subject}"))?;
    let requester = ticket.requester_id.unwrap_or_default();
    must(requester.starts_with("tok_"), format!("replaced: {requester}"))?;
    for words in ["voucher", "nothing-of-the-sort", "g", "•••"] {
        denied(words, search(tickets::Query { words: Some(words.to_owned()), ..any() }))?;
    }
    denied("the requester", search(tickets::Query { requester_id: Some("9010085".to_owned()), ..any() }))?;
    denied("the requester's stand-in", search(tickets::Query { requester_id: Some(requester), ..any() }))?;
    works("by what is clear", search(tickets::Query { status: vec![tickets::Status::Open], ..any() })).map(drop)
});
