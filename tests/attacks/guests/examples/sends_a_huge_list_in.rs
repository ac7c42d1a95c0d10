//! tries: to make the host build a list of two million texts
//! stands-for: INC-6, RUSTSEC-2026-0020
//! asks: tickets:read fields=subject
//! limit: memory-mib=64
//! limit: cpu-ms=5000
//! expect: limit host-call-bytes

use portcullis_attack_guests::*;

attack!(|_| {
    let _ = tickets::get("1005", &vec![String::new(); 2_000_000]);
    Err(escaped("the host took it"))
});
