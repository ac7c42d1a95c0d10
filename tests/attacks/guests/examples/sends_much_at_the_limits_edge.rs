//! tries: to send texts and lists that are large, and yet small enough to be taken, where a short one is expected
//! stands-for: MNT-5, INC-6
//! asks: tickets:read fields=subject,tags
//! asks: tickets:comment visibility=internal
//! asks: kv:read
//! asks: kv:write bytes=1MiB
//! limit: memory-mib=64
//! limit: cpu-ms=10000
//! limit: wall-ms=30000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let long = "9".repeat(4 * 1024 * 1024);
    nothing("a ticket's id of 4 MiB", tickets::get(&long, &names(&["subject"])))?;
    invalid("a field's name of 4 MiB", tickets::get("1005", std::slice::from_ref(&long)))?;
    invalid(
        "words of 4 MiB",
        tickets::search(
            &tickets::Query { words: Some(long.clone()), ..any() },
            tickets::Sort::Newest,
            &names(&["subject"]),
            1,
            None,
        ),
    )?;
    invalid("a cursor of 4 MiB", tickets::search(&any(), tickets::Sort::Newest, &names(&["subject"]), 1, Some(&long)))?;
    invalid("a comment of 4 MiB", tickets::add_comment("1005", &note(&long, None)))?;
    invalid("a key of 4 MiB", tickets::add_comment("1005", &note("x", Some(&long))))?;
    invalid("a bucket's name of 4 MiB", kv::open(&long))?;
    let bucket = works("a bucket", kv::open("edge"))?;
    invalid("a kv key of 4 MiB", bucket.get(&long))?;
    fails("a value of 4 MiB", bucket.set("value", long.as_bytes(), None))?;
    fails(
        "100,000 tags",
        tickets::search(
            &tickets::Query { tags: vec!["x".to_owned(); 100_000], ..any() },
            tickets::Sort::Newest,
            &names(&["subject"]),
            1,
            None,
        ),
    )?;
    let many = vec!["subject".to_owned(); 200_000];
    // One field named often is one field: it may be refused or read, and read it must be the one ticket.
    match tickets::get("1005", &many) {
        Ok(ticket) => must(ticket.id == "1005" && ticket.tags.is_none(), "another ticket, or another field"),
        Err(_) => Ok(()),
    }
});
