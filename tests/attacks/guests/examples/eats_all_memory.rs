//! tries: to take all of the machine's memory, 1 MiB at a time
//! stands-for: INC-6
//! limit: memory-mib=8
//! limit: cpu-ms=5000
//! expect: limit memory-mib

use std::hint::black_box;

use portcullis_attack_guests::attack;

attack!(|_| {
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1u8; 1024 * 1024]));
    }
});
