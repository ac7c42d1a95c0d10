//! tries: to get from the granted path to another by dots, escapes, semicolons, doubled slashes and backslashes
//! stands-for: INT-2, MNT-5
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for path in [
        "/v1/../admin",
        "/v1/%2e%2e/admin",
        "/v1/.%2e/admin",
        "/v1/%2E%2E%2Fadmin",
        "/v1/..%2fadmin",
        "/v1/..%5cadmin",
        "/v1\\..\\admin",
        "/v1/\\..\\..\\admin",
        "/v1/x/../../admin",
        "//v1/x",
        "/./v2",
        "/v1/\t../admin",
        "/v1/..\u{2215}admin\0",
        "/v1/%00/../admin",
        "/v1/x#/../../admin",
        "/v1/ /x",
        "/v1/\r\n/x",
        "/v1%2f..%2fadmin",
    ] {
        refused(path, get(path))?;
    }
    // What may be sent must arrive under /v1/, as it was judged: the server's log is looked at afterwards.
    for path in [
        "/v1/..;/admin",
        "/v1/...",
        "/v1//admin",
        "/v1/%252e%252e/admin",
        "/v1/x?/../../admin",
        "/v1/;/../x",
        "/v1/\u{2024}\u{2024}/admin",
    ] {
        let _ = get(path);
    }
    Ok(())
});
