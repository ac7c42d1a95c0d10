//! tries: to have a name judged by one address and connected to at another: it leads elsewhere at the second look-up
//! stands-for: INT-2, INC-1
//! asks: http:send to=https://*.rebind.example.test/* methods=GET
//! limit: wall-ms=60000
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    // The first answer is a public address at which nobody listens, each later one is loopback.
    fails("the first time", send("GET", "https://turns.rebind.example.test/", &[]))?;
    invalid("the second time", send("GET", "https://turns.rebind.example.test/", &[]))
});
