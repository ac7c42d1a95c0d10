//! tries: to have wasi:http send to another host than the one that was judged: authority, absolute paths, schemes, Host
//! stands-for: GHSA-5qpp-g3j2-8frx, GHSA-h4wp-g4x3-7398, GHSA-r8xh-cgf7-392j, INT-2
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: cpu-ms=5000
//! limit: wall-ms=60000
//! limit: http-requests=100
//! connects: yes
//! expect: ok
//! afterwards: egress

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    path: "wasi/http.wit",
    generate_all,
});

use wasi::http::{
    outgoing_handler,
    types::{Fields, Method, OutgoingRequest, Scheme},
};

/// Whether an answer came.
fn ask(scheme: Scheme, authority: &str, path: &str, headers: &[(&str, &str)]) -> bool {
    let fields = Fields::new();
    for (name, value) in headers {
        if fields.append(name, value.as_bytes()).is_err() {
            return false;
        }
    }
    let request = OutgoingRequest::new(fields);
    let set = request.set_method(&Method::Get).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some(path)).is_ok();
    if !set {
        return false;
    }
    let Ok(future) = outgoing_handler::handle(request, None) else { return false };
    future.subscribe().block();
    matches!(future.get(), Some(Ok(Ok(_))))
}

attack!(|_| {
    must(ask(Scheme::Https, HOST, "/v1/fine", &[]), "MISSED: what is granted does not get through")?;
    for (authority, path) in [
        (HOST, "https://evil.example.test/v1/x"),
        (HOST, "//evil.example.test/v1/x"),
        (HOST, "@evil.example.test/v1/x"),
        (HOST, ":8443/v1/x"),
        (HOST, "/v2/x"),
        (HOST, "/v1/../v2/x"),
        (HOST, "*"),
        (HOST, "v1/x"),
        (HOST, ".evil.example.test/v1/x"),
        ("evil.example.test", "/v1/x"),
        ("other.example.test", "/v1/x"),
        ("api.example.test@evil.example.test", "/v1/x"),
        ("evil.example.test@api.example.test", "/v1/x"),
        ("api.example.test:8443", "/v1/x"),
        ("127.0.0.1", "/v1/x"),
        ("[::1]", "/v1/x"),
        ("", "/v1/x"),
        ("api.example.test/v1/x?", "/v2/x"),
        ("api.example.test#", "/v1/x"),
        ("169.254.169.254", "/latest/meta-data/"),
    ] {
        must(!ask(Scheme::Https, authority, path, &[]), format!("{authority} {path} was answered"))?;
    }
    must(!ask(Scheme::Http, HOST, "/v1/x", &[]), "without TLS")?;
    must(!ask(Scheme::Other("gopher".to_owned()), HOST, "/v1/x", &[]), "by another scheme")?;
    for header in [
        ("host", "evil.example.test"),
        ("transfer-encoding", "chunked"),
        ("content-length", "7"),
        ("authorization", "Bearer mine"),
        ("cookie", "mine=1"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
        ("proxy-authorization", "mine"),
    ] {
        // It may be refused or sent without it: the server's log is looked at afterwards.
        let _ = ask(Scheme::Https, HOST, "/v1/fine", &[header]);
    }
    Ok(())
});
