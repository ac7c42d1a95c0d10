//! tries: to send to hosts, ports, paths and with methods that are not granted
//! stands-for: INT-2, MON-4
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! expect: ok
//! denies: http.send
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    works("what is granted", get("/v1/fine"))?;
    for url in [
        "https://other.example.test/v1/x",
        "https://api.example.test.evil.example.test/v1/x",
        "https://evil.example.test/v1/x",
        "https://xapi.example.test/v1/x",
        "https://a.api.example.test/v1/x",
        "https://api.example.test:8443/v1/x",
        "https://api.example.test:80/v1/x",
        "https://api.example.test/v2/x",
        "https://api.example.test/v1",
        "https://api.example.test/",
        "https://api.example.test/v1x/y",
        "https://api.example.test/V1/x",
        "https://example.test/v1/x",
    ] {
        denied(url, send("GET", url, &[]))?;
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "HEAD"] {
        denied(method, send(method, "https://api.example.test/v1/x", &[]))?;
    }
    for method in ["get", "CONNECT", "TRACE", "OPTIONS", "", "GET ", "GET /x HTTP/1.1\r\nX: y", "PRI", "G\0ET"] {
        invalid(method, send(method, "https://api.example.test/v1/x", &[]))?;
    }
    Ok(())
});
