//! tries: to set headers that frame the message or belong to the connection: lengths, encodings, host, upgrades
//! stands-for: GHSA-h4wp-g4x3-7398, GHSA-r8xh-cgf7-392j, GHSA-jxcf-8qw5-5c33, INT-2
//! asks: http:send to=https://api.example.test/v1/* methods=GET,POST
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for (name, value) in [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity, chunked"),
        ("Content-Length", "0"),
        ("content-length", "999"),
        ("Host", "evil.example.test"),
        ("host", "other.example.test"),
        ("Upgrade", "h2c"),
        ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ("Expect", "100-continue"),
        ("Connection", "close, x-kept, authorization"),
        ("Keep-Alive", "timeout=9999"),
        ("TE", "trailers"),
        ("Trailer", "authorization"),
        ("proxy-connection", "keep-alive"),
        ("x-http-method-override", "DELETE"),
        ("X-HTTP-Method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("accept-encoding", "gzip"),
    ] {
        let headers = vec![
            (name.to_owned(), value.to_owned()),
            (name.to_ascii_uppercase(), value.to_owned()),
            ("x-kept".to_owned(), "1".to_owned()),
        ];
        let request = http::Request {
            method: "POST".to_owned(),
            url: "https://api.example.test/v1/framed".to_owned(),
            headers,
            body: b"four".to_vec(),
        };
        let answer = http::send(&request);
        must(answer.is_ok() || matches!(answer, Err(Error::Invalid(_))), format!("MISSED: {name}: {answer:?}"))?;
    }
    Ok(())
});
