//! tries: to tell tickets that it may not see from tickets that there are not, by error and by error text
//! stands-for: DAT-2, DAT-11
//! asks: tickets:read fields=subject,comments where=organization:361001
//! asks: tickets:comment visibility=internal where=organization:361001
//! asks: tickets:write fields=status where=organization:361001
//! asks: tickets:redact where=organization:361001
//! asks: tickets:delete where=organization:361001
//! expect: ok

use portcullis_attack_guests::*;

/// The answers to all that can be asked of a ticket.
fn answers(id: &str) -> [String; 6] {
    let span = [tickets::Span { start: 0, end: 1 }];
    let open = tickets::Changes { status: Some(tickets::Status::Open), ..no_changes() };
    [
        format!("{:?}", tickets::get(id, &names(&["subject"]))),
        format!("{:?}", tickets::comments(id, None)),
        format!("{:?}", tickets::add_comment(id, &note("x", Some("k")))),
        format!("{:?}", tickets::update(id, &open)),
        format!("{:?}", tickets::redact(id, "30064058018785", &span)),
        format!("{:?}", tickets::delete(id)),
    ]
}

attack!(|_| {
    works("one that it may see", tickets::get("1005", &names(&["subject"])))?;
    let hidden = answers("1009");
    let absent = answers("990009");
    must(hidden == absent, format!("{hidden:?} is not {absent:?}"))?;
    must(hidden.iter().all(|answer| answer == "Err(Error::NotFound)"), format!("{hidden:?}"))
});
