//! tries: to leave an answer in a connection that another installation will use
//! stands-for: DAT-11, GHSA-r8xh-cgf7-392j
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! calls: own, sibling, stranger, own
//! limit: http-in-kib=65536
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    if About::of(&event)?.call() == 1 {
        let _ = get("/v1/split/too-long");
        let _ = get("/v1/split/later");
        return Ok(());
    }
    for _ in 0..3 {
        let answer = works("an answer", get("/v1/fine"))?;
        must(text(&answer) == "fine", format!("what another left: {}", text(&answer)))?;
    }
    Ok(())
});
