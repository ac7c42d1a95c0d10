//! tries: to have an answer end at two places, so that the rest of it is the next answer
//! stands-for: GHSA-h4wp-g4x3-7398, GHSA-r8xh-cgf7-392j
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: http-in-kib=65536
//! limit: http-requests=50
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    for path in [
        "two-lengths",
        "length-list",
        "length-and-chunks",
        "chunks-and-length",
        "length-sign",
        "length-hex",
        "too-long",
        "too-short",
        "two-encodings",
        "chunk-size",
        "body-of-204",
    ] {
        match get(&format!("/v1/split/{path}")) {
            Ok(answer) => must(!text(&answer).contains("smuggled"), format!("{path}: {}", text(&answer)))?,
            Err(Error::Unavailable | Error::Limited(_)) => {}
            Err(error) => return Err(missed(format!("{path}: {error:?}"))),
        }
        // What comes next must be the answer to this request.
        let next = works("the next one", get("/v1/fine"))?;
        must(text(&next) == "fine", format!("after {path}: {}", text(&next)))?;
        must(next.headers.iter().all(|(name, _)| name != "x-smuggled"), format!("after {path}: {:?}", next.headers))?;
    }
    Ok(())
});
