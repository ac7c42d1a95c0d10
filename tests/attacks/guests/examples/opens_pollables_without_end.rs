//! tries: to fill the host's table with pollables of WASI
//! stands-for: RUSTSEC-2026-0020, INC-6
//! limit: handles=64
//! limit: host-calls=100000
//! limit: cpu-ms=5000
//! expect: limit handles

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:clocks/monotonic-clock@0.2.0; }
        package wasi:io@0.2.0 { interface poll { resource pollable; } }
        package wasi:clocks@0.2.0 {
            interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; subscribe-duration: func(when: u64) -> pollable; }
        }
    ",
    generate_all,
});

use wasi::clocks::monotonic_clock;

attack!(|_| {
    let mut held = Vec::new();
    for _ in 0..50_000 {
        held.push(monotonic_clock::subscribe_duration(1));
    }
    Err(escaped(format!("{} pollables at once", held.len())))
});
