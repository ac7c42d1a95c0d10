//! tries: to get round the CPU limit in a loop of calls into the host
//! stands-for: INC-6
//! asks: kv:read
//! limit: host-calls=300
//! limit: cpu-ms=10000
//! expect: limit host-calls

use portcullis_attack_guests::*;

attack!(|_| {
    let bucket = kv::open("loop")?;
    loop {
        bucket.get("nothing")?;
    }
});
