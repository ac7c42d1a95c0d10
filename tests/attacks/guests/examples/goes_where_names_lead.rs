//! tries: to reach addresses that are not public by names that lead there, alone or among public ones
//! stands-for: INT-2, INC-1
//! asks: http:send to=https://*.rebind.example.test/* methods=GET
//! limit: wall-ms=60000
//! limit: http-requests=100
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for name in [
        "loopback",
        "loopback-six",
        "any",
        "private",
        "carrier",
        "link-local",
        "metadata",
        "metadata-six",
        "mapped",
        "compatible",
        "translated",
        "nat64",
        "nat64-local",
        "six-to-four",
        "teredo",
        "unique-local",
        "site-local",
        "isatap",
        "multicast",
        "mixed",
        "mixed-last",
        "many",
    ] {
        invalid(name, send("GET", &format!("https://{name}.rebind.example.test/"), &[]))?;
    }
    fails("nothing at all", send("GET", "https://nowhere.rebind.example.test/", &[]))
});
