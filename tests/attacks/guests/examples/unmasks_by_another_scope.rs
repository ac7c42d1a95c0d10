//! tries: to see a field in the clear that one scope masks, since another scope shows it of other tickets
//! stands-for: DAT-1, ACC-9
//! asks: tickets:read fields=subject,status,organization_id mask=subject where=organization:361001
//! asks: tickets:read fields=subject,organization_id where=organization:361014
//! expect: ok
//! denies: tickets.search

use portcullis_attack_guests::*;

attack!(|_| {
    let subject = names(&["subject"]);
    let masked = works("a masked one", tickets::get("1005", &subject))?.subject.unwrap_or_default();
    must(!masked.contains("voucher"), format!("get: {masked}"))?;
    let clear = works("a clear one", tickets::get("1009", &subject))?.subject.unwrap_or_default();
    must(clear.contains("Android"), "MISSED: the other scope shows nothing")?;
    not_found("neither's", tickets::get("1020", &subject))?;
    let fields = names(&["subject", "organization_id"]);
    let page = works("both", tickets::search(&any(), tickets::Sort::Newest, &fields, 100, None))?;
    for ticket in &page.tickets {
        let shown = ticket.subject.as_deref().unwrap_or_default();
        match ticket.organization_id.as_deref() {
            Some("361001") => must(!shown.contains(' '), format!("search: {ticket:?}"))?,
            Some("361014") => {}
            _ => return Err(escaped(format!("neither's: {ticket:?}"))),
        }
    }
    // Searching by the subject must find only where it is clear.
    let words = tickets::Query { words: Some("voucher".to_owned()), ..any() };
    let found = works("by words", tickets::search(&words, tickets::Sort::Newest, &subject, 100, None))?.tickets;
    must(found.iter().all(|ticket| ticket.id != "1005"), format!("by words: {found:?}"))?;
    // A field of one scope, of a ticket that only the other is about.
    fails("status of the other's", tickets::get("1009", &names(&["status"])))?;
    let by_tags = tickets::Query { tags: names(&["login"]), ..any() };
    denied("by a field of neither", tickets::search(&by_tags, tickets::Sort::Newest, &subject, 10, None))
});
