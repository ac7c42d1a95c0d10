//! tries: to have the host unpack 9 MiB from 50 KiB
//! stands-for: INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: memory-mib=16
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let answer = works(encoding, get(&format!("/v1/packed/{encoding}")))?;
        must(answer.body.len() < 64 * 1024, format!("{} bytes: it was unpacked", answer.body.len()))?;
        must(answer.body.len() > 16 * 1024, "MISSED: the bomb did not arrive")?;
        let said = answer.headers.iter().any(|(name, value)| name == "content-encoding" && value == encoding);
        must(said, "MISSED: it is not said to be packed")?;
    }
    Ok(())
});
