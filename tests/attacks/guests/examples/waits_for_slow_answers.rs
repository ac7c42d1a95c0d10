//! tries: to hold a call, a connection and a slot for ever with an answer that comes a byte at a time
//! stands-for: INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: wall-ms=1500
//! calls: own, own, own
//! limit: http-in-kib=65536
//! expect: limit wall-ms
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|event| {
    let path = ["/v1/never", "/v1/slow-head", "/v1/slow-body"]
        [usize::try_from(About::of(&event)?.call() - 1).unwrap_or_default() % 3];
    loop {
        let _ = get(path);
    }
});
