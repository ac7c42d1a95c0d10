//! tries: to loop over calls that are refused for their form, which cost the host work and leave no act behind
//! stands-for: INC-6
//! asks: tickets:read fields=subject
//! limit: host-calls=300
//! limit: cpu-ms=10000
//! expect: limit host-calls

use portcullis_attack_guests::*;

attack!(|_| {
    let fields = names(&["no_such_field"]);
    loop {
        let _ = tickets::get("1005", &fields);
    }
});
