//! tries: to fill the disk with log lines
//! stands-for: INC-6, DAT-8
//! limit: log-kib=4
//! limit: host-calls=20000
//! limit: cpu-ms=10000
//! limit: wall-ms=30000
//! expect: ok
//! afterwards: logs

use portcullis_attack_guests::*;

attack!(|_| {
    for number in 0..10_000 {
        say(&format!("line {number} of a flood"));
    }
    say(&"x".repeat(1024 * 1024));
    Ok(())
});
