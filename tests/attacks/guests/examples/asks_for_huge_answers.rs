//! tries: to be handed more at once than the host should ever build
//! stands-for: INC-6, RUSTSEC-2026-0020
//! asks: tickets:read fields=subject,description
//! asks: random:read
//! limit: cpu-ms=5000
//! limit: memory-mib=32
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let page = works("a search", tickets::search(&any(), tickets::Sort::Newest, &names(&["subject"]), u32::MAX, None))?;
    must(page.tickets.len() <= 100, format!("{} tickets at once", page.tickets.len()))?;
    invalid("4 GiB of random bytes", random::bytes(u32::MAX))?;
    invalid("4 KiB and 1 of random bytes", random::bytes(4097))?;
    let bytes = works("4 KiB of random bytes", random::bytes(4096))?;
    must(bytes.len() == 4096, "another number of random bytes")
});
