//! tries: to have the host make 16 EiB of random bytes through WASI
//! stands-for: RUSTSEC-2026-0020, INC-6
//! expect: trapped random: at most

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:random/random@0.2.0; }
        package wasi:random@0.2.0 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }
    ",
    generate_all,
});

attack!(|_| {
    let bytes = wasi::random::random::get_random_bytes(u64::MAX);
    Err(escaped(format!("{} bytes", bytes.len())))
});
