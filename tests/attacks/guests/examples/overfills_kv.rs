//! tries: to keep more in kv than it may: many keys with nothing in them, values that grow, time that never ends
//! stands-for: INC-6, DAT-8
//! asks: kv:read
//! asks: kv:write bytes=16KiB ttl<=1d
//! limit: host-calls=20000
//! limit: cpu-ms=10000
//! limit: wall-ms=60000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let bucket = works("a bucket", kv::open("full"))?;
    fails("a value of 64 KiB and 1", bucket.set("value", &vec![0; 65_537], None))?;
    fails("for ever", bucket.set("key", b"x", Some(u64::MAX)))?;
    fails("for longer than is granted", bucket.set("key", b"x", Some(86_401)))?;
    works("a value of 8 KiB", bucket.set("a", &[0; 8_192], Some(3_600)))?;
    limited("another of 16 KiB", "kv-bytes", bucket.set("b", &[0; 16_384], None))?;
    limited("more in its place", "kv-bytes", bucket.set("a", &[0; 17_000], None))?;
    limited("by compare-and-set", "kv-bytes", bucket.compare_and_set("c", None, &[0; 16_384], None))?;
    for number in 0..2_000 {
        match bucket.set(&format!("{number:0>200}"), b"", None) {
            Ok(()) => {}
            Err(error) => {
                must(number < 100, format!("{number} keys of 200 bytes in what is left of 16 KiB"))?;
                return limited("keys without values", "kv-bytes", Err::<(), _>(error));
            }
        }
    }
    Err(escaped("2,000 keys of 200 bytes in 16 KiB"))
});
