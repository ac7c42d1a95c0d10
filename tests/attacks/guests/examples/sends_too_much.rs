//! tries: to send more than it may: headers without end, long headers, long targets, bodies, requests
//! stands-for: RUSTSEC-2026-0021, INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET,POST
//! limit: http-requests=5
//! limit: memory-mib=64
//! limit: cpu-ms=5000
//! limit: host-calls=3000
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    let many: Vec<(String, String)> = (0..50_000).map(|number| (format!("x-{number}"), String::new())).collect();
    let request = |headers: Vec<(String, String)>, url: &str, body: Vec<u8>| {
        http::send(&http::Request {
            method: "POST".to_owned(),
            url: format!("https://api.example.test/v1/much{url}"),
            headers,
            body,
        })
    };
    invalid("50,000 headers", request(many, "", Vec::new()))?;
    invalid("one of 64 KiB", request(vec![("x-a".to_owned(), "x".repeat(65_536))], "", Vec::new()))?;
    invalid("a name of 64 KiB", request(vec![("x".repeat(65_536), String::new())], "", Vec::new()))?;
    invalid("a target of 9 KiB", request(Vec::new(), &"x".repeat(9_216), Vec::new()))?;
    invalid("a body of 1 MiB and 1", request(Vec::new(), "", vec![0; 1024 * 1024 + 1]))?;
    for number in 0..100 {
        if let Err(error) = request(Vec::new(), "", Vec::new()) {
            must(number <= 5, format!("{number} requests"))?;
            return limited("one request more", "http-requests", Err::<(), _>(error));
        }
    }
    Err(escaped("100 requests"))
});
