//! tries: to learn a value that it may write and not read, by comparing
//! stands-for: INT-2, DAT-2
//! asks: kv:write bytes=16KiB
//! expect: ok
//! denies: kv.get
//! denies: kv.list-keys

use portcullis_attack_guests::*;

attack!(|_| {
    let bucket = works("a bucket", kv::open("blind"))?;
    works("a value", bucket.set("pin", b"1234", None))?;
    denied("reading", bucket.get("pin"))?;
    denied("listing", bucket.list_keys("", None))?;
    denied("comparing with a wrong value", bucket.compare_and_set("pin", Some(b"0000"), b"0000", None))?;
    denied("comparing with the right value", bucket.compare_and_set("pin", Some(b"1234"), b"0000", None))?;
    denied("whether there is one", bucket.compare_and_set("pin", None, b"0000", None))
});
