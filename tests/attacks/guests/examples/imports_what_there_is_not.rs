//! tries: to import an interface that the host's package does not have, with a manifest that says nothing of it
//! stands-for: INT-2, MNT-6
//! expect: refused portcullis:plugin/admin

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import portcullis:plugin/admin@0.1.0; }
        package portcullis:plugin@0.1.0 { interface admin { grant: func(scope: string); } }
    ",
    generate_all,
});

attack!(|_| {
    portcullis::plugin::admin::grant("tickets:read fields=*");
    Err(escaped("a grant"))
});
