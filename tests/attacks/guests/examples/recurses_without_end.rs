//! tries: to run off the end of the host's stack by recursion
//! stands-for: INC-6
//! expect: limit stack

use std::hint::black_box;

use portcullis_attack_guests::attack;

fn deeper(level: u64) -> u64 {
    if black_box(true) { deeper(level + 1).wrapping_mul(level) } else { level }
}

attack!(|_| {
    black_box(deeper(0));
    Ok(())
});
