//! tries: to open sockets of its own
//! stands-for: INT-2, MNT-6
//! asks: http:send to=https://api.example.test/* methods=GET
//! expect: refused wasi:sockets/instance-network

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:sockets/instance-network@0.2.0; }
        package wasi:sockets@0.2.0 {
            interface network { resource network; }
            interface instance-network { use network.{network}; instance-network: func() -> network; }
        }
    ",
    generate_all,
});

attack!(|_| {
    let _network = wasi::sockets::instance_network::instance_network();
    Err(escaped("a network"))
});
