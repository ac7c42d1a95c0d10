//! tries: to cover what is not there: spans that are turned, beyond the text, in the middle of a letter, and very many
//! stands-for: DAT-4, MNT-5, INC-6
//! asks: tickets:redact
//! asks: tickets:read fields=comments
//! limit: memory-mib=32
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let first = |ticket: &str| -> Result<tickets::Comment, Error> {
        works("comments", tickets::comments(ticket, None))?.into_iter().next().ok_or_else(|| missed("no comment"))
    };
    // Written in letters of three bytes.
    let before = first("1026")?;
    let length = u32::try_from(before.body.chars().count()).unwrap_or(u32::MAX);
    let bytes = u32::try_from(before.body.len()).unwrap_or(u32::MAX);
    must(bytes > length, "MISSED: its letters have one byte each")?;
    for (start, end) in [
        (5, 2),
        (0, length + 1),
        (length, length + 1),
        (0, bytes),
        (0, u32::MAX),
        (u32::MAX, 0),
        (u32::MAX, u32::MAX),
        (3, 2),
    ] {
        let span = tickets::Span { start, end };
        invalid("a span", tickets::redact("1026", &before.id, &[span]))?;
        let fine = tickets::Span { start: 0, end: 1 };
        invalid("beside a right one", tickets::redact("1026", &before.id, &[fine, span]))?;
    }
    let many = vec![tickets::Span { start: 0, end: 1 }; 300_000];
    fails("300,000 spans", tickets::redact("1026", &before.id, &many))?;
    must(first("1026")?.body == before.body, "the text was changed")?;
    for id in ["", "0", "-1", "x", "30064058022039"] {
        nothing("a comment that is not its", tickets::redact("1026", id, &[tickets::Span { start: 0, end: 1 }]))?;
    }
    Ok(())
});
