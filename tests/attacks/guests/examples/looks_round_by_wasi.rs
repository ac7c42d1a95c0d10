//! tries: to read the host's environment, arguments, working directory and directories through WASI
//! stands-for: DAT-11, INT-7
//! expect: ok

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w { import wasi:cli/environment@0.2.0; import wasi:filesystem/preopens@0.2.0; }
        package wasi:cli@0.2.0 {
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                get-arguments: func() -> list<string>;
                initial-cwd: func() -> option<string>;
            }
        }
        package wasi:filesystem@0.2.0 {
            interface types { resource descriptor; }
            interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }
        }
    ",
    generate_all,
});

use wasi::{cli::environment, filesystem::preopens};

attack!(|_| {
    let environment = environment::get_environment();
    must(environment.is_empty(), format!("{environment:?}"))?;
    must(environment::get_arguments().is_empty(), "arguments")?;
    must(environment::initial_cwd().is_none(), "a working directory")?;
    must(preopens::get_directories().is_empty(), "a directory")
});
