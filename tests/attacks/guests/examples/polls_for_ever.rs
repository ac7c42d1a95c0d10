//! tries: to wait for ever through WASI, which uses no CPU time
//! stands-for: INC-6
//! limit: wall-ms=1000
//! expect: limit wall-ms

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:clocks/monotonic-clock@0.2.0; import wasi:io/poll@0.2.0; }
        package wasi:io@0.2.0 {
            interface poll { resource pollable { block: func(); } poll: func(in: list<borrow<pollable>>) -> list<u32>; }
        }
        package wasi:clocks@0.2.0 {
            interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; subscribe-duration: func(when: u64) -> pollable; }
        }
    ",
    generate_all,
});

use wasi::clocks::monotonic_clock;

attack!(|_| {
    monotonic_clock::subscribe_duration(u64::MAX / 4).block();
    Err(escaped("the wait is over"))
});
