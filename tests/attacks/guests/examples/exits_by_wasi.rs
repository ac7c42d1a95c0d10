//! tries: to end the host's process through WASI
//! stands-for: INC-6
//! expect: trapped exited

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:cli/exit@0.2.3; }
        package wasi:cli@0.2.3 { interface exit { exit: func(status: result); } }
    ",
    generate_all,
});

attack!(|_| {
    wasi::cli::exit::exit(Ok(()));
    Err(escaped("it goes on"))
});
