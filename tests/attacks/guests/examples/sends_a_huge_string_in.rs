//! tries: to make the host copy a text of 12 MiB out of its memory
//! stands-for: INC-6, RUSTSEC-2026-0020
//! asks: tickets:read fields=subject
//! limit: memory-mib=64
//! limit: cpu-ms=5000
//! expect: limit host-call-bytes

use portcullis_attack_guests::*;

attack!(|_| {
    let _ = tickets::get(&"9".repeat(12 * 1024 * 1024), &names(&["subject"]));
    Err(escaped("the host took it"))
});
