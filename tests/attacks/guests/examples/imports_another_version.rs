//! tries: to import an interface in a version that the host does not check
//! stands-for: INT-2, MNT-2
//! asks: tickets:read fields=subject
//! expect: refused 0.2.0

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import portcullis:plugin/tickets@0.2.0; }
        package portcullis:plugin@0.2.0 { interface tickets { everything: func() -> list<string>; } }
    ",
    generate_all,
});

attack!(|_| Err(escaped(format!("{:?}", portcullis::plugin::tickets::everything()))));
