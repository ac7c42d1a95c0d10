//! tries: to tell hosts and neighbours apart by the host's uptime and by how finely its clock shows time
//! stands-for: DAT-11
//! asks: clocks:read
//! limit: cpu-ms=3000
//! limit: host-calls=20000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let began = clocks::elapsed();
    must(began < 20_000, format!("{began} ms since a call began that has just begun: the host's own age?"))?;
    let mut last = began;
    let mut now = clocks::now();
    for _ in 0..5_000 {
        let elapsed = clocks::elapsed();
        must(elapsed >= last, "it goes back")?;
        last = elapsed;
        now = now.max(clocks::now());
    }
    must(now > 1_700_000_000_000 && now < 10_000_000_000_000, format!("{now} is finer than milliseconds, or no date"))
});
