//! tries: to fill a ticket with comments: long ones, empty ones, and as many as it can
//! stands-for: MNT-5, INC-6
//! asks: tickets:comment visibility=internal
//! limit: records-written=20
//! limit: memory-mib=32
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

attack!(|_| {
    invalid("64 KiB and 1", tickets::add_comment("1005", &note(&"x".repeat(65_537), None)))?;
    invalid(
        "64 KiB and 1, in letters of four bytes",
        tickets::add_comment("1005", &note(&"\u{1f4a3}".repeat(16_385), None)),
    )?;
    invalid("nothing", tickets::add_comment("1005", &note("", None)))?;
    for number in 0..100 {
        if let Err(error) = tickets::add_comment("1005", &note("Again.", Some(&format!("bomb-{number}")))) {
            must(number == 20, format!("{number} comments"))?;
            return limited("one comment more", "records-written", Err::<(), _>(error));
        }
    }
    Err(escaped("100 comments"))
});
