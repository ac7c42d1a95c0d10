//! tries: to carry off all tickets, page by page, call after call
//! stands-for: DAT-2, MON-4, INC-1
//! asks: tickets:read fields=subject,description
//! limit: records-read=150
//! limit: records-read-per-hour=220
//! limit: wall-ms=30000
//! limit: cpu-ms=3000
//! calls: own, own, own
//! expect: ok
//! afterwards: limits

use portcullis_attack_guests::*;

attack!(|_| {
    let mut after = None;
    let mut read = 0;
    let end = loop {
        match tickets::search(&any(), tickets::Sort::Newest, &names(&["subject", "description"]), 100, after.as_deref())
        {
            Ok(page) => {
                read += page.tickets.len();
                after = page.next;
                if after.is_none() {
                    break "all of them".to_owned();
                }
            }
            Err(Error::Limited(limit)) => break limit.name,
            Err(Error::Denied(denial)) => break denial.reason,
            Err(error) => return Err(missed(format!("{error:?}"))),
        }
    };
    say(&format!("{read} read: {end}"));
    must(end != "all of them" && read <= 150, format!("{read} tickets in one call"))
});
