//! tries: to bring the host down with header fields without end, through wasi:http
//! stands-for: RUSTSEC-2026-0021, INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: cpu-ms=5000
//! limit: host-calls=100000
//! limit: wall-ms=30000
//! expect: trapped total size of fields

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    path: "wasi/http.wit",
    generate_all,
});

use wasi::http::types::Fields;

attack!(|_| {
    let fields = Fields::new();
    for number in 0..60_000u32 {
        if fields.append(&format!("x-{number}"), b"value").is_err() {
            return must(number < 40_000, format!("{number} fields"));
        }
    }
    Err(escaped("60,000 fields"))
});
