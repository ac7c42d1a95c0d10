//! tries: to bury what it does in the audit log under denials
//! stands-for: MON-1, MON-4, INC-6
//! asks: tickets:read fields=subject
//! limit: host-calls=3000
//! limit: cpu-ms=10000
//! limit: wall-ms=30000
//! expect: limit host-calls
//! denies: tickets.get
//! afterwards: limits

use portcullis_attack_guests::*;

attack!(|_| {
    let fields = names(&["description"]);
    loop {
        let _ = tickets::get("1005", &fields);
    }
});
