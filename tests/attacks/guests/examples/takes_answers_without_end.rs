//! tries: to have the host read an answer that never ends: body, chunks, headers, interim answers
//! stands-for: INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: wall-ms=30000
//! limit: cpu-ms=5000
//! limit: http-in-kib=65536
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    limited("chunks", "http-response-bytes", get("/v1/endless-chunks"))?;
    limited("until the connection closes", "http-response-bytes", get("/v1/endless-close"))?;
    limited("of a length of 1 TiB", "http-response-bytes", get("/v1/endless-length"))?;
    fails("headers", get("/v1/endless-headers"))?;
    fails("one header", get("/v1/endless-header"))?;
    fails("interim answers", get("/v1/endless-interim"))?;
    fails("a status line", get("/v1/endless-status"))?;
    fails("an extension of a chunk", get("/v1/endless-extension"))
});
