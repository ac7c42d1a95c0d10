//! tries: to fill the host's table of resources with handles that it never gives back
//! stands-for: INC-6, RUSTSEC-2026-0020
//! asks: kv:read
//! limit: handles=64
//! limit: host-calls=5000
//! limit: cpu-ms=5000
//! expect: ok
//! afterwards: limits

use portcullis_attack_guests::*;

attack!(|_| {
    let mut held = Vec::new();
    for number in 0..1_000 {
        match kv::open(&format!("bucket-{number}")) {
            Ok(bucket) => held.push(bucket),
            Err(error) => {
                say(&format!("held {}", held.len()));
                return limited("one handle more", "handles", Err::<(), _>(error));
            }
        }
    }
    Err(escaped(format!("{} handles at once", held.len())))
});
