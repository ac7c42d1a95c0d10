//! tries: to keep the processor for itself in a loop without a call into the host
//! stands-for: INC-6
//! limit: cpu-ms=100
//! expect: limit cpu-ms

use std::hint::black_box;

use portcullis_attack_guests::attack;

attack!(|_| {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
});
