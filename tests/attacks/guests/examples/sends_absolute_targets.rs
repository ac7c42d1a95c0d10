//! tries: to have the request line name another host than the one that was judged
//! stands-for: GHSA-5qpp-g3j2-8frx, INT-2
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: http-in-kib=65536
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for url in [
        "https://api.example.test@evil.example.test/v1/x",
        "https://evil.example.test@api.example.test/v1/x",
        "https://api.example.test:443@evil.example.test/v1/x",
        "https://api.example.test\\@evil.example.test/v1/x",
        "https://api.example.test#@evil.example.test/v1/x",
        "https://api.example.test?@evil.example.test/v1/x",
        "https:///api.example.test/v1/x",
        "https:/api.example.test/v1/x",
        "https:api.example.test/v1/x",
        "//api.example.test/v1/x",
        "http://api.example.test/v1/x",
        "HTTPS:\\\\api.example.test/v1/x",
        "https://api.example.test /v1/x",
        "https://api.example.test\t/v1/x",
        "https://api.example.test\0/v1/x",
        "https://[api.example.test]/v1/x",
        "https://api.example.test:/../x",
        "https://api.example.test:443:443/v1/x",
        "https://*/v1/x",
        "https://api.example.test:99999/v1/x",
        "https://api.example.test:+443/v1/x",
        "file:///etc/passwd",
        "data:,x",
        "javascript:0",
        "",
        "*",
        "https://api.example.test%2f@evil.example.test/v1/x",
        "https://api.example.test%00.evil.example.test/v1/x",
        "https://%61pi.example.test%2fv1/x",
        "view-source:https://api.example.test/v1/x",
        "https://",
        "https://.",
        "https://..",
        "https://api..example.test/v1/x",
        "https://-/v1/x",
    ] {
        refused(url, send("GET", url, &[]))?;
    }
    for path in [
        "/v1/https://evil.example.test/x",
        "/v1/@evil.example.test/",
        "/v1///evil.example.test/x",
        "/v1/:443",
        "/v1/http:",
    ] {
        works(path, get(path))?;
    }
    Ok(())
});
